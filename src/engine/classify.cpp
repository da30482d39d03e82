#include "engine/classify.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <deque>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "engine/read_run.hpp"
#include "ops/reduce.hpp"

namespace linnet::engine {
namespace {

/// Beginnings that are shorter than this are not worth a pass of their own.
constexpr size_t kWorthSharing = 16;

std::span<const int32_t> common_beginning(const std::deque<LabelledPrompt>& prompts) {
  std::optional<std::span<const int32_t>> common;
  for (const LabelledPrompt& prompt : prompts) {
    if (prompt.error) continue;
    if (!common) common = prompt.ids;
    const auto length = std::ranges::mismatch(*common, prompt.ids).in1 - common->begin();
    common = common->first(static_cast<size_t>(length));
  }
  return common.value_or(std::span<const int32_t>());
}

double log_sum_of(const Array& row) {
  const float value = ops::logsumexp(row).item<float>();
  if (!std::isfinite(value))
    fail(ErrorCode::internal, "the model's logits are not finite (their log-sum-exp is {})", value);
  return static_cast<double>(value);
}

/// Errors of one prompt, which are no others' business.
bool is_its_own(const Error& error) {
  return error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::out_of_memory;
}

void check(const Engine& engine, std::span<const int32_t> ids, const LabelTrie& labels) {
  engine.check_ids(ids);
  size_t longest = 1;
  for (size_t i = 0; i < labels.labels(); ++i) {
    engine.check_vocabulary(labels.label(i));
    longest = std::max(longest, labels.label(i).size());
  }
  require(static_cast<int64_t>(ids.size() + longest - 1) <= engine.context_length(),
          "a prompt of {} tokens and a label of {} do not fit the context of {}", ids.size(),
          longest, engine.context_length());
}

/// A prompt on its way: first its last row, then the rows of its labels' beginnings.
class Prompt {
 public:
  Prompt(Engine& engine, LabelledPrompt prompt, ClassifyTerms terms)
      : engine_(engine), ids_(std::move(prompt.ids)), terms_(std::move(terms.job)) {
    scores_.labels = prompt.labels;
    scores_.error = std::move(prompt.error);
    guard([&] {
      check(engine, ids_, *prompt.labels);
      scores_.logprobs.assign(prompt.labels->labels(), 0);
      scores_.logits.assign(prompt.labels->labels(), 0);
      if (!terms.first_token_only) to_score_ = prompt.labels->branches();
      if (!to_score_.empty()) terms_.to = cache_;
      first_ = RunningRead(
          engine, std::make_shared<ReadJob>(
                      ids_, static_cast<int64_t>(ids_.size()) - 1, Output::logits, terms_,
                      [this](int64_t /*position*/, const Array& row) { read_first(row); }));
    });
  }

  /// Waits for the prompt's row and starts the rest.
  void start_branches() {
    guard([&] {
      scores_.metrics = first_.wait();
      Job::Terms terms = terms_;
      // Before prompts that wait already: what they hold can go then.
      terms.priority += terms.priority < INT_MAX ? 1 : 0;
      terms.from = cache_;
      terms.to = nullptr;
      const auto start = static_cast<int64_t>(ids_.size());
      for (const LabelTrie::Branch& branch : to_score_) {
        std::vector<int32_t> ids = ids_;
        ids.insert(ids.end(), branch.tokens.begin(), branch.tokens.end());
        branches_.emplace_back(
            engine_, std::make_shared<ReadJob>(
                         std::move(ids), start, Output::logits, terms,
                         [this, start, &branch](int64_t position, const Array& row) {
                           const auto* node = branch.nodes[static_cast<size_t>(position - start)];
                           if (node != nullptr) add(*node, row);
                         }));
      }
    });
  }

  LabelScores finish() {
    guard([&] {
      for (RunningRead& branch : branches_) branch.wait();
    });
    // What still runs after an error writes into the scores.
    branches_.clear();
    return std::move(scores_);
  }

