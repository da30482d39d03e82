// The assistant's turns in what chat templates write: the built-in ones, and those of the real
// checkpoints beside the repository (shared/tokenizers), which are no part of it: without them the
// test of these says so.
#include "train/chat_spans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "base/error.hpp"
#include "train/data_support.hpp"

namespace linnet::train {
namespace {

using nlohmann::json;

json say(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

json call(const std::string& id, const std::string& argument) {
  return {{"role", "assistant"},
          {"content", nullptr},
          {"tool_calls",
           {{{"id", id},
             {"type", "function"},
             {"function", {{"name", "weather"}, {"arguments", {{"city", argument}}}}}}}}};
}

json answer_of(const std::string& id, const std::string& content) {
  json message = say("tool", content);
  message["tool_call_id"] = id;
  return message;
}

const json kTools = {
    {{"type", "function"},
     {"function",
      {{"name", "weather"},
       {"description", "of a city"},
       {"parameters", {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}}}}}}};

struct Case {
  std::string name;
  json messages;
  json tools = nullptr;
  /// What each span holds at least.
  std::vector<std::string> contents;
};

std::vector<Case> cases() {
  return {
      {.name = "one turn",
       .messages = {say("user", "Hello"), say("assistant", "Good day.")},
       .contents = {"Good day."}},
      {.name = "turns that are alike",
       .messages = {say("user", "same"), say("assistant", "same"), say("user", "same"),
                    say("assistant", "same"), say("user", "same"), say("assistant", "same")},
       .contents = {"same", "same", "same"}},
      {.name = "a system prompt",
       .messages = {say("system", "Be brief."), say("user", "Hello"), say("assistant", "Hi."),
                    say("user", "More"), say("assistant", "No.")},
       .contents = {"Hi.", "No."}},
      {.name = "white space",
       .messages = {say("user", " a "), say("assistant", "line\n\n  two"), say("user", "b\n"),
                    say("assistant", "x")},
       .contents = {"line\n\n  two", "x"}},
      {.name = "characters",
       .messages = {say("user", "Grüße 🦜"), say("assistant", "日本語 🏳️‍🌈"),
                    say("user", "é"), say("assistant", "e\xCC\x81")},
       .contents = {"日本語", "\xCC\x81"}},
      {.name = "thinking",
       .messages = {say("user", "2+2?"), say("assistant", "<think>\nsum\n</think>\n\nfour"),
                    say("user", "3+3?"), say("assistant", "<think>\nsum again\n</think>\n\nsix")},
       .contents = {"four", "six"}},
      {.name = "a header in a text",
       .messages = {say("user", "Hello"), say("assistant", "assistant\nmodel\n[/INST] user"),
                    say("user", "[INST] assistant\n"), say("assistant", "end")},
       .contents = {"[/INST] user", "end"}},
      {.name = "tools",
       .messages = {say("user", "Weather?"), call("abcdefghi", "Paris"),
                    answer_of("abcdefghi", "sunny"), say("assistant", "Sunny."),
                    say("user", "Thanks"), say("assistant", "Gladly.")},
       .tools = kTools,
       .contents = {"Paris", "Sunny.", "Gladly."}}};
}

Record record_of(const Case& c) {
  json line{{"messages", c.messages}};
  if (!c.tools.is_null()) line["tools"] = c.tools;
  return Record::parse(line.dump(), "case");
}

// Each span: behind the header (no user text in it), the content, and an end that is a special
// token.
void check(const Case& c, const RenderedChat& chat, const text::Tokenizer& tokenizer) {
  ASSERT_EQ(chat.spans.size(), c.contents.size());
  std::string outside;
  size_t at = 0;
  for (size_t i = 0; i < chat.spans.size(); ++i) {
    const ChatSpan& span = chat.spans[i];
    ASSERT_LE(at, span.begin);
    outside += chat.text.substr(at, span.begin - at);
    at = span.end;
    const std::string turn = chat.text.substr(span.begin, span.end - span.begin);
    EXPECT_NE(turn.find(c.contents[i]), std::string::npos) << turn;
    const std::vector<int32_t> ids = tokenizer.encode(turn, false);
    ASSERT_FALSE(ids.empty());
    EXPECT_TRUE(tokenizer.is_special(ids.back())) << turn;
    // Nothing of another turn: no special token but those that the content is read as.
    const auto specials = [&](const std::string& text) {
      return std::ranges::count_if(tokenizer.encode(text, false),
                                   [&](int32_t id) { return tokenizer.is_special(id); });
    };
    const int own = turn.starts_with("[TOOL_CALLS]") ? 2 : 1;
    EXPECT_LE(specials(turn), specials(c.contents[i]) + own) << turn;
  }
}

std::string turn_of(const RenderedChat& chat, size_t i) {
  return chat.text.substr(chat.spans[i].begin, chat.spans[i].end - chat.spans[i].begin);
}

TEST(ChatSpans, BuiltInTemplates) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(test::builtin_folder());
  text::ChatTemplate chat_template = text::ChatTemplate::load(test::builtin_folder());
  const Record record = record_of(cases()[2]);
  const RenderedChat chat = render_with_spans(record, chat_template, tokenizer);
  ASSERT_EQ(chat.spans.size(), 2U);
  EXPECT_EQ(turn_of(chat, 0), "Hi.<end_of_turn>");
  EXPECT_EQ(turn_of(chat, 1), "No.<end_of_turn>");
}

TEST(ChatSpans, OneMessageIsLearned) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(test::builtin_folder());
  Record record = record_of(cases()[1]);
  record.learned = {false, false, false, true, false, false};
  const RenderedChat chat =
      render_with_spans(record, text::ChatTemplate::load(test::builtin_folder()), tokenizer);
  ASSERT_EQ(chat.spans.size(), 1U);
  EXPECT_EQ(chat.spans[0].message, 3U);
  EXPECT_EQ(turn_of(chat, 0), "same<end_of_turn>");
}

