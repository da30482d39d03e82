// How far two models are apart: against plain sums in long double over their logits, and what
// windows, prefixes and limits do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::TestCheckpoint;
using test::TestTensor;

TextModel reference(const std::string& name, const LoadOptions& options = {.threads = 1}) {
  return load_model(test::reference_folder(name), options);
}

std::vector<double> values_of(const Divergence& d) {
  return {static_cast<double>(d.tokens),
          d.mean_kl,
          d.error_kl,
          d.median_kl,
          d.p99_kl,
          d.max_kl,
          d.same_top,
          d.perplexity_a,
          d.perplexity_b};
}

struct Window {
  std::vector<int32_t> ids;
  size_t first = 0;  // position that counts
};

std::vector<long double> log_softmax(std::span<const float> logits) {
  const long double largest = *std::ranges::max_element(logits);
  long double sum = 0;
  for (const float x : logits) sum += std::exp(x - largest);
  std::vector<long double> result;
  for (const float x : logits) result.push_back(x - largest - std::log(sum));
  return result;
}

Divergence plain(const TextModel& a, const TextModel& b, const std::vector<Window>& windows) {
  std::vector<long double> kl;
  long double same = 0;
  long double surprise_a = 0;
  long double surprise_b = 0;
  const auto width = static_cast<size_t>(a.info().vocab_size);
  for (const auto& [ids, first] : windows) {
    const std::vector<float> rows_a = a.logits(ids);
    const std::vector<float> rows_b = b.logits(ids);
    for (size_t i = first; i + 1 < ids.size(); ++i) {
      const auto p = log_softmax(std::span(rows_a).subspan(i * width, width));
      const auto q = log_softmax(std::span(rows_b).subspan(i * width, width));
      long double sum = 0;
      for (size_t v = 0; v < width; ++v) sum += std::exp(p[v]) * (p[v] - q[v]);
      kl.push_back(sum);
      const auto top = [](const std::vector<long double>& x) {
        return std::ranges::max_element(x) - x.begin();
      };
      same += top(p) == top(q) ? 1 : 0;
      surprise_a -= p[static_cast<size_t>(ids[i + 1])];
      surprise_b -= q[static_cast<size_t>(ids[i + 1])];
    }
  }
  const auto count = static_cast<long double>(kl.size());
  const long double mean = std::accumulate(kl.begin(), kl.end(), 0.0L) / count;
  long double squares = 0;
  for (const long double x : kl) squares += (x - mean) * (x - mean);
  std::ranges::sort(kl);
  const auto share = [&](long double p) {
    return static_cast<double>(kl[static_cast<size_t>(std::ceil(count * p)) - 1]);
  };
  return {.tokens = static_cast<int64_t>(kl.size()),
          .mean_kl = static_cast<double>(mean),
          .error_kl = static_cast<double>(std::sqrt(squares / (count - 1) / count)),
          .median_kl = share(0.5L),
          .p99_kl = share(0.99L),
          .max_kl = static_cast<double>(kl.back()),
          .same_top = static_cast<double>(same / count),
          .perplexity_a = static_cast<double>(std::exp(surprise_a / count)),
          .perplexity_b = static_cast<double>(std::exp(surprise_b / count))};
}

void expect_near(const Divergence& found, const Divergence& expected) {
  const auto a = values_of(found);
  const auto b = values_of(expected);
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], 1e-7 + 1e-6 * std::abs(b[i])) << "value " << i;
}

TEST(Divergence, OfAModelFromItselfIsNothing) {
  const auto ids = test::random_ids(150, 1);
  for (const char* name : {"gemma3", "qwen2-8-64"}) {
    const TextModel a = reference(name);
    const TextModel b = reference(name, {.threads = 2});
    for (const TextModel* other : {&a, &b}) {
      const Divergence d = divergence(a, *other, ids, {.window = 64});
      EXPECT_EQ(d.tokens, 63 + 63 + 21);
      EXPECT_EQ(d.mean_kl, 0.0);
      EXPECT_EQ(d.error_kl, 0.0);
      EXPECT_EQ(d.median_kl, 0.0);
      EXPECT_EQ(d.p99_kl, 0.0);
      EXPECT_EQ(d.max_kl, 0.0);
      EXPECT_EQ(d.same_top, 1.0);
      EXPECT_EQ(d.perplexity_a, d.perplexity_b);
      EXPECT_GT(d.perplexity_a, 1.0);
    }
  }
}

