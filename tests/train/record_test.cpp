#include "train/record.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace linnet::train {
namespace {

std::string error_of(const std::string& line) {
  try {
    (void)Record::parse(line, "here");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string content_of(const Record& record, size_t i) {
  return std::string(record.messages[i].dict()->find(std::string_view("content"))->view());
}

TEST(Record, Conversation) {
  const Record record = Record::parse(
      R"({"id": 3, "messages": [{"role": "developer", "content": "Be brief."},
          {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
          {"role": "assistant", "content": "c", "weight": 0, "name": null},
          {"role": "user", "content": "d"}, {"role": "assistant", "content": "efg"}]})",
      "here");
  EXPECT_EQ(record.kind, Record::Kind::chat);
  EXPECT_EQ(role_of(record.messages[0]), "system");
  EXPECT_EQ(content_of(record, 1), "ab");
  EXPECT_EQ(record.learned, (std::vector<bool>{false, false, false, false, true}));
  EXPECT_EQ(record.role_bytes,
            (std::map<std::string, int64_t>{{"system", 9}, {"user", 3}, {"assistant", 4}}));
  EXPECT_TRUE(record.tools.is_none());
}

TEST(Record, ToolsAndTheirCalls) {
  const Record record = Record::parse(
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null,
          "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
          {"role": "tool", "tool_call_id": "1", "content": "2"}, {"role": "assistant", "content": "b"}],
          "tools": "[{\"type\": \"function\"}]", "chat_template_kwargs": {"enable_thinking": false}})",
      "here");
  const auto* calls = record.messages[1].dict()->find(std::string_view("tool_calls"));
  const auto* function = calls->sequence()->items[0].dict()->find(std::string_view("function"));
  EXPECT_NE(function->dict()->find(std::string_view("arguments"))->dict(), nullptr);
  EXPECT_EQ(record.learned, (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(record.tools.sequence()->items.size(), 1U);
  ASSERT_EQ(record.variables.size(), 1U);
  EXPECT_EQ(record.variables[0].first, "enable_thinking");
}

TEST(Record, OtherShapes) {
  const Record shared = Record::parse(
      R"({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]})",
      "here");
  EXPECT_EQ(shared.learned, (std::vector<bool>{false, true}));
  EXPECT_EQ(content_of(shared, 1), "b");
  const Record prompt = Record::parse(R"({"prompt": "a", "completion": "b"})", "here");
  EXPECT_EQ(prompt.kind, Record::Kind::completion);
  const Record turns = Record::parse(
      R"({"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
          "completion": [{"role": "assistant", "content": "d"}]})",
      "here");
  EXPECT_EQ(turns.learned, (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(Record::parse(R"({"text": "a", "source": "b"})", "here").text, "a");
}

TEST(Record, AlpacasForm) {
  const Record with = Record::parse(
      R"({"instruction": "Translate.", "input": "eins", "output": "one", "id": 1})", "here");
  EXPECT_EQ(with.kind, Record::Kind::completion);
  EXPECT_EQ(with.prompt,
            "Below is an instruction that describes a task, paired with an input that provides "
            "further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nTranslate.\n\n### Input:\neins\n\n### Response:");
  EXPECT_EQ(with.user_turn, "Translate.\n\neins");
  EXPECT_EQ(with.completion, "one");
  EXPECT_EQ(with.role_bytes.at("completion"), 3);
  for (const char* input : {"", R"("input": "", )", R"("input": null, )"}) {
    const Record without = Record::parse(
        fmt::format(R"({{"instruction": "Count.", {}"output": "1 2 3"}})", input), "here");
    EXPECT_EQ(without.prompt,
              "Below is an instruction that describes a task. Write a response that appropriately "
              "completes the request.\n\n### Instruction:\nCount.\n\n### Response:");
    EXPECT_EQ(without.user_turn, "Count.");
  }
  // Beside another shape it is a further member.
  EXPECT_EQ(Record::parse(R"({"text": "a", "instruction": "b", "output": "c"})", "here").kind,
            Record::Kind::text);
}

TEST(Record, TextsWithLabels) {
  const std::string line = R"({"text": "a", "label": "bc", "note": "d"})";
  // A label is one of the members that are left alone, unless it is asked for.
  EXPECT_EQ(Record::parse(line, "here").kind, Record::Kind::text);
  EXPECT_TRUE(Record::parse(line, "here").unlearned_label);
  EXPECT_FALSE(Record::parse(R"({"text": "a", "note": "d"})", "here").unlearned_label);
  const LabelFields usual;
  const Record record = Record::parse(line, "here", &usual);
  EXPECT_EQ(record.kind, Record::Kind::label);
  EXPECT_FALSE(record.unlearned_label);
  EXPECT_EQ(record.text, "a");
  EXPECT_EQ(record.label, "bc");
  EXPECT_EQ(record.role_bytes, (std::map<std::string, int64_t>{{"text", 1}, {"label", 2}}));
  const LabelFields other{.text = "note", .label = "text"};
  EXPECT_EQ(Record::parse(line, "here", &other).label, "a");
  // Other lines stay what they are.
  EXPECT_EQ(Record::parse(R"({"prompt": "a", "completion": "b"})", "here", &usual).kind,
            Record::Kind::completion);
  const auto error = [&](const std::string& wrong) {
    try {
      (void)Record::parse(wrong, "here", &other);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(error(R"({"note": "a"})").find("\"text\""), std::string::npos);
  EXPECT_NE(error(R"({"note": "a", "text": 1})").find("text"), std::string::npos);
  EXPECT_NE(error(R"({"text": "a"})").find("\"prompt\", \"note\""), std::string::npos);
}

TEST(Record, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{", "here"},
      {"[1]", "here: not a JSON object"},
      {"{}", "none of \"messages\""},
      {R"({"text": "a", "prompt": "b", "completion": "c"})", "several of"},
      {R"({"text": 1})", "text"},
      {R"({"prompt": "a"})", "completion"},
      {R"({"prompt": "a", "completion": []})", "completion"},
      {R"({"instruction": "a"})", "output"},
      {R"({"instruction": "a", "input": 1, "output": "b"})", "input"},
      {R"({"messages": []})", "no message to learn"},
      {R"({"messages": [{"role": "user", "content": "a"}]})", "no message to learn"},
      {R"({"messages": [{"role": "bot", "content": "a"}]})", "is \"bot\""},
      {R"({"messages": [{"role": "assistant"}]})", "has no \"content\""},
      {R"({"messages": [{"role": "assistant", "content": "a", "weight": 0.5}]})", "0 or 1"},
      {R"({"messages": [{"role": "assistant", "content": [{"type": "image"}]}]})", "only text"},
      {R"({"messages": [{"role": "assistant", "content": "a", "function_call": {}}]})",
       "tool_calls"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]})",
       "arguments"}};
  for (const auto& [line, message] : cases)
    EXPECT_NE(error_of(line).find(message), std::string::npos) << line << ": " << error_of(line);
}

}  // namespace
}  // namespace linnet::train