TEST(ChatSpans, TemplatesOfCheckpoints) {
  const auto folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "absent, so nothing was compared: " << folder << '\n';
    return;
  }
  for (const auto& family : std::filesystem::directory_iterator(folder)) {
    if (!std::filesystem::exists(family.path() / "tokenizer_config.json")) continue;
    const bool own = std::filesystem::exists(family.path() / "tokenizer.json");
    const auto tokenizer = text::Tokenizer::load(own ? family.path() : folder / "llama3");
    const auto chat_template = text::ChatTemplate::load(family.path());
    const Encoder encoder(tokenizer, chat_template, {.max_length = 100000});
    int found = 0;
    std::string refused;
    for (const Case& c : cases()) {
      SCOPED_TRACE(family.path().filename().string() + ": " + c.name);
      const Record record = record_of(c);
      RenderedChat chat;
      try {
        chat = render_with_spans(record, chat_template, tokenizer, {.now = EncodeOptions().now});
      } catch (const Error& error) {
        refused += " (" + c.name + ": " + error.what() + ")";
        // A refusal is the template's own, not that its turns were not found.
        EXPECT_EQ(std::string(error.what()).find("does not show"), std::string::npos)
            << error.what();
        continue;
      }
      check(c, chat, tokenizer);
      // The tokens are those of the whole text, and the targets say what the turns say.
      const Encoded encoded = encoder.encode(record_of(c));
      ASSERT_EQ(encoded.examples.size(), 1U);
      EXPECT_EQ(encoded.examples[0].ids, tokenizer.encode(chat.text, false));
      std::vector<int32_t> targets;
      for (size_t t = 0; t < encoded.examples[0].ids.size(); ++t)
        if (encoded.examples[0].weights[t] != 0) targets.push_back(encoded.examples[0].ids[t]);
      std::string expected;
      for (size_t i = 0; i < chat.spans.size(); ++i) expected += turn_of(chat, i);
      std::string said;
      for (const int32_t id : targets) said += tokenizer.token_bytes(id);
      // Some tokenizers compose characters.
      std::string composed = expected;
      if (const size_t at = composed.find("e\xCC\x81"); at != std::string::npos)
        composed.replace(at, 3, "\u00E9");
      EXPECT_TRUE(said == expected || said == composed) << said << "\n" << expected;
      ++found;
    }
    std::cout << family.path().filename().string() << ": turns of " << found << " of "
              << cases().size() << " conversations" << refused << '\n';
    EXPECT_GT(found, 0) << family.path();
  }
}

TEST(ChatSpans, Qwen3LearnsWhatItWasPromptedFor) {
  const auto folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers/qwen3";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "absent: " << folder;
  const RenderedChat chat = render_with_spans(
      record_of(cases()[5]), text::ChatTemplate::load(folder), text::Tokenizer::load(folder));
  ASSERT_EQ(chat.spans.size(), 2U);
  EXPECT_EQ(turn_of(chat, 0), "four<|im_end|>");  // earlier thinking is not shown
  EXPECT_EQ(turn_of(chat, 1), "<think>\nsum again\n</think>\n\nsix<|im_end|>");
  // In examples of their own both turns think.
  const text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  const Encoder encoder(tokenizer, text::ChatTemplate::load(folder), {.turns = Turns::apart});
  const Encoded encoded = encoder.encode(record_of(cases()[5]));
  ASSERT_EQ(encoded.examples.size(), 2U);
  const std::array<std::string, 2> thoughts{"<think>\nsum\n</think>\n\nfour<|im_end|>",
                                            "<think>\nsum again\n</think>\n\nsix<|im_end|>"};
  for (size_t i = 0; i < 2; ++i) {
    std::string said;
    for (size_t t = 0; t < encoded.examples[i].ids.size(); ++t)
      if (encoded.examples[i].weights[t] != 0)
        said += tokenizer.token_bytes(encoded.examples[i].ids[t]);
    EXPECT_EQ(said, thoughts[i]);
  }
}

}  // namespace
}  // namespace linnet::train