TEST(Divergence, IsThatOfPlainSumsOverTheLogits) {
  for (const auto& [first, second] :
       {std::pair("llama3", "llama3-4-32"), std::pair("gemma3-4-64", "gemma3"),
        std::pair("qwen3", "llama3")}) {  // two strangers with as many tokens
    SCOPED_TRACE(first);
    const TextModel a = reference(first);
    const TextModel b = reference(second);
    const auto ids = test::random_ids(103, 2);
    const auto part = [&](size_t begin, size_t count, std::vector<int32_t> before = {}) {
      before.insert(before.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin),
                    ids.begin() + static_cast<std::ptrdiff_t>(begin + count));
      return before;
    };
    expect_near(divergence(a, b, ids), plain(a, b, {{part(0, 103)}}));
    expect_near(divergence(a, b, ids, {.window = 34}),
                plain(a, b, {{part(0, 34)}, {part(34, 34)}, {part(68, 34)}}));  // and one left over
    expect_near(divergence(a, b, ids, {.window = 62, .prefix = {2}}),
                plain(a, b, {{part(0, 61, {2})}, {part(61, 42, {2})}}));
    // Of a prefix, only the last token predicts something.
    expect_near(divergence(a, b, ids, {.window = 43, .prefix = {2, 3, 5}, .max_tokens = 70}),
                plain(a, b, {{part(0, 40, {2, 3, 5}), 2}, {part(40, 30, {2, 3, 5}), 2}}));
    const std::vector<int32_t> long_prefix = test::random_ids(40, 5);  // longer than a step
    expect_near(divergence(a, b, ids, {.window = 200, .prefix = long_prefix}),
                plain(a, b, {{part(0, 103, long_prefix), 39}}));
  }
}

TEST(Divergence, IsTheSameOnAnyNumberOfThreads) {
  const auto ids = test::random_ids(120, 3);
  const auto found = [&](int threads) {
    return values_of(divergence(reference("gemma3", {.threads = threads}),
                                reference("gemma3-8-32", {.threads = threads}), ids));
  };
  EXPECT_EQ(found(1), found(2));
}

TEST(Divergence, FewerBitsAreFurtherAway) {
  const auto ids = test::random_ids(256, 4);
  for (const std::string& family : test::reference_families()) {
    const TextModel dense = reference(family);
    double last = 0;
    for (const int bits : {8, 6, 4, 3}) {
      const TextModel quantised = reference(family, {.quantize = {bits, 64}, .threads = 1});
      const Divergence d = divergence(dense, quantised, ids);
      std::cout << family << " in " << bits << " bits: mean KL " << d.mean_kl << " +- "
                << d.error_kl << ", same top " << d.same_top << "\n";
      EXPECT_GT(d.mean_kl, last);
      EXPECT_LT(d.error_kl, d.mean_kl);
      EXPECT_LE(d.median_kl, d.p99_kl);
      EXPECT_LE(d.p99_kl, d.max_kl);
      EXPECT_LE(d.same_top, 1.0);
      last = d.mean_kl;
    }
    EXPECT_LT(last, 2.0);
  }
}

TEST(Divergence, OfATextIsThatOfItsTokensAfterABeginning) {
  const TextModel a = test::load(test::with_tokenizer("llama3"), {.threads = 1});
  const TextModel b = reference("llama3-6-64");  // without a tokenizer: A's tokens are its own
  const std::string text = "there was a small bird that sang every morning";
  const auto ids = a.encode(text, false);
  for (const int64_t window : {16, 512}) {
    const auto found = values_of(divergence(a, b, text, {.window = window, .max_tokens = 40}));
    EXPECT_EQ(found, values_of(divergence(a, b, ids,
                                          {.window = window, .prefix = {2}, .max_tokens = 40})));
    EXPECT_EQ(found.front(), 40);  // the beginning predicts the first token of each window
  }
  EXPECT_EQ(values_of(divergence(a, b, text, {.prefix = {2, 3}})),
            values_of(divergence(a, b, ids, {.prefix = {2, 3}})));
  EXPECT_EQ(divergence(a, b, "x").tokens, 1);
}

