// Generating text through the public interface.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <thread>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

static_assert(std::input_iterator<Generation::Iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, Generation::Iterator>);
static_assert(std::ranges::input_range<Generation>);
static_assert(std::same_as<std::ranges::range_value_t<Generation>, Token>);
static_assert(std::movable<Generation> && !std::copyable<Generation>);
static_assert(std::copyable<TextModel>);

using Ids = std::vector<int32_t>;
using test::TestCheckpoint;

/// One model for all tests that only generate.
const TextModel& model() {
  static const TextModel loaded =
      test::load(test::with_tokenizer("gemma3"), {.threads = 2, .prefix_cache_bytes = 0});
  return loaded;
}

TEST(Generate, TheRangeGivesEveryTokenOnce) {
  Generation generation = model().generate("hello", {.max_tokens = 12});
  EXPECT_EQ(generation.finish_reason(), FinishReason::none);
  Ids ids;
  for (const Token& token : generation) ids.push_back(token.id);
  EXPECT_EQ(ids.size(), 12U);
  EXPECT_EQ(generation.finish_reason(), FinishReason::length);
  EXPECT_EQ(generation.next(), nullptr);
  EXPECT_EQ(generation.begin(), generation.end());
  EXPECT_EQ(test::ids_of(model().generate("hello", {.max_tokens = 12})), ids);
}

TEST(Generate, ASecondBeginGoesOn) {
  const Ids all = test::ids_of(model().generate("hello", {.max_tokens = 9}));
  Generation generation = model().generate("hello", {.max_tokens = 9});
  Ids ids;
  for (const Token& token : generation) {
    ids.push_back(token.id);
    if (ids.size() == 4) break;
  }
  for (const Token& token : generation) ids.push_back(token.id);
  EXPECT_EQ(ids, all);
}

// (Views are left out: clang 14 cannot compile those of GCC 12's library.)
TEST(Generate, StandardAlgorithmsAndPostIncrement) {
  const Ids all = test::ids_of(model().generate("hello", {.max_tokens = 6}));
  Generation generation = model().generate("hello", {.max_tokens = 6});
  Ids ids;
  std::ranges::transform(generation, std::back_inserter(ids), &Token::id);
  EXPECT_EQ(ids, all);
  Generation other = model().generate("hello", {.max_tokens = 6});
  auto iterator = other.begin();
  EXPECT_EQ(iterator->id, all[0]);
  iterator++;
  EXPECT_EQ((*iterator).id, all[1]);
}

TEST(Generate, AMovedGenerationGoesOn) {
  const int64_t before = test::settled_bytes(model());
  const Ids all = test::ids_of(model().generate("hello", {.max_tokens = 6}));
  Generation first = model().generate("hello", {.max_tokens = 6});
  Ids ids{first.next()->id};
  Generation second = std::move(first);
  ids.push_back(second.next()->id);
  Generation third = model().generate("something else entirely", {.max_tokens = 2000});
  third.next();
  third = std::move(second);
  for (const Token& token : third) ids.push_back(token.id);
  EXPECT_EQ(ids, all);
  EXPECT_EQ(test::settled_bytes(model()), before) << "what was assigned over is gone";
}

TEST(Generate, DroppedItGivesItsMemoryBack) {
  const int64_t before = test::settled_bytes(model());
  {
    Generation generation = model().generate("hello");
    EXPECT_NE(generation.next(), nullptr);
    EXPECT_GT(model().memory().active_bytes, before);
    for (const Token& token : model().generate("hello")) {
      (void)token;
      break;
    }
  }
  EXPECT_EQ(test::settled_bytes(model()), before);
}

TEST(Generate, TheTextsOfTheTokensAreTheTextOfTheirIds) {
  // A random model says bytes of broken characters all the time: nothing may be lost or split.
  for (uint64_t seed = 0; seed < test::rounds(30, 5); ++seed) {
    const GenerateOptions options{.max_tokens = 40, .temperature = 2, .seed = seed};
    std::string text;
    Ids ids;
    Generation generation = model().generate("some words", options);
    for (const Token& token : generation) {
      text += token.text;
      ids.push_back(token.id);
    }
    EXPECT_EQ(generation.finish_reason() == FinishReason::length, ids.size() == 40);
    EXPECT_EQ(text, model().decode(ids)) << "seed " << seed;
    EXPECT_EQ(model().generate("some words", options).text(), text);
  }
}

TEST(Generate, TextIsWhatHasNotBeenTaken) {
  const GenerateOptions options{.max_tokens = 20, .temperature = 1.5F, .seed = 1};
  const std::string all = model().generate("some words", options).text();
  Generation generation = model().generate("some words", options);
  std::string text;
  for (int i = 0; i < 7; ++i) text += generation.next()->text;
  EXPECT_EQ(text + generation.text(), all);
  EXPECT_EQ(generation.text(), "");
}

