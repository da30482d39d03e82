// Scores, perplexity and embeddings against the logits of the whole text.
#include <linnet/score.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using Ids = std::vector<int32_t>;

std::span<const float> row_of(const TextModel& model, const std::vector<float>& logits,
                              size_t row) {
  const auto width = static_cast<size_t>(model.info().vocab_size);
  return std::span(logits).subspan(row * width, width);
}

double log_probability(std::span<const float> logits, int32_t id) {
  double largest = -INFINITY;
  for (const float value : logits) largest = std::max(largest, double{value});
  double sum = 0;
  for (const float value : logits) sum += std::exp(double{value} - largest);
  return double{logits[static_cast<size_t>(id)]} - largest - std::log(sum);
}

const TextModel& model() {
  static const TextModel loaded = test::load(test::with_tokenizer("gemma3", 1024), {.threads = 2});
  return loaded;
}

TEST(Score, IsThatOfTheWholeText) {
  const Ids prompt = test::random_ids(37, 1);
  const Ids continuation = test::random_ids(600, 2);
  const Score score = model().score(prompt, continuation, {.top_logprobs = 5});
  Ids all = prompt;
  all.insert(all.end(), continuation.begin(), continuation.end());
  const std::vector<float> logits = model().logits(all);
  ASSERT_EQ(score.tokens.size(), continuation.size());
  double sum = 0;
  for (size_t i = 0; i < continuation.size(); ++i) {
    const auto row = row_of(model(), logits, prompt.size() + i - 1);
    const ScoredToken& token = score.tokens[i];
    EXPECT_EQ(token.id, continuation[i]);
    EXPECT_NEAR(double{token.logprob}, log_probability(row, token.id), 1e-4);
    sum += double{token.logprob};
    int64_t rank = 0;
    for (size_t id = 0; id < row.size(); ++id) {
      const float own = row[static_cast<size_t>(token.id)];
      rank += row[id] > own || (row[id] == own && static_cast<int32_t>(id) < token.id) ? 1 : 0;
    }
    EXPECT_EQ(token.rank, rank);
    ASSERT_EQ(token.top.size(), 5U);
    for (size_t k = 1; k < 5; ++k) EXPECT_GE(token.top[k - 1].logprob, token.top[k].logprob);
    if (rank < 5) {
      EXPECT_EQ(token.top[static_cast<size_t>(rank)].id, token.id);
    }
  }
  EXPECT_EQ(score.logprob, sum);
  EXPECT_FALSE(score.is_greedy);
}

TEST(Score, OfWhatGreedyDecodingWroteIsGreedy) {
  const Ids prompt = test::random_ids(20, 3);
  Ids answer;
  std::vector<float> logprobs;
  for (const Token& token : model().generate(prompt, {.max_tokens = 20})) {
    answer.push_back(token.id);
    logprobs.push_back(token.logprob);
  }
  const Score score = model().score(prompt, answer);
  EXPECT_TRUE(score.is_greedy);
  for (size_t i = 0; i < answer.size(); ++i)
    EXPECT_EQ(score.tokens[i].logprob, logprobs[i]) << "to the bit";
}

TEST(Score, ManyTogetherAreAsEachAlone) {
  std::vector<ScorePair> pairs;
  for (int i = 0; i < 50; ++i)
    pairs.push_back(
        {"hello " + std::string(static_cast<size_t>(i), 'a'), " world" + std::to_string(i)});
  const TextModel plain = test::load(test::with_tokenizer("gemma3"),
                                     {.threads = 1, .max_batch = 1, .prefix_cache_bytes = 0});
  const std::vector<Score> together = model().score(pairs);
  for (size_t i = 0; i < pairs.size(); ++i)
    EXPECT_EQ(together[i].logprob, plain.score(pairs[i].prompt, pairs[i].continuation).logprob);
}

TEST(Score, RefusesWhatCannotBe) {
  const Ids none;
  const Ids some{3, 4};
  test::expect_error(ErrorCode::invalid_argument, "the prompt has no tokens",
                     [&] { static_cast<void>(model().score(none, some)); });
  test::expect_error(ErrorCode::invalid_argument, "the continuation has no tokens",
                     [&] { static_cast<void>(model().score(some, none)); });
  test::expect_error(ErrorCode::invalid_argument, "top_logprobs 101",
                     [&] { static_cast<void>(model().score(some, some, {.top_logprobs = 101})); });
  const Ids strange{-1};
  test::expect_error(ErrorCode::invalid_argument, "token id -1",
                     [&] { static_cast<void>(model().score(some, strange)); });
}

