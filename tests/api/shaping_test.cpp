// What ends and shapes a text: stop strings, least lengths, ends ignored, words not written.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/answers.hpp"
#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using Ids = std::vector<int32_t>;

const TextModel& builtin() {
  static const TextModel loaded = load_builtin_model({.threads = 2});
  return loaded;
}

constexpr const char* kPrompt = "Once upon a time";

struct Told {
  std::string text;
  Ids ids;
  FinishReason reason = FinishReason::none;
  std::optional<size_t> stop_string;
};

Told tell(const GenerateOptions& options, const std::string& prompt = kPrompt) {
  Told told;
  Generation generation = builtin().generate(prompt, options);
  for (const Token& token : generation) {
    told.text += token.text;
    told.ids.push_back(token.id);
  }
  told.reason = generation.finish_reason();
  told.stop_string = generation.stop_string();
  return told;
}

TEST(StopStringsOfText, EndItWhereverTokensAreCut) {
  const Told whole = tell({.max_tokens = 60});
  // Every piece of the text that spans tokens somewhere.
  for (size_t at = 5; at + 7 < whole.text.size(); at += 11) {
    const std::string stop = whole.text.substr(at, 7);
    const size_t first = whole.text.find(stop);
    const Told told = tell({.max_tokens = 60, .stop_strings = {"never said", stop}});
    EXPECT_EQ(told.text, whole.text.substr(0, first)) << stop;
    EXPECT_EQ(told.reason, FinishReason::stop);
    EXPECT_EQ(told.stop_string, 1U);
    EXPECT_TRUE(std::ranges::equal(told.ids, std::span(whole.ids).first(told.ids.size())));
  }
  const Told none = tell({.max_tokens = 60, .stop_strings = {"never said"}});
  EXPECT_EQ(none.text, whole.text) << "what is held back comes at the end";
  EXPECT_EQ(none.ids, whole.ids);
  EXPECT_EQ(none.stop_string, std::nullopt);
  test::expect_error(ErrorCode::invalid_argument, "a stop string is empty",
                     [] { tell({.stop_strings = {""}}); });
}

TEST(StopStringsOfText, WhatIsHeldBackIsNotLost) {
  // The text ends with what a stop string begins with.
  const Told whole = tell({.max_tokens = 30});
  const std::string end = whole.text.substr(whole.text.size() - 4) + "and more";
  EXPECT_EQ(tell({.max_tokens = 30, .stop_strings = {end}}).text, whole.text);
  // With an end-of-sequence id the rest comes with it.
  const Told answer = tell({.max_tokens = 100}, "Why is the sky blue?\n");
  ASSERT_EQ(answer.reason, FinishReason::stop);
  const std::string tail = answer.text.substr(answer.text.size() - 3) + "!";
  EXPECT_EQ(tell({.max_tokens = 100, .stop_strings = {tail}}, "Why is the sky blue?\n").text,
            answer.text);
}

TEST(StopStringsOfText, AnEndOfSequenceIsNone) {
  const Told answer =
      tell({.max_tokens = 100, .stop_strings = {"never said"}}, "Why is the sky blue?\n");
  EXPECT_EQ(answer.reason, FinishReason::stop);
  EXPECT_EQ(answer.stop_string, std::nullopt);
}

TEST(MinTokens, EndsAreNotChosenBefore) {
  const std::string prompt = "Why is the sky blue?\n";
  const Told answer = tell({.max_tokens = 200}, prompt);
  ASSERT_EQ(answer.reason, FinishReason::stop);
  const auto length = static_cast<int64_t>(answer.ids.size());
  EXPECT_EQ(tell({.max_tokens = 200, .min_tokens = length}, prompt).ids, answer.ids);
  const Told longer = tell({.max_tokens = 200, .min_tokens = length + 10}, prompt);
  EXPECT_GE(static_cast<int64_t>(longer.ids.size()), length + 10);
  const Told late = tell({.max_tokens = 200, .stop_strings = {" "}, .min_tokens = 9}, prompt);
  EXPECT_GE(late.ids.size(), 9U);
  EXPECT_LT(late.ids.size(), 14U);
}