TEST(Generate, ATextThatStopsInsideACharacterEndsWithAReplacement) {
  // <0xE2> is the first byte of three; <eos> follows.
  TestCheckpoint checkpoint = test::with_tokenizer("gemma3");
  const TextModel loaded = test::load(checkpoint, {.threads = 1});
  const Ids prompt = loaded.encode("a");
  const Ids first = loaded.encode("\xE2\x96\x82", false);  // as byte tokens
  ASSERT_EQ(first.size(), 3U);
  const auto force = [&](int32_t id, GenerateOptions options) {
    options.logit_bias = {{id, 1000.0F}};
    return options;
  };
  {
    Generation generation = loaded.generate(prompt, force(first[0], {.max_tokens = 1}));
    EXPECT_EQ(generation.next()->text, "\uFFFD") << "at the limit nothing more can come";
    EXPECT_EQ(generation.next(), nullptr);
  }
  {
    // The penalty makes the second choice another one: the end of the text.
    GenerateOptions options = force(first[0], {.max_tokens = 9, .presence_penalty = 5000});
    options.logit_bias.emplace_back(7, 500.0F);
    options.stop_ids = {7};
    Generation generation = loaded.generate(prompt, options);
    EXPECT_EQ(generation.next()->text, "");
    const Token* rest = generation.next();
    ASSERT_NE(rest, nullptr);
    EXPECT_EQ(rest->id, 7);
    EXPECT_EQ(rest->text, "\uFFFD");
    EXPECT_EQ(generation.next(), nullptr);
    EXPECT_EQ(generation.finish_reason(), FinishReason::stop);
    EXPECT_EQ(generation.metrics().generated_tokens, 1);
  }
  {
    Generation generation = loaded.generate(prompt, force(first[0], {.max_tokens = 9}));
    EXPECT_EQ(generation.next()->text, "");
    generation.cancel();
    EXPECT_EQ(generation.next(), nullptr) << "half a character of a cancelled text is dropped";
    EXPECT_EQ(generation.finish_reason(), FinishReason::cancelled);
  }
}

TEST(Generate, CancelAndStopToken) {
  Generation generation = model().generate("hello");
  EXPECT_NE(generation.next(), nullptr);
  std::thread([&] { generation.cancel(); }).join();
  EXPECT_EQ(generation.next(), nullptr);
  EXPECT_EQ(generation.finish_reason(), FinishReason::cancelled);
  std::stop_source source;
  size_t count = 0;
  Generation stopped = model().generate("hello", {.stop = source.get_token()});
  for (const Token& token : stopped) {
    (void)token;
    if (++count == 5) source.request_stop();
  }
  EXPECT_EQ(count, 5U);
  EXPECT_EQ(stopped.finish_reason(), FinishReason::cancelled);
}

TEST(Generate, PromptIdsAndSpecialTokens) {
  EXPECT_EQ(model().encode("ab"), (Ids{2, 261, 262}));
  EXPECT_EQ(model().encode("ab", false), (Ids{261, 262}));
  const auto prompt = [](const Generation& generation) {
    return Ids(generation.prompt_ids().begin(), generation.prompt_ids().end());
  };
  EXPECT_EQ(prompt(model().generate("ab")), (Ids{2, 261, 262}));
  EXPECT_EQ(prompt(model().generate("ab", {.add_special_tokens = false})), (Ids{261, 262}));
  EXPECT_EQ(prompt(model().generate(Ids{9, 8, 7})), (Ids{9, 8, 7})) << "ids are taken as they are";
  EXPECT_EQ(model().decode(Ids{2, 261, 262, 260, 263}), "ab c");
}

TEST(Generate, Metrics) {
  const GenerateOptions options{.max_tokens = 30, .logit_bias = {{1, -1e9F}}};
  const auto start = std::chrono::steady_clock::now();
  Generation generation = model().generate("some words to begin with", options);
  (void)generation.text();
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Metrics m = generation.metrics();
  EXPECT_EQ(m.prompt_tokens, static_cast<int64_t>(generation.prompt_ids().size()));
  EXPECT_EQ(m.generated_tokens, 30);
  EXPECT_GT(m.prefill_seconds, 0);
  EXPECT_GE(m.time_to_first_token_seconds, m.prefill_seconds);
  EXPECT_GT(m.decode_seconds, 0);
  EXPECT_LE(m.time_to_first_token_seconds + m.decode_seconds, wall);
  EXPECT_NEAR(m.prefill_tokens_per_second * m.prefill_seconds, static_cast<double>(m.prompt_tokens),
              1e-6);
  EXPECT_NEAR(m.decode_tokens_per_second * m.decode_seconds, 29, 1e-6);
  EXPECT_GT(m.active_bytes, model().memory().active_bytes) << "with the cache";
  EXPECT_GE(m.peak_bytes, m.active_bytes);
  EXPECT_LE(m.peak_bytes, model().memory().peak_bytes);
}

TEST(Generate, LogitsAgreeWithTheTokensChosen) {
  const Ids prompt = test::random_ids(100, 1);
  const std::vector<float> logits = model().logits(prompt);
  ASSERT_EQ(logits.size(), prompt.size() * 512);
  const auto last = std::span(logits).last(512);
  const auto best = std::ranges::max_element(last) - last.begin();
  Generation generation = model().generate(prompt, {.max_tokens = 1});
  const Token* token = generation.next();
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(token->id, best);
  EXPECT_LT(token->logprob, 0);
}