TEST(Divergence, WindowsAreHeldToTheShorterContext) {
  TestCheckpoint narrow = TestCheckpoint::reference("qwen3");
  const TextModel a = reference("qwen3");
  const TextModel b = test::load(narrow, {.context_length = 48, .threads = 1});
  const auto ids = test::random_ids(96, 6);
  const auto expected = values_of(divergence(a, a, ids, {.window = 48}));
  EXPECT_EQ(values_of(divergence(a, b, ids)), expected);
  EXPECT_EQ(values_of(divergence(b, a, ids, {.window = 1'000'000'000'000})), expected);
}

TEST(Divergence, TellsHowFarItIsAndStopsWhereItIsToldTo) {
  const TextModel model = reference("llama3");
  const auto ids = test::random_ids(150, 7);
  std::vector<int64_t> done;
  static_cast<void>(
      divergence(model, model, ids, {.window = 81, .progress = [&](int64_t now, int64_t total) {
                                       EXPECT_EQ(total, 80 + 68);
                                       done.push_back(now);
                                     }}));
  EXPECT_EQ(done, (std::vector<int64_t>{32, 64, 80, 112, 144, 148}));
  const int64_t before = model.memory().active_bytes;
  struct Enough {};
  EXPECT_THROW(static_cast<void>(divergence(
                   model, model, ids, {.progress = [](int64_t, int64_t) { throw Enough(); }})),
               Enough);
  EXPECT_EQ(model.memory().active_bytes, before);
}

TEST(Divergence, RefusesWhatCannotBe) {
  const TextModel model = reference("llama3");
  const auto ids = test::random_ids(20, 8);
  const auto refused = [&](std::string_view part, std::span<const int32_t> tokens,
                           const DivergenceOptions& options) {
    test::expect_error(ErrorCode::invalid_argument, part,
                       [&] { static_cast<void>(divergence(model, model, tokens, options)); });
  };
  refused("a window of 1 tokens", ids, {.window = 1});
  refused("a window of -5 tokens", ids, {.window = -5});
  refused("max_tokens -1 is negative", ids, {.max_tokens = -1});
  refused("a prefix of 4 tokens fills the window of 4", ids, {.window = 4, .prefix = {1, 2, 3, 4}});
  refused("a text of 0 tokens has nothing to predict", {}, {});
  refused("a text of 0 tokens has nothing to predict", {}, {.prefix = {1, 2}});
  refused("a text of 1 tokens has nothing to predict", std::span(ids).first(1), {});
  refused("a text of 1 tokens has nothing to predict", ids, {.max_tokens = 1});
  refused("512", std::vector<int32_t>{1, 512}, {});
  refused("-1", std::vector<int32_t>{1, -1}, {});
  refused("512", ids, {.prefix = {512}});

  const auto texts = [&](std::string_view part, const TextModel& a, const TextModel& b) {
    test::expect_error(ErrorCode::invalid_argument, part,
                       [&] { static_cast<void>(divergence(a, b, "a text")); });
  };
  const TextModel speaker = test::load(test::with_tokenizer("llama3"), {.threads = 1});
  texts("has no tokenizer.json", model, speaker);
  texts("make different tokens of the text", speaker, [] {
    TestCheckpoint other = test::with_tokenizer("llama3");
    nlohmann::json tokenizer = nlohmann::json::parse(other.files["tokenizer.json"]);
    std::swap(tokenizer["model"]["vocab"]["a"], tokenizer["model"]["vocab"]["b"]);
    other.files["tokenizer.json"] = tokenizer.dump();
    return test::load(other, {.threads = 1});
  }());
  texts("vocabulary of 512", speaker, load_builtin_model({.threads = 1}));
}

TEST(Divergence, OfLogitsThatAreNoNumbersIsAnError) {
  TestCheckpoint spoilt = TestCheckpoint::reference("llama3");
  TestTensor& norm = spoilt.tensor("model.norm.weight");
  const BF16 nan{.bits = 0x7fc0};
  std::memcpy(norm.bytes.data() + 6, &nan, sizeof(nan));
  const TextModel good = reference("llama3");
  const TextModel bad = test::load(spoilt, {.threads = 1});
  const auto ids = test::random_ids(20, 9);
  for (const auto& [a, b] : {std::pair(&good, &bad), std::pair(&bad, &good)})
    test::expect_error(ErrorCode::internal, "are not finite",
                       [&] { static_cast<void>(divergence(*a, *b, ids)); });
}

}  // namespace
}  // namespace linnet
