#include "train/run.hpp"

#include <chrono>
#include <cmath>

#include "base/error.hpp"

namespace linnet::train {

Run::Run(Subject& subject, Split& data, const RunOptions& options)
    : subject_(subject),
      options_(options),
      schedule_(options.schedule),
      optimizer_(options.optimizer, subject.parameters()),
      stream_(data, options.packs) {
  require(options.packs_per_step >= 1, "{} packs for each step", options.packs_per_step);
  require(options.steps >= 0, "a run of {} steps", options.steps);
}

StepReport Run::step() {
  const auto begin = std::chrono::steady_clock::now();
  // The position is that of the last step until this one is over.
  const DataPosition before = stream_.position();
  std::vector<Pack> packs;
  try {
    while (static_cast<int64_t>(packs.size()) < options_.packs_per_step) {
      std::optional<Pack> pack = stream_.next();
      if (!pack && packs.empty())
        fail(ErrorCode::invalid_argument, "the data ends after {} of {} steps", step_,
             options_.steps);
      if (!pack) break;
      packs.push_back(*std::move(pack));
    }
    std::optional<Key> dropout;
    if (options_.dropout)
      dropout = split({.seed = options_.seed}, static_cast<uint64_t>(step_) + 1);
    const StepGradients result = gradients_of(subject_, packs, options_.loss, dropout);
    const Clip clip = clip_global_norm(result.gradients, options_.clip_norm);
    if (!std::isfinite(clip.norm) || !std::isfinite(result.sums.loss))
      fail(ErrorCode::invalid_argument,
           "step {}: the loss is {}, the norm of the gradients {}; a smaller learning rate than {} "
           "may help",
           step_ + 1, result.sums.mean_loss(), clip.norm, options_.schedule.learning_rate);
    const double rate = schedule_.at(step_);
    optimizer_.step(result.gradients, rate, clip.scale);
    ++step_;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return {.step = step_,
            .sums = result.sums,
            .learning_rate = rate,
            .gradient_norm = clip.norm,
            .seconds = took.count()};
  } catch (...) {
    stream_.seek(before);
    throw;
  }
}

LossSums Run::validate(Split& split, int64_t max_packs) const {
  PackOptions options = options_.packs;
  options.epochs = 1;
  PackStream stream(split, options);
  LossSums sums;
  for (int64_t i = 0; max_packs == 0 || i < max_packs; ++i) {
    const std::optional<Pack> pack = stream.next();
    if (!pack) break;
    const LossSums part = loss_of(subject_, {&*pack, 1}, options_.loss);
    sums.loss += part.loss;
    sums.log_likelihood += part.log_likelihood;
    sums.weight += part.weight;
    sums.tokens += part.tokens;
    sums.targets += part.targets;
  }
  return sums;
}

std::string Run::fingerprint() const {
  const OptimizerOptions& o = options_.optimizer;
  const ScheduleOptions& s = options_.schedule;
  return fmt::format(
      "{} wd {} betas {} {} eps {} momentum {} {} adafactor {} {} {} {}; {} lr {} warmup {} total "
      "{} least {}; smoothing {} z {} logits {}; clip {}; packs {} of {} window {}; seed {} "
      "dropout "
      "{}; parameters {} elements {}",
      to_string(o.kind), o.weight_decay, o.beta1, o.beta2, o.epsilon, o.momentum, o.nesterov,
      o.beta2_decay, o.epsilon1, o.epsilon2, o.clip_threshold, to_string(s.kind), s.learning_rate,
      s.warmup_steps, s.total_steps, s.minimum_ratio, options_.loss.label_smoothing,
      options_.loss.z_loss, options_.loss.logits_bytes, options_.clip_norm, options_.packs_per_step,
      options_.packs.max_tokens, options_.packs.window, options_.seed, options_.dropout,
      subject_.parameters().size(), subject_.elements());
}

RunState Run::state() const {
  return {.step = step_,
          .fingerprint = fingerprint(),
          .seeds = {{"dropout", options_.seed}},
          .data_checksum = options_.data_checksum,
          .data_position = stream_.position().to_json()};
}

std::filesystem::path Run::save(const std::filesystem::path& run, const TrainHistory& history,
                                int64_t keep) const {
  RunState state = this->state();
  state.history = history;
  return save_checkpoint(run, state, subject_.parameters(), optimizer_.state(), {.keep = keep});
}

TrainHistory Run::resume(const std::filesystem::path& checkpoint) {
  const LoadedCheckpoint loaded = load_checkpoint(checkpoint, subject_.device());
  const DataPosition position = DataPosition::parse(loaded.state.data_position);
  const bool same_tokens = loaded.state.data_checksum.empty() || options_.data_checksum.empty() ||
                           loaded.state.data_checksum == options_.data_checksum;
  // Before the options: how many steps there are may hang on the tokens.
  require(same_tokens || position.fingerprint != stream_.position().fingerprint,
          "{} is of a run that made other tokens of the same lines: its tokenizer or chat template "
          "was another one",
          checkpoint.string());
  require(loaded.state.fingerprint == fingerprint(),
          "{} is of a run with other options:\n  there: {}\n  here:  {}", checkpoint.string(),
          loaded.state.fingerprint, fingerprint());
  std::vector<Parameter> parameters = subject_.parameters();
  stream_.seek(position);
  restore_parameters(parameters, loaded.parameters);
  optimizer_.load_state(loaded.optimizer);
  step_ = loaded.state.step;
  return loaded.state.history;
}

}  // namespace linnet::train
