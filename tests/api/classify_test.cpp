// Classification: exact log-probabilities, however labels share tokens and prompts share
// beginnings.
#include <linnet/classify.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using Ids = std::vector<int32_t>;
using Texts = std::vector<std::string>;

const Texts kTexts{"the hello world", "a", "some words about something else that is longer",
                   "hello",           "",  "the end"};

/// Natural logarithm of a token's probability, from all logits.
double log_probability(std::span<const float> logits, int32_t id) {
  double largest = -INFINITY;
  for (const float value : logits) largest = std::max(largest, double{value});
  double sum = 0;
  for (const float value : logits) sum += std::exp(double{value} - largest);
  return double{logits[static_cast<size_t>(id)]} - largest - std::log(sum);
}

/// A label's log-probability after a prompt, from the logits of the whole text.
double expected_logprob(const TextModel& model, const Ids& prompt, const Ids& label) {
  Ids ids = prompt;
  ids.insert(ids.end(), label.begin(), label.end());
  const std::vector<float> logits = model.logits(ids);
  const auto width = static_cast<size_t>(model.info().vocab_size);
  double sum = 0;
  for (size_t i = 0; i < label.size(); ++i)
    sum += log_probability(std::span(logits).subspan((prompt.size() + i - 1) * width, width),
                           label[i]);
  return sum;
}

class ClassifyFamily : public testing::TestWithParam<std::string> {
 protected:
  TextModel model_ = test::load(test::with_tokenizer(GetParam()), {.threads = 2});
};

TEST_P(ClassifyFamily, LogProbabilitiesAreThoseOfTheWholeText) {
  // Labels of one and of several tokens, some the beginnings of others.
  const ClassifyOptions options{
      .labels = {"a", "ab", "the", "the end", "hello world", "hello", "hello there"},
      .prompt_template =
          "These words begin all of the prompts alike.\n"
          "Text: {text}\nLabel:",
      .return_logits = true};
  const auto results = model_.classify(kTexts, options);
  ASSERT_EQ(results.size(), kTexts.size());
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const std::string prompt =
        "These words begin all of the prompts alike.\nText: " + kTexts[i] + "\nLabel:";
    const Ids ids = model_.encode(prompt);
    const std::vector<float> all = model_.logits(ids);
    ASSERT_EQ(results[i].logprobs.size(), options.labels.size());
    size_t best = 0;
    for (size_t l = 0; l < options.labels.size(); ++l) {
      const Ids label = model_.encode(" " + options.labels[l], false);
      EXPECT_NEAR(results[i].logprobs[l], expected_logprob(model_, ids, label), 1e-4)
          << options.labels[l];
      EXPECT_EQ(results[i].logits[l],
                all[all.size() - static_cast<size_t>(model_.info().vocab_size) +
                    static_cast<size_t>(label.front())]);
      if (results[i].logprobs[l] > results[i].logprobs[best]) best = l;
    }
    EXPECT_EQ(results[i].label, options.labels[best]);
    EXPECT_EQ(results[i].index, static_cast<int64_t>(best));
    double sum = 0;
    for (const double p : results[i].probabilities) sum += p;
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_EQ(results[i].prompt_tokens, static_cast<int64_t>(ids.size()));
  }
}