 private:
  /// Does the next step of a prompt that is well so far.
  void guard(const std::function<void()>& step) {
    if (scores_.error) return;
    try {
      step();
    } catch (const Error& error) {
      if (!is_its_own(error)) throw;
      scores_.error = error;
    }
  }

  void read_first(const Array& row) {
    scores_.likeliest = static_cast<int32_t>(ops::argmax(row).item<int64_t>());
    for (const LabelTrie::Edge& edge : scores_.labels->root().edges)
      scores_.logits[edge.label] = row.data<float>()[edge.token];
    add(scores_.labels->root(), row);
  }

  void add(const LabelTrie::Node& node, const Array& row) {
    const double log_sum = log_sum_of(row);
    for (const LabelTrie::Edge& edge : node.edges)
      scores_.logprobs[edge.label] += static_cast<double>(row.data<float>()[edge.token]) - log_sum;
  }

  Engine& engine_;
  const std::vector<int32_t> ids_;
  Job::Terms terms_;
  std::span<const LabelTrie::Branch> to_score_;
  std::shared_ptr<HeldCache> cache_ = std::make_shared<HeldCache>();
  LabelScores scores_;  // written by the engine's thread until its jobs have ended
  RunningRead first_;
  std::vector<RunningRead> branches_;
};

/// Computes what prompts begin with.
std::shared_ptr<HeldCache> share_beginning(Engine& engine,
                                           const std::deque<LabelledPrompt>& prompts,
                                           const Job::Terms& terms) {
  if (prompts.size() < 2) return nullptr;
  const std::span<const int32_t> common = common_beginning(prompts);
  if (common.size() < kWorthSharing ||
      static_cast<int64_t>(common.size()) > engine.context_length())
    return nullptr;
  auto shared = std::make_shared<HeldCache>();
  Job::Terms own = terms;
  own.to = shared;
  own.keep_prefix = true;
  RunningRead(engine,
              std::make_shared<ReadJob>(std::vector<int32_t>(common.begin(), common.end()),
                                        static_cast<int64_t>(common.size()) - 1, Output::state, own,
                                        [](int64_t /*position*/, const Array& /*row*/) {}))
      .wait();
  return shared;
}

}  // namespace

void classify_all(Engine& engine, const PromptSource& prompts, const ClassifyTerms& terms,
                  const std::function<void(int64_t index, LabelScores scores)>& result) {
  const auto most = static_cast<size_t>(engine.scheduler().options().max_batch) * 2;
  std::deque<LabelledPrompt> asked;  // to find what they begin with
  std::deque<std::unique_ptr<Prompt>> reading;
  std::deque<std::unique_ptr<Prompt>> branching;
  bool ended = false;
  const auto ask = [&] {
    while (!ended && reading.size() + asked.size() < most) {
      const bool idle = reading.empty() && branching.empty() && asked.empty();
      if (!idle && prompts.ready && !prompts.ready()) return;
      std::optional<LabelledPrompt> prompt = prompts.next();
      ended = !prompt;
      if (prompt) asked.push_back(*std::move(prompt));
    }
  };
  ClassifyTerms each = terms;
  for (int64_t done = 0;;) {
    ask();
    // The first that come are enough to know; a later one that differs shares less.
    if (done == 0 && reading.empty() && branching.empty()) {
      each.job.from = share_beginning(engine, asked, terms.job);
      // Texts differ; only what they share is of use to later ones.
      each.job.keep_prefix = each.job.from == nullptr;
    }
    for (; !asked.empty(); asked.pop_front())
      reading.push_back(std::make_unique<Prompt>(engine, std::move(asked.front()), each));
    // A few stay on their second way, so that the engine has always both to do.
    constexpr size_t kBranching = 4;
    if (!reading.empty() && branching.size() < kBranching) {
      reading.front()->start_branches();
      branching.push_back(std::move(reading.front()));
      reading.pop_front();
      continue;
    }
    if (branching.empty()) return;
    LabelScores scores = branching.front()->finish();
    branching.pop_front();
    result(done++, std::move(scores));
  }
}

}  // namespace linnet::engine