TEST(Perplexity, IsTheMeanOfTheScores) {
  const Ids ids = test::random_ids(300, 4);
  const std::vector<float> logits = model().logits(ids);
  double sum = 0;
  for (size_t i = 1; i < ids.size(); ++i)
    sum -= log_probability(row_of(model(), logits, i - 1), ids[i]);
  const Perplexity whole = model().perplexity(ids, {.window = 300});
  EXPECT_EQ(whole.tokens, 299);
  EXPECT_NEAR(whole.mean_nll, sum / 299, 1e-5);
  EXPECT_NEAR(whole.perplexity, std::exp(sum / 299), 1e-2);
  EXPECT_EQ(whole.bits_per_byte, 0);
  EXPECT_GT(whole.standard_error, 0);
}

TEST(Perplexity, ReadsInWindowsAndStrides) {
  const Ids ids = test::random_ids(100, 5);
  std::vector<int64_t> done;
  const Perplexity windows = model().perplexity(
      ids, {.window = 40, .progress = [&](int64_t now, int64_t) { done.push_back(now); }});
  EXPECT_EQ(windows.tokens, 39 + 39 + 19);
  EXPECT_EQ(done, (std::vector<int64_t>{39, 78, 97}));
  const Perplexity strides = model().perplexity(ids, {.window = 40, .stride = 20});
  EXPECT_EQ(strides.tokens, 99) << "every token but the first, once";
  // By hand: each token after what its window has before it.
  double sum = 0;
  for (size_t begin = 0, scored = 1; scored < 100; begin += 20) {
    const size_t end = std::min<size_t>(100, begin + 40);
    const Ids window(ids.begin() + static_cast<int64_t>(begin),
                     ids.begin() + static_cast<int64_t>(end));
    const std::vector<float> logits = model().logits(window);
    for (; scored < end; ++scored)
      sum -= log_probability(row_of(model(), logits, scored - begin - 1), ids[scored]);
  }
  EXPECT_NEAR(strides.mean_nll, sum / 99, 1e-5);
  test::expect_error(ErrorCode::invalid_argument, "stride 41", [&] {
    static_cast<void>(model().perplexity(ids, {.window = 40, .stride = 41}));
  });
  test::expect_error(ErrorCode::invalid_argument, "window 1 ",
                     [&] { static_cast<void>(model().perplexity(ids, {.window = 1})); });
  test::expect_error(ErrorCode::invalid_argument, "none to foresee",
                     [&] { static_cast<void>(model().perplexity(std::span(ids).first(1))); });
}

TEST(Perplexity, OfTextsBeginsWithTheFirstSpecialToken) {
  const TextModel builtin = load_builtin_model({.threads = 1});
  const std::string text = "Once upon a time there was a fox.";
  const Perplexity result = builtin.perplexity(text);
  EXPECT_EQ(result.tokens, static_cast<int64_t>(builtin.encode(text, false).size()));
  EXPECT_NEAR(result.bits_per_byte,
              result.mean_nll * static_cast<double>(result.tokens) / std::log(2.0) /
                  static_cast<double>(text.size()),
              1e-9);
  EXPECT_LT(result.perplexity, builtin.perplexity("zxq vlorp wug frin blick dax").perplexity);
}

TEST(Embed, IsThePooledStates) {
  const std::vector<std::string> texts{"hello", "the hello world and some more of it", "a"};
  const TextModel plain = test::load(test::with_tokenizer("gemma3"),
                                     {.threads = 1, .max_batch = 1, .prefix_cache_bytes = 0});
  for (const Pooling pooling : {Pooling::mean, Pooling::last}) {
    const auto vectors = model().embed(texts, {.pooling = pooling});
    ASSERT_EQ(vectors.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(static_cast<int64_t>(vectors[i].size()), model().info().hidden_size);
      double squares = 0;
      for (const float value : vectors[i]) squares += double{value} * double{value};
      EXPECT_NEAR(squares, 1, 1e-5);
      EXPECT_EQ(vectors[i],
                plain.embed(std::span(texts).subspan(i, 1), {.pooling = pooling}).front())
          << "alone, to the bit";
    }
  }
  // A text of one token has one state.
  const std::vector<std::string> one{"a"};
  const EmbedOptions raw{.pooling = Pooling::mean, .normalize = false, .add_special_tokens = false};
  EmbedOptions last = raw;
  last.pooling = Pooling::last;
  ASSERT_EQ(model().encode("a", false).size(), 1U);
  EXPECT_EQ(model().embed(one, raw), model().embed(one, last));
}

}  // namespace
}  // namespace linnet
