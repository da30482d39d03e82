#include <linnet/divergence.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "api/state.hpp"
#include "base/error.hpp"
#include "base/math.hpp"
#include "engine/kv_sequence.hpp"
#include "ops/elementwise.hpp"
#include "ops/view.hpp"

namespace linnet {
namespace {

constexpr int64_t kStep = 32;  // tokens that are read at a time

/// Eight partial sums, element i in the one of i mod 8: a fixed order, and no chain of additions.
constexpr size_t kLanes = 8;

double total(const std::array<double, kLanes>& lanes) {
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

/// One row of logits: the largest, and what the softmax divides by.
struct Row {
  std::span<const float> logits;
  Array exponentials;  // [V] f32, of logits - largest
  size_t top = 0;
  double largest = 0;
  double log_sum = 0;  // log of the sum of e^logits

  Row(const Array& rows, int64_t row) {
    const auto width = static_cast<size_t>(rows.dim(1));
    logits = {rows.data<float>() + static_cast<size_t>(row) * width, width};
    top = static_cast<size_t>(std::ranges::max_element(logits) - logits.begin());
    largest = double{logits[top]};
    const Array row_view = ops::reshape(ops::slice_axis(rows, 0, {.start = row, .stop = row + 1}),
                                        {static_cast<int64_t>(width)});
    exponentials = ops::exp(ops::sub(row_view, logits[top]));
    const float* e = exponentials.data<float>();
    std::array<double, kLanes> sums{};
    for (size_t i = 0; i < width; ++i) sums[i % kLanes] += double{e[i]};
    log_sum = largest + portable::log(sum_ = total(sums));
  }

  [[nodiscard]] double surprise(int32_t id) const {  // -log p
    return log_sum - double{logits[static_cast<size_t>(id)]};
  }

  /// KL(this || other) = E[x - y] - log_sum_x + log_sum_y, x and y the logits.
  [[nodiscard]] double divergence(const Row& other) const {
    const float* e = exponentials.data<float>();
    std::array<double, kLanes> sums{};
    for (size_t i = 0; i < logits.size(); ++i)
      sums[i % kLanes] += double{e[i]} * (double{logits[i]} - double{other.logits[i]});
    // Where both are nearly the same, rounding may leave a little less than nothing.
    return std::max(total(sums) / sum_ - log_sum + other.log_sum, 0.0);
  }

 private:
  double sum_ = 0;
};

/// A model on its way through one window.
class Reader {
 public:
  Reader(const TextModel& model, int64_t tokens)
      : engine_(*ModelLoader::state(model).engine), cache_(engine_.pool(), tokens, kStep) {}

  Array read(std::span<const int32_t> ids) {
    const auto count = static_cast<int64_t>(ids.size());
    const int64_t start = cache_.length();
    Array rows = engine_.forward(
        engine::single_batch(ids, start, cache_.extend(count, 0), true, engine_.adapter().get()));
    cache_.advance(count);
    return rows;
  }

 private:
  engine::Engine& engine_;
  engine::KvSequence cache_;
};

class Comparison {
 public:
  Comparison(const TextModel& a, const TextModel& b) : a_(a), b_(b) {}

  /// Reads all tokens of a window but the last; those from `first` on are positions. The progress
  /// is told after each step.
  void read(std::span<const int32_t> window, int64_t first,
            const std::function<void(int64_t)>& progress) {
    const auto positions = static_cast<int64_t>(window.size()) - 1;
    Reader a(a_, positions);
    Reader b(b_, positions);
    for (int64_t begin = 0; begin < positions; begin += kStep) {
      const int64_t count = std::min(kStep, positions - begin);
      const auto step = window.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
      const Array rows_a = a.read(step);
      const Array rows_b = b.read(step);
      for (int64_t row = std::clamp(first - begin, int64_t{0}, count); row < count; ++row)
        add(Row(rows_a, row), Row(rows_b, row), window[static_cast<size_t>(begin + row + 1)]);
      progress(count);
    }
  }

  [[nodiscard]] Divergence result() {
    const auto count = static_cast<double>(divergences_.size());
    Divergence result;
    result.tokens = static_cast<int64_t>(divergences_.size());
    double sum = 0;
    for (const double d : divergences_) sum += d;
    result.mean_kl = sum / count;
    double squares = 0;
    for (const double d : divergences_) squares += (d - result.mean_kl) * (d - result.mean_kl);
    result.error_kl = count > 1 ? std::sqrt(squares / (count - 1) / count) : 0;
    std::ranges::sort(divergences_);
    const auto at = [&](size_t percent) {  // the smallest with that share at or below it
      return divergences_[(divergences_.size() * percent + 99) / 100 - 1];
    };
    result.median_kl = at(50);
    result.p99_kl = at(99);
    result.max_kl = divergences_.back();
    result.same_top = static_cast<double>(same_top_) / count;
    result.perplexity_a = portable::exp(surprise_a_ / count);
    result.perplexity_b = portable::exp(surprise_b_ / count);
    return result;
  }

 private:
  void add(const Row& a, const Row& b, int32_t next) {
    const double divergence = a.divergence(b);
    if (!std::isfinite(divergence))
      fail(ErrorCode::internal, "the logits of {} or {} are not finite after {} positions",
           a_.info().name, b_.info().name, divergences_.size());
    divergences_.push_back(divergence);
    same_top_ += a.top == b.top ? 1 : 0;
    surprise_a_ += a.surprise(next);
    surprise_b_ += b.surprise(next);
  }

  const TextModel& a_;
  const TextModel& b_;
  std::vector<double> divergences_;
  int64_t same_top_ = 0;
  double surprise_a_ = 0;
  double surprise_b_ = 0;
};

/// The text in windows, each after the prefix; the last may be shorter. Windows without a position
/// are left out.
std::vector<std::vector<int32_t>> windows_of(std::span<const int32_t> ids,
                                             std::span<const int32_t> prefix, int64_t window) {
  const auto step = static_cast<size_t>(window) - prefix.size();
  std::vector<std::vector<int32_t>> windows;
  for (size_t begin = 0; begin < ids.size(); begin += step) {
    const auto part = ids.subspan(begin, std::min(step, ids.size() - begin));
    std::vector<int32_t> tokens(prefix.begin(), prefix.end());
    tokens.insert(tokens.end(), part.begin(), part.end());
    if (tokens.size() >= 2) windows.push_back(std::move(tokens));
  }
  return windows;
}

/// What the tokenizer of a model puts before a text.
std::vector<int32_t> prefix_of(const TextModel& model) {
  const std::vector<int32_t> whole = model.encode("a", true);
  const std::vector<int32_t> text = model.encode("a", false);
  return {whole.begin(), std::ranges::search(whole, text).begin()};
}

void check_vocabularies(const TextModel& a, const TextModel& b) {
  require(a.info().vocab_size == b.info().vocab_size,
          "{} has a vocabulary of {} and {} one of {}: their predictions cannot be compared",
          a.info().name, a.info().vocab_size, b.info().name, b.info().vocab_size);
}

}  // namespace

Divergence divergence(const TextModel& a, const TextModel& b, std::span<const int32_t> ids,
                      const DivergenceOptions& options) {
  check_vocabularies(a, b);
  require(options.window >= 2, "a window of {} tokens has nothing to predict", options.window);
  require(options.max_tokens >= 0, "max_tokens {} is negative", options.max_tokens);
  const engine::Engine& engine_a = *ModelLoader::state(a).engine;
  const engine::Engine& engine_b = *ModelLoader::state(b).engine;
  const int64_t window =
      std::min({options.window, engine_a.context_length(), engine_b.context_length()});
  const auto prefix = static_cast<int64_t>(options.prefix.size());
  require(prefix < window, "a prefix of {} tokens fills the window of {}", prefix, window);
  if (options.max_tokens > 0 && static_cast<int64_t>(ids.size()) > options.max_tokens)
    ids = ids.first(static_cast<size_t>(options.max_tokens));
  engine_a.check_vocabulary(options.prefix);
  engine_a.check_vocabulary(ids);
  const auto windows = windows_of(ids, options.prefix, window);
  require(!windows.empty(), "a text of {} tokens has nothing to predict", ids.size());
  int64_t done = 0;
  int64_t total = 0;
  for (const auto& tokens : windows) total += static_cast<int64_t>(tokens.size()) - 1;
  Comparison comparison(a, b);
  for (const auto& tokens : windows)
    comparison.read(tokens, std::max<int64_t>(prefix - 1, 0), [&](int64_t count) {
      done += count;
      if (options.progress) options.progress(done, total);
    });
  return comparison.result();
}

Divergence divergence(const TextModel& a, const TextModel& b, std::string_view text,
                      const DivergenceOptions& options) {
  check_vocabularies(a, b);
  const std::vector<int32_t> ids = a.encode(text, false);
  if (b.info().has_tokenizer)
    require(b.encode(text, false) == ids, "{} and {} make different tokens of the text",
            a.info().name, b.info().name);
  DivergenceOptions with_prefix = options;
  if (with_prefix.prefix.empty()) with_prefix.prefix = prefix_of(a);
  return divergence(a, b, ids, with_prefix);
}

}  // namespace linnet