TEST(Generate, ErrorsNameWhatIsWrong) {
  const auto fails = [](std::string_view part, const auto& body) {
    test::expect_error(ErrorCode::invalid_argument, part, body);
  };
  fails("no tokens", [] { (void)model().generate(Ids{}); });
  fails("no tokens", [] { (void)model().generate("", {.add_special_tokens = false}); });
  fails("token id 512 is outside 0..511", [] { (void)model().generate(Ids{1, 512}); });
  fails("token id -1 is outside 0..511", [] { (void)model().generate(Ids{-1}); });
  fails("token id 512", [] { (void)model().logits(Ids{512}); });
  fails("token id 99999", [] { (void)model().decode(Ids{99999}); });
  fails("token id -2", [] { (void)model().decode(Ids{-2}); });
  fails("no tokens", [] { (void)model().logits(Ids{}); });
  fails("the prompt has 513 tokens, the context takes 512",
        [] { (void)model().generate(Ids(513, 5)); });
  fails("513 tokens", [] { (void)model().logits(Ids(513, 5)); });
  fails("512 tokens and fills the context of 512", [] { (void)model().generate(Ids(512, 5)); });
  fails("1001 tokens", [] { (void)model().generate(std::string(1000, 'a')); });
  fails("temperature", [] { (void)model().generate("a", {.temperature = -1}); });
  fails("top_k", [] { (void)model().generate("a", {.top_k = -1}); });
  fails("logit_bias", [] { (void)model().generate("a", {.logit_bias = {{512, 1}}}); });
  fails("stop_ids", [] { (void)model().generate("a", {.stop_ids = {-1}}); });
  EXPECT_NO_THROW((void)model().logits(Ids(512, 5)));
}

TEST(Generate, WithoutATokenizerIdsStillWork) {
  const TextModel bare = test::load(TestCheckpoint::reference("qwen2"), {.threads = 1});
  EXPECT_FALSE(bare.info().has_tokenizer);
  for (const auto& body : std::initializer_list<std::function<void()>>{
           [&] { (void)bare.generate("a"); }, [&] { (void)bare.encode("a"); },
           [&] { (void)bare.decode(Ids{1}); }})
    test::expect_error(ErrorCode::invalid_argument, "no tokenizer.json", body);
  Generation generation = bare.generate(Ids{5, 6}, {.max_tokens = 5});
  for (const Token& token : generation) EXPECT_EQ(token.text, "");
  EXPECT_EQ(generation.metrics().generated_tokens, 5);
}

TEST(Generate, EndOfSequenceIdsOfTheFiles) {
  // What the model says after this prompt; each of these ids in turn ends the text.
  TestCheckpoint checkpoint = TestCheckpoint::reference("qwen2");
  const Ids prompt{5, 6, 7};
  checkpoint.config["eos_token_id"] = nullptr;
  const GenerateOptions options{.max_tokens = 12, .temperature = 1, .seed = 3};
  const Ids free = test::ids_of(test::load(checkpoint, {.threads = 1}).generate(prompt, options));
  ASSERT_EQ(free.size(), 12U);
  const auto until = [&](const std::vector<int32_t>& stops) {
    return Ids(free.begin(), std::ranges::find_first_of(free, stops));
  };
  const auto run = [&] {
    Generation generation = test::load(checkpoint, {.threads = 1}).generate(prompt, options);
    Ids ids;
    for (const Token& token : generation) ids.push_back(token.id);
    EXPECT_EQ(generation.finish_reason(), FinishReason::stop);
    return ids;
  };
  checkpoint.config["eos_token_id"] = free[6];
  EXPECT_EQ(run(), until({free[6]}));
  checkpoint.config["eos_token_id"] = {0, free[8], free[4]};
  EXPECT_EQ(run(), until({free[4], free[8]}));
  // generation_config.json wins.
  checkpoint.files["generation_config.json"] =
      nlohmann::json{{"eos_token_id", {free[10], free[9]}}}.dump();
  EXPECT_EQ(run(), until({free[9], free[10]}));
  checkpoint.files["generation_config.json"] = nlohmann::json{{"eos_token_id", free[2]}}.dump();
  EXPECT_EQ(run(), until({free[2]}));
  // One that says nothing leaves it to config.json.
  checkpoint.files["generation_config.json"] = R"({"temperature": 0.7})";
  EXPECT_EQ(run(), until({free[4], free[8]}));
}

TEST(Generate, TheModelLivesAsLongAsItsGenerations) {
  const auto load = [] { return test::load(test::with_tokenizer("llama3"), {.threads = 2}); };
  const Ids expected = test::ids_of(load().generate("hello", {.max_tokens = 8}));
  std::optional<TextModel> model = load();
  std::optional<TextModel> copy = *model;
  Generation generation = model->generate("hello", {.max_tokens = 8});
  Ids ids{generation.next()->id};
  model.reset();
  ids.push_back(generation.next()->id);
  copy.reset();
  for (const Token& token : generation) ids.push_back(token.id);
  EXPECT_EQ(ids, expected);
}

}  // namespace
}  // namespace linnet