TEST_P(ClassifyFamily, ATextsBitsDoNotDependOnTheOthers) {
  ClassifyOptions options{.labels = {"a", "the end", "the other"}, .return_logits = true};
  const TextModel plain = test::load(test::with_tokenizer(GetParam()),
                                     {.threads = 1, .max_batch = 1, .prefix_cache_bytes = 0});
  Texts many;
  for (int i = 0; i < 20; ++i)
    for (const std::string& text : kTexts) many.push_back(text + std::to_string(i % 7));
  const auto together = model_.classify(many, options);
  for (size_t i = 0; i < many.size(); i += 11) {
    const auto alone = plain.classify(std::span(many).subspan(i, 1), options);
    EXPECT_EQ(together[i].logprobs, alone[0].logprobs) << i;
    EXPECT_EQ(together[i].logits, alone[0].logits) << i;
    EXPECT_EQ(together[i].label, alone[0].label) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ClassifyFamily, testing::ValuesIn(test::reference_families()),
                         [](const auto& info) { return info.param; });

const TextModel& model() {
  static const TextModel loaded = test::load(test::with_tokenizer("gemma3"), {.threads = 2});
  return loaded;
}

TEST(Classify, WhatPromptsShareIsComputedOnce) {
  const TextModel fresh =
      test::load(test::with_tokenizer("gemma3"), {.threads = 1, .prefix_cache_bytes = 0});
  std::string form = "Read this: ";
  for (int i = 0; i < 40; ++i) form += "and then ";
  const ClassifyOptions options{.labels = {"a", "b"}, .prompt_template = form + "{text}\nLabel:"};
  const auto shared = static_cast<int64_t>(fresh.encode(form).size());
  for (const Classification& result : fresh.classify(kTexts, options)) {
    EXPECT_GE(result.cached_prompt_tokens, shared - 2);
    EXPECT_LT(result.cached_prompt_tokens, result.prompt_tokens);
  }
  EXPECT_EQ(test::settled_bytes(fresh), fresh.plan().weight_bytes) << "nothing of it stays";
}

TEST(Classify, LengthAndCalibrationChangeWhatIsCompared) {
  ClassifyOptions options{.labels = {"a", "hello there world"}};
  const Classification plain = model().classify(std::span(kTexts).first(1), options).front();
  options.length_normalize = true;
  const Classification normal = model().classify(std::span(kTexts).first(1), options).front();
  EXPECT_EQ(plain.logprobs, normal.logprobs) << "they stay what they are";
  const auto tokens = [](const std::string& label) {
    return static_cast<double>(model().encode(" " + label, false).size());
  };
  const auto probability = [](double a, double b) { return 1 / (1 + std::exp(b - a)); };
  EXPECT_NEAR(plain.probabilities[0], probability(plain.logprobs[0], plain.logprobs[1]), 1e-9);
  EXPECT_NEAR(
      normal.probabilities[0],
      probability(plain.logprobs[0] / tokens("a"), plain.logprobs[1] / tokens("hello there world")),
      1e-9);
  options.length_normalize = false;
  options.calibrate = true;
  options.content_free = "nothing";
  const Classification calibrated = model().classify(std::span(kTexts).first(1), options).front();
  const Texts empty{"nothing"};
  options.calibrate = false;
  const Classification baseline = model().classify(empty, options).front();
  EXPECT_NEAR(calibrated.probabilities[0],
              probability(plain.logprobs[0] - baseline.logprobs[0],
                          plain.logprobs[1] - baseline.logprobs[1]),
              1e-9);
}

TEST(Classify, SpacesBelongToLabelsAndLineBreaksToPrompts) {
  const auto logprob = [](const std::string& form) {
    return model()
        .classify(std::span(kTexts).first(1), {.labels = {"the"}, .prompt_template = form})
        .front()
        .logprobs.front();
  };
  const Ids prompt = model().encode("Text: the hello world, label:");
  EXPECT_EQ(logprob("Text: {text}, label:"), logprob("Text: {text}, label:  "));
  EXPECT_NEAR(logprob("Text: {text}, label:"),
              expected_logprob(model(), prompt, model().encode(" the", false)), 1e-4);
  const Ids line = model().encode("Text: the hello world\n");
  EXPECT_NEAR(logprob("Text: {text}\n"),
              expected_logprob(model(), line, model().encode("the", false)), 1e-4);
}

TEST(Classify, TheTemplateIsFilledOnce) {
  // What a text says is never taken for a place of the template.
  const Texts texts{"{text} %s {labels}"};
  const ClassifyOptions options{.labels = {"a", "b"}, .prompt_template = "{labels}: {text}!"};
  const auto result = model().classify(texts, options);
  EXPECT_EQ(result.front().prompt_tokens,
            static_cast<int64_t>(model().encode("a, b: {text} %s {labels}!").size()));
}

TEST(Classify, RefusesWhatCannotBe) {
  const auto refuses = [](std::string_view message, const ClassifyOptions& options) {
    test::expect_error(ErrorCode::invalid_argument, message,
                       [&] { static_cast<void>(model().classify(kTexts, options)); });
  };
  refuses("no labels", {});
  refuses("\"a\" is there twice", {.labels = {"a", "b", "a"}});
  refuses("a label is empty", {.labels = {"a", " "}});
  refuses("no {text}", {.labels = {"a"}, .prompt_template = "Text:"});
  refuses("%s 2 times", {.labels = {"a"}, .prompt_template = "%s %s"});
  refuses("calibrate", {.labels = {"a"}, .mode = ClassifyMode::greedy, .calibrate = true});
  const Texts long_text{std::string(100000, 'x')};
  test::expect_error(ErrorCode::invalid_argument, "the context takes",
                     [&] { static_cast<void>(model().classify(long_text, {.labels = {"a"}})); });
  EXPECT_TRUE(model().classify(Texts{}, {.labels = {"a"}}).empty());
}

TEST(Classify, AnExceptionOfTheCallerEndsIt) {
  Texts many(200, "some text");
  struct Enough {};
  int64_t seen = 0;
  EXPECT_THROW(model().classify(many, {.labels = {"a", "the end"}},
                                [&](int64_t index, const Classification&) {
                                  seen = index;
                                  if (index == 3) throw Enough();
                                }),
               Enough);
  EXPECT_EQ(seen, 3);
  std::stop_source stop;
  stop.request_stop();
  test::expect_error(ErrorCode::cancelled, "cancelled", [&] {
    static_cast<void>(model().classify(many, {.labels = {"a"}, .stop = stop.get_token()}));
  });
  EXPECT_EQ(model().classify(kTexts, {.labels = {"a"}}).size(), kTexts.size());
}

TEST(Classify, TheBuiltInModelKnowsItsLabels) {
  const TextModel builtin = load_builtin_model({.threads = 2});
  const Texts texts{"The capacitor stores an electric charge.",
                    "The moon whispered secrets to the sleeping sea.",
                    "Is it wrong to lie to protect a friend?", "hey, want to grab lunch later?"};
  const Texts labels{"technical", "creative", "ethical", "casual"};
  const auto scored = builtin.classify(texts, {.labels = labels});
  const auto greedy = builtin.classify(
      texts, {.labels = {"Technical", "CREATIVE ", "ethical", "casual"},
              .prompt_template = "Classify this text into exactly one category: technical, "
                                 "creative, ethical, casual.\n\nText: %s\n\nCategory:",
              .mode = ClassifyMode::greedy});
  int right = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    right += scored[i].label == labels[i] ? 1 : 0;
    EXPECT_EQ(greedy[i].index, scored[i].index);
    EXPECT_EQ(greedy[i].text, " " + scored[i].label) << "the token as it is";
    EXPECT_TRUE(greedy[i].probabilities.empty());
  }
  EXPECT_GE(right, 3);
  const auto chat = builtin.classify(texts, {.labels = labels, .chat = true});
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(chat[i].label, scored[i].label);
}

}  // namespace
}  // namespace linnet