TEST(IgnoreEos, GoesOnToTheLimit) {
  const std::string prompt = "Why is the sky blue?\n";
  const Told answer = tell({.max_tokens = 200}, prompt);
  const Told on = tell({.max_tokens = 200, .ignore_eos = true}, prompt);
  EXPECT_EQ(on.ids.size(), 200U);
  EXPECT_EQ(on.reason, FinishReason::length);
  EXPECT_TRUE(std::ranges::equal(answer.ids, std::span(on.ids).first(answer.ids.size())));
  const int32_t end = on.ids[answer.ids.size()];
  EXPECT_EQ(tell({.max_tokens = 200, .stop_ids = {end}, .ignore_eos = true}, prompt).ids,
            answer.ids)
      << "stop_ids still end it";
}

TEST(BadWords, AreNotWritten) {
  const Told plain = tell({.max_tokens = 80});
  // The words of the text itself, forbidden one after another.
  std::vector<std::string> words;
  for (size_t at = 0; at < plain.text.size() && words.size() < 8;) {
    const size_t end = std::min(plain.text.find_first_of(" .,!?\n\"", at), plain.text.size());
    if (end > at + 3) words.push_back(plain.text.substr(at, end - at));
    at = end + 1;
  }
  ASSERT_EQ(words.size(), 8U);
  for (const std::string& word : words) {
    const Told told = tell({.max_tokens = 80, .bad_words = {word}});
    EXPECT_NE(told.text, plain.text) << word;
    const Ids bad = builtin().encode(" " + word, false);
    EXPECT_TRUE(std::ranges::search(told.ids, bad).empty()) << word;
  }
  test::expect_error(ErrorCode::invalid_argument, "a bad word is empty",
                     [] { tell({.bad_words = {""}}); });
}

TEST(GrammarOfText, IsFollowedByWhateverIsSampled) {
  const Grammar schema = Grammar::json_schema(
      R"({"type":"object","properties":{"name":{"type":"string","maxLength":12},
          "age":{"type":"integer","minimum":1,"maximum":99}},"required":["name","age"]})");
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Told told = tell({.max_tokens = 200,
                            .temperature = seed == 0 ? 0.0F : 1.5F,
                            .seed = seed,
                            .grammar = schema});
    EXPECT_EQ(told.reason, FinishReason::stop) << told.text;
    const auto json = nlohmann::json::parse(told.text);
    EXPECT_GE(json.at("age").get<int>(), 1);
    EXPECT_LE(json.at("age").get<int>(), 99);
    EXPECT_TRUE(json.at("name").is_string());
    GenerateOptions guessing{.max_tokens = 200,
                             .temperature = seed == 0 ? 0.0F : 1.5F,
                             .seed = seed,
                             .grammar = schema,
                             .speculate = 4};
    EXPECT_EQ(tell(guessing).ids, told.ids);
  }
}

TEST(GrammarOfText, EndsWhereItIsComplete) {
  const Told told = tell({.max_tokens = 50, .grammar = Grammar::regex(" (yes|no)")});
  EXPECT_TRUE(told.text == " yes" || told.text == " no") << told.text;
  EXPECT_EQ(told.reason, FinishReason::stop);
  const Told on = tell({.max_tokens = 50,
                        .min_tokens = 40,
                        .ignore_eos = true,
                        .grammar = Grammar::regex(" (yes|no)")});
  EXPECT_EQ(on.text, told.text) << "nothing can follow, whatever else is asked for";
  const Told word = tell({.max_tokens = 5, .grammar = Grammar::gbnf("root ::= [0-9]+")});
  EXPECT_EQ(word.text.find_first_not_of("0123456789"), std::string::npos) << word.text;
  EXPECT_FALSE(static_cast<bool>(Grammar()));
  test::expect_error(ErrorCode::unsupported, "uniqueItems", [] {
    static_cast<void>(Grammar::json_schema(R"({"type":"array","uniqueItems":true})"));
  });
}

