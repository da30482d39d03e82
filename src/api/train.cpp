#include <algorithm>
#include <cmath>

#include "api/state.hpp"
#include "api/train_probe.hpp"
#include "api/train_state.hpp"
#include "base/error.hpp"
#include "models/registry.hpp"
#include "nn/adapter_load.hpp"
#include "train/dataset_statistics.hpp"
#include "train/memory.hpp"
#include "train/sample.hpp"

namespace linnet {
namespace {

void check(const TrainOptions& o) {
  require(!o.out.empty(), "no folder to write to (TrainOptions::out)");
  require(!o.data.files.empty(), "no files to train on (TrainOptions::data)");
  require(o.steps >= 0, "steps {} is negative", o.steps);
  require(o.steps > 0 || (std::isfinite(o.epochs) && o.epochs > 0), "epochs {} is not positive",
          o.epochs);
  require(o.data.max_length >= 2, "max_length {} is below 2", o.data.max_length);
  require(o.batch_tokens >= 1, "batch_tokens {} is not positive", o.batch_tokens);
  require(o.pack_tokens == 0 || o.pack_tokens >= o.data.max_length,
          "pack_tokens {} is below max_length {}", o.pack_tokens, o.data.max_length);
  require(o.label_smoothing >= 0 && o.label_smoothing < 1, "label_smoothing {} is outside 0..1",
          o.label_smoothing);
  require(std::isfinite(o.z_loss) && o.z_loss >= 0, "z_loss {} is negative", o.z_loss);
  require(o.memory_budget >= 0, "memory_budget {} is negative", o.memory_budget);
  require(o.threads >= 0 && o.threads <= 4096, "threads {} is outside 0..4096", o.threads);
  require(o.keep_checkpoints >= 1, "keep_checkpoints {} is not positive", o.keep_checkpoints);
  const bool validates = !o.data.validation_files.empty() || o.data.validation_fraction > 0;
  require(o.patience == 0 || (validates && o.validate_every > 0),
          "patience needs validation data and validate_every");
  require(o.validate_every == 0 || validates, "validate_every without validation data");
  require(o.sample_every == 0 || !o.sample_prompts.empty(), "sample_every without sample_prompts");
  require(o.mode == TrainMode::lora || !quantization_of(o.quantize),
          "quantised weights cannot be trained, only adapters beside them");
  require(o.mode == TrainMode::init || o.init_config.empty(),
          "init_config is for a new model (TrainMode::init)");
  for (const int64_t every : {o.checkpoint_every, o.validate_every, o.sample_every, o.patience,
                              o.validation_packs, o.sample_tokens, o.warmup_steps})
    require(every >= 0, "an interval or number of {} is negative", every);
}

train::OptimizerOptions optimizer_options(const TrainOptions& o) {
  train::OptimizerOptions result = train::default_options(train::parse_optimizer(o.optimizer));
  result.weight_decay = o.weight_decay.value_or(result.weight_decay);
  result.beta1 = o.beta1.value_or(result.beta1);
  result.beta2 = o.beta2.value_or(result.beta2);
  result.epsilon = o.epsilon.value_or(result.epsilon);
  result.momentum = o.momentum.value_or(result.momentum);
  train::check(result);
  return result;
}

train::LoraOptions lora_options(const TrainOptions& o) {
  return {.rank = o.lora.rank,
          .alpha = o.lora.alpha,
          .rslora = o.lora.rslora,
          .dropout = o.lora.dropout,
          .targets = o.lora.targets,
          .layers = o.lora.layers,
          .seed = o.seed};
}

train::Turns turns_of(LearnedTurns turns) {
  switch (turns) {
    case LearnedTurns::all: return train::Turns::all;
    case LearnedTurns::last: return train::Turns::last;
    case LearnedTurns::apart: return train::Turns::apart;
  }
  return train::Turns::all;
}

std::optional<train::Labelling> labelling_of(const std::optional<LabelledLines>& lines) {
  if (!lines) return std::nullopt;
  require(lines->text_field != lines->label_field, "text and label are both the member \"{}\"",
          lines->text_field);
  return train::Labelling{.fields = {.text = lines->text_field, .label = lines->label_field},
                          .prompt = text::LabelPrompt(lines->labels, lines->prompt_template),
                          .system = lines->system,
                          .chat = lines->chat};
}

/// Of logits held at a time: a fixed number, because it decides the order of sums.
constexpr int64_t kLogitsBytes = int64_t{64} << 20;

}  // namespace

Trainer::State::State(io::Checkpoint opened, TrainOptions given)
    : options(std::move(given)), checkpoint(std::move(opened)) {
  check(options);
  require(options.mode != TrainMode::init, "a new model needs a folder with its tokenizer");
  tokenizer = read_tokenizer(*checkpoint);
  require(tokenizer.has_value(), "{} has no tokenizer.json", checkpoint->name());
  const ChatForm form = read_chat_form(*checkpoint, tokenizer);
  make_plan();
  open_data(form.require_template());
  make_run();
}

Trainer::State::State(const std::filesystem::path& folder, TrainOptions given)
    : options(std::move(given)), tokenizer_folder(folder) {
  check(options);
  require(!options.init_config.empty(), "a new model needs a config.json (init_config)");
  config = Json::parse_file(options.init_config);
  tokenizer = text::Tokenizer::load(folder);
  make_plan();
  open_data(text::ChatTemplate::load(folder));
  make_run();
}

void Trainer::State::open_data(text::ChatTemplate chat_template) {
  const train::EncodeOptions encode{.max_length = options.data.max_length,
                                    .skip_long = options.data.skip_long,
                                    .prompts_as_chat = options.data.prompts_as_chat,
                                    .labelling = labelling_of(options.data.labelled),
                                    .turns = turns_of(options.data.turns)};
  std::optional<text::ChatTemplate> templates;
  if (!chat_template.names().empty()) templates = std::move(chat_template);
  data = std::make_unique<train::Dataset>(
      train::DatasetOptions{.files = options.data.files,
                            .validation_files = options.data.validation_files,
                            .validation_fraction = options.data.validation_fraction,
                            .seed = options.seed,
                            .shuffle = options.data.shuffle,
                            .max_bad_lines = options.data.max_bad_lines},
      std::make_shared<const train::Encoder>(*tokenizer, std::move(templates), encode));
  const train::DatasetStatistics counted =
      train::count_dataset(data->train(), {.max_tokens = plan.pack_tokens});
  data_checksum = counted.checksum;
  statistics = {.lines = counted.lines,
                .bad_lines = counted.bad_lines,
                .first_bad_lines = {},
                .examples = counted.examples,
                .tokens = counted.tokens,
                .target_tokens = counted.target_tokens,
                .truncated = counted.truncated,
                .skipped = counted.skipped_long + counted.without_targets,
                .unlearned_labels = counted.unlearned_labels,
                .lengths = counted.lengths};
  for (const train::BadLine& bad : counted.first_bad_lines)
    statistics.first_bad_lines.push_back(bad.where + ": " + bad.reason);
  require(counted.packs > 0 && counted.target_tokens > 0, "the data have nothing to learn");
  const double packs = static_cast<double>(counted.packs);
  plan.steps = options.steps > 0
                   ? options.steps
                   : static_cast<int64_t>(std::ceil(packs * options.epochs /
                                                    static_cast<double>(plan.packs_per_step)));
}

void Trainer::State::make_subject() {
  if (options.mode == TrainMode::init) {
    subject = std::make_unique<train::FullSubject>(*config, device, options.compute, options.seed);
  } else if (options.mode == TrainMode::full) {
    subject = std::make_unique<train::FullSubject>(*checkpoint, device, options.compute);
  } else {
    models::LoadedModel loaded =
        models::load(*checkpoint, device,
                     {.compute = options.compute, .quantize = quantization_of(options.quantize)});
    plan.weight_bytes = loaded.weight_bytes;
    base_identity = nn::base_identity(loaded.tensors);
    subject = std::make_unique<train::LoraSubject>(
        std::shared_ptr<const models::Model>(std::move(loaded.model)), loaded.modules,
        lora_options(options));
  }
}

void Trainer::State::make_plan() {
  device = Device::cpu({.threads = options.threads, .memory_limit = options.memory_budget});
  make_subject();
  const train::Bound bound = subject->bind(subject->values(), std::nullopt);
  const models::DecoderConfig& c = bound.model->config();
  const bool all = options.mode != TrainMode::lora;
  const train::OptimizerOptions optimizer = optimizer_options(options);
  for (const train::Parameter& parameter : subject->parameters()) {
    plan.parameter_bytes += MemoryPool::class_bytes(parameter.value.nbytes());
    plan.optimizer_bytes +=
        MemoryPool::class_bytes(train::state_bytes(optimizer, parameter.value.shape()));
  }
  plan.parameters = subject->elements();
  plan.gradient_bytes = plan.parameter_bytes;
  plan.budget_bytes = device->memory().stats().limit_bytes;
  const int64_t fixed =
      plan.weight_bytes + plan.parameter_bytes * (all ? 2 : 1) + plan.optimizer_bytes;
  train::PassSize pass{.narrow = options.compute == Compute::bf16,
                       .adapted = all ? 0
                                      : static_cast<int64_t>(subject->parameters().size()) / 2 /
                                            std::max<int64_t>(1, c.num_hidden_layers),
                       .trained = plan.parameters,
                       .logits_bytes = std::max(kLogitsBytes, 16 * c.vocab_size * int64_t{4})};
  // The largest pack that fits, first without computing layers twice; never below one example.
  const int64_t least = options.data.max_length;
  const int64_t most =
      options.pack_tokens > 0 ? options.pack_tokens : std::max(least, options.batch_tokens);
  const auto bytes_of = [&](int64_t tokens, bool again) {
    pass.tokens = tokens;
    pass.checkpoint_layers = again;
    return train::pass_bytes(c, pass);
  };
  const auto fits = [&](int64_t tokens, bool again) {
    return fixed + bytes_of(tokens, again) <= plan.budget_bytes;
  };
  plan.checkpoint_layers = options.checkpoint_layers.value_or(!fits(least, false));
  plan.pack_tokens = most;
  if (options.pack_tokens == 0) {
    // Halves of a batch, so that a step is a whole number of packs.
    int64_t parts = 1;
    while (plan.pack_tokens > least && !fits(plan.pack_tokens, plan.checkpoint_layers))
      plan.pack_tokens = std::max(least, ceil_div(most, ++parts));
  }
  plan.packs_per_step =
      std::max<int64_t>(1, (options.batch_tokens + plan.pack_tokens / 2) / plan.pack_tokens);
  plan.activation_bytes = bytes_of(plan.pack_tokens, plan.checkpoint_layers);
  plan.total_bytes = fixed + plan.activation_bytes;
  // Every step takes the same arrays again, so the pool keeps what they leave.
  device->memory().set_cache_limit(plan.activation_bytes);
  plan.flops_per_token = train::flops_per_token(c, all, plan.checkpoint_layers);
  if (plan.total_bytes > plan.budget_bytes)
    fail(ErrorCode::out_of_memory,
         "training needs {} bytes ({} for frozen weights, {} for parameters and their optimizer, "
         "{} for a pass over {} tokens), the budget is {}",
         plan.total_bytes, plan.weight_bytes, fixed - plan.weight_bytes, plan.activation_bytes,
         plan.pack_tokens, plan.budget_bytes);
}

void Trainer::State::make_run() {
  trainer = std::make_unique<train::Run>(
      *subject, data->train(),
      train::RunOptions{.optimizer = optimizer_options(options),
                        .schedule = {.kind = train::parse_schedule(options.schedule),
                                     .learning_rate = options.learning_rate,
                                     .warmup_steps = options.warmup_steps,
                                     .total_steps = plan.steps,
                                     .minimum_ratio = options.minimum_ratio},
                        .loss = {.label_smoothing = static_cast<float>(options.label_smoothing),
                                 .z_loss = static_cast<float>(options.z_loss),
                                 .checkpoint_layers = plan.checkpoint_layers,
                                 .logits_bytes = kLogitsBytes},
                        .clip_norm = options.clip_norm,
                        .packs_per_step = plan.packs_per_step,
                        .packs = {.max_tokens = plan.pack_tokens},
                        .steps = plan.steps,
                        .seed = options.seed,
                        .dropout = options.mode == TrainMode::lora && options.lora.dropout > 0,
                        .data_checksum = data_checksum});
  const auto last = train::latest_checkpoint(checkpoints());
  if (options.resume && last)
    history = trainer->resume(*last);
  else
    require(!last, "{} holds checkpoints of an earlier run; resume it, or choose another folder",
            checkpoints().string());
  first_step = trainer->step_count();
}

void Trainer::State::report_step(const train::StepReport& step, const TrainEvents& events) {
  const int64_t peak = device->memory().stats().peak_bytes;
  history.steps.push_back(
      {.step = step.step,
       .loss = step.sums.mean(),
       .learning_rate = step.learning_rate,
       .gradient_norm = step.gradient_norm,
       .tokens_per_second = static_cast<double>(step.sums.tokens) / std::max(step.seconds, 1e-9),
       .memory_bytes = peak});
  if (events.step)
    events.step({.step = step.step,
                 .steps = plan.steps,
                 .loss = step.sums.mean(),
                 .learning_rate = step.learning_rate,
                 .gradient_norm = step.gradient_norm,
                 .tokens = step.sums.tokens,
                 .target_tokens = step.sums.targets,
                 .seconds = step.seconds,
                 .peak_bytes = peak});
}

double Trainer::State::validate(const TrainEvents& events) {
  const double loss = trainer->validate(data->validation(), options.validation_packs).mean();
  history.validation.push_back({.step = trainer->step_count(), .loss = loss});
  if (events.validation) events.validation(trainer->step_count(), loss);
  return loss;
}

void Trainer::State::sample(const TrainEvents& events) const {
  if (!events.sample) return;
  const std::optional<int32_t> eos = tokenizer->eos_id();
  for (const std::string& prompt : options.sample_prompts) {
    const std::vector<int32_t> ids = train::continue_greedily(
        *subject, tokenizer->encode(prompt), options.sample_tokens,
        [&](int32_t id) { return id == eos || tokenizer->is_special(id); });
    events.sample(
        {.step = trainer->step_count(), .prompt = prompt, .text = tokenizer->decode(ids)});
  }
}

void Trainer::State::save(const TrainEvents& events) {
  const auto folder = trainer->save(checkpoints(), history, options.keep_checkpoints);
  if (events.checkpoint) events.checkpoint(trainer->step_count(), folder);
}

TrainResult Trainer::State::run(const TrainEvents& events) {
  TrainResult result;
  const bool validates = data->validation().size() > 0;
  const auto due = [&](int64_t every) { return every > 0 && trainer->step_count() % every == 0; };
  int64_t saved = -1;
  const auto save_once = [&] {
    if (saved == trainer->step_count()) return;
    save(events);
    saved = trainer->step_count();
  };
  // Validations since the best one, from the history, so that a resumed run counts on.
  const auto without_gain = [&] {
    const auto best = std::ranges::min_element(history.validation, {}, &ValidationPoint::loss);
    return history.validation.end() - best - 1;
  };
  while (!trainer->done()) {
    if (events.stop.stop_requested()) {
      save_once();
      result.end = TrainEnd::stopped;
      break;
    }
    report_step(trainer->step(), events);
    if (validates && due(options.validate_every)) {
      validate(events);
      if (options.patience > 0 && without_gain() >= options.patience) {
        result.end = TrainEnd::early_stopped;
        break;
      }
    }
    if (due(options.sample_every)) sample(events);
    if (due(options.checkpoint_every)) save_once();
  }
  result.steps = trainer->step_count();
  if (!history.steps.empty()) result.loss = history.steps.back().loss;
  if (result.end == TrainEnd::stopped) return result;
  const bool measured =
      !history.validation.empty() && history.validation.back().step == trainer->step_count();
  if (validates)
    result.validation_loss = measured ? history.validation.back().loss : validate(events);
  save_once();
  result.out = write_trained(*this);
  return result;
}

train::StepReport Trainer::State::traced_step(kernels::Trace& trace) {
  struct Recording {
    Device& device;
    ~Recording() { device.set_trace(nullptr); }
  };
  const Recording recording{*device};
  device->set_trace(&trace);
  return trainer->step();
}

ProbedStep TrainProbe::step(Trainer& trainer, kernels::Trace& trace) {
  const train::StepReport report = trainer.state_->traced_step(trace);
  return {.seconds = report.seconds, .tokens = report.sums.tokens};
}

Trainer::Trainer(const std::filesystem::path& model, TrainOptions options) {
  if (options.mode == TrainMode::init)
    state_ = std::make_unique<State>(model, std::move(options));
  else
    state_ = std::make_unique<State>(io::Checkpoint::open(model), std::move(options));
}
Trainer::Trainer(TrainOptions options)
    : state_(std::make_unique<State>(builtin_checkpoint(), std::move(options))) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

const TrainPlan& Trainer::plan() const noexcept { return state_->plan; }
const TrainDataStatistics& Trainer::statistics() const noexcept { return state_->statistics; }
int64_t Trainer::first_step() const noexcept { return state_->first_step; }
const TrainHistory& Trainer::history() const noexcept { return state_->history; }
TrainResult Trainer::run(const TrainEvents& events) { return state_->run(events); }

}  // namespace linnet