TEST(GrammarOfText, ManyAtOnceShareItsMasks) {
  const Grammar grammar = Grammar::regex("( [a-z]{2,6})+\\.");
  std::vector<BatchRequest> requests(12);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].prompt = kPrompt;
    requests[i].options = {.max_tokens = 40, .temperature = 1.2F, .seed = i, .grammar = grammar};
  }
  const auto together = builtin().generate_batch(requests);
  for (size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(together[i].ids, tell(requests[i].options).ids) << together[i].text;
}

TEST(TopLogprobs, AreThoseOfTheLogits) {
  for (const Token& token : builtin().generate(kPrompt, {.max_tokens = 20, .top_logprobs = 4})) {
    ASSERT_EQ(token.top.size(), 4U);
    EXPECT_EQ(token.top[0].id, token.id) << "greedy";
    EXPECT_EQ(token.top[0].logprob, token.logprob);
    for (size_t i = 1; i < 4; ++i) EXPECT_LE(token.top[i].logprob, token.top[i - 1].logprob);
  }
  test::expect_error(ErrorCode::invalid_argument, "top_logprobs 101",
                     [] { tell({.top_logprobs = 101}); });
}

TEST(Speculate, ChangesNothingButTheTime) {
  const std::string prompt =
      "The fox lived in a small cave under an old oak tree. The fox lived in a small cave";
  for (const float temperature : {0.0F, 0.7F}) {
    const GenerateOptions plain{.max_tokens = 120, .temperature = temperature, .seed = 4};
    GenerateOptions guessing = plain;
    guessing.speculate = 8;
    EXPECT_EQ(test::answer_of(builtin().generate(prompt, guessing)),
              test::answer_of(builtin().generate(prompt, plain)));
  }
  test::expect_error(ErrorCode::invalid_argument, "speculate 17", [] { tell({.speculate = 17}); });
}

TEST(Speculate, ADraftModelIsPlannedAndChangesNothing) {
  const test::WrittenCheckpoint target(test::with_tokenizer("gemma3"));
  const test::WrittenCheckpoint draft(test::with_tokenizer("gemma3"));
  LoadOptions options{.threads = 1};
  const MemoryPlan alone = plan_model(target.path(), options);
  options.draft = draft.path();
  const MemoryPlan both = plan_model(target.path(), options);
  EXPECT_EQ(both.draft_weight_bytes, alone.weight_bytes);
  EXPECT_EQ(both.draft_cache_bytes, alone.kv_cache_bytes);
  EXPECT_GE(both.total_bytes, alone.total_bytes + both.draft_weight_bytes + both.draft_cache_bytes);
  options.memory_budget = both.total_bytes;
  const TextModel model = load_model(target.path(), options);
  const TextModel plain = load_model(target.path(), {.threads = 1});
  const Ids prompt = test::random_ids(100, 1);
  const GenerateOptions sampled{.max_tokens = 100, .temperature = 1, .seed = 2, .ignore_eos = true};
  GenerateOptions guessing = sampled;
  guessing.speculate = 4;
  EXPECT_EQ(test::answer_of(model.generate(prompt, guessing)),
            test::answer_of(plain.generate(prompt, sampled)));
  EXPECT_LE(model.memory().peak_bytes, both.total_bytes);
  options.memory_budget = both.weight_bytes + both.workspace_bytes;
  test::expect_error(ErrorCode::out_of_memory, "for the draft model",
                     [&] { static_cast<void>(load_model(target.path(), options)); });
  test::TestCheckpoint other = test::TestCheckpoint::reference("qwen3");
  const test::WrittenCheckpoint wrong(other);
  if (inspect_model(wrong.path()).vocab_size == plain.info().vocab_size) return;
  options.draft = wrong.path();
  test::expect_error(ErrorCode::invalid_argument, "cannot guess for it",
                     [&] { static_cast<void>(load_model(target.path(), options)); });
}

}  // namespace
}  // namespace linnet
