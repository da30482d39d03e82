// Replies taken apart: the same whatever the pieces, nothing lost, nothing held back longer than
// needed.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "support/sanitized.hpp"
#include "text/chat_template.hpp"
#include "text/reply_parser.hpp"

namespace linnet::text {
namespace {

using Kind = ReplyEvent::Kind;

// What came out, as one text: "R:" reasoning, "C:" content, "name(arguments)" calls, joined by '|'.
class Collected {
 public:
  void add(const std::vector<ReplyEvent>& events) {
    for (const ReplyEvent& event : events) {
      EXPECT_FALSE(event.text.empty());
      if (event.kind == Kind::tool_call) {
        EXPECT_EQ(event.index, calls_++);
        next();
        text_ += event.name + "(" + event.text + ")";
      } else {
        EXPECT_TRUE(event.name.empty());
        if (last_ != event.kind || text_.empty()) {
          next();
          text_ += event.kind == Kind::reasoning ? "R:" : "C:";
        }
        text_ += event.text;
      }
      last_ = event.kind;
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void next() {
    if (!text_.empty()) text_ += '|';
  }
  std::string text_;
  Kind last_ = Kind::content;
  size_t calls_ = 0;
};

std::string parse(const ReplyFormat& format, const std::vector<std::string_view>& pieces) {
  ReplyParser parser(format);
  Collected collected;
  for (const std::string_view piece : pieces) collected.add(parser.push(piece));
  collected.add(parser.finish());
  return collected.text();
}

// Expects the same of `text` at once, byte for byte, cut at every place and cut at random.
void expect_reply(const ReplyFormat& format, std::string_view text, const std::string& expected) {
  EXPECT_EQ(parse(format, {text}), expected) << text;
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  EXPECT_EQ(parse(format, bytes), expected) << "byte for byte: " << text;
  for (size_t cut = 1; cut < text.size(); ++cut)
    ASSERT_EQ(parse(format, {text.substr(0, cut), text.substr(cut)}), expected)
        << "cut at " << cut << ": " << text;
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string_view> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 8;
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    ASSERT_EQ(parse(format, pieces), expected) << text;
  }
}

const ReplyFormat kPlain{};
const ReplyFormat kOpened{.begins_in_reasoning = true};
const ReplyFormat kHermes{.tools = ToolFormat::hermes};
const ReplyFormat kLlama{.tools = ToolFormat::llama3};
const ReplyFormat kMistral{.tools = ToolFormat::mistral};
const ReplyFormat kJson{.tools = ToolFormat::plain_json};

TEST(ReplyReasoning, StandsAtTheBeginning) {
  for (const ReplyFormat& format : {kPlain, kHermes, kLlama, kMistral, kJson}) {
    expect_reply(format, "<think>\nFirst.\n\nThen.\n</think>\n\nYes.", "R:First.\n\nThen.|C:Yes.");
    expect_reply(format, " \n<think>a</think>b<think>c</think>", "R:a|C:b<think>c</think>");
    expect_reply(format, "Use <think> here.", "C:Use <think> here.");
    expect_reply(format, "<think>\n\n</think>\n\nYes.\n", "C:Yes.\n");
    expect_reply(format, "<think>hm</thi\n</think> \t\r\n Yes", "R:hm</thi|C:Yes");
    expect_reply(format, "<think>\n\n  indented\n \n</think>x", "R:  indented\n |C:x");
    expect_reply(format, "<think>\nnever closed\n\n", "R:never closed");
    expect_reply(format, "<think>cut </th", "R:cut </th");
    expect_reply(format, "<think>only</think>\n\n", "R:only");
    expect_reply(format, "<think>", "");
    expect_reply(format, "  <thin", "C:  <thin");
    expect_reply(format, "<thinking>", "C:<thinking>");
    expect_reply(format, "</think>x", "C:</think>x");
    expect_reply(format, " \n\n", "C: \n\n");
    expect_reply(format, "", "");
    expect_reply(format, "  Grüße, 世界 \n\n ende \n", "C:  Grüße, 世界 \n\n ende \n");
  }
}

TEST(ReplyReasoning, MayBeOpenedByThePrompt) {
  expect_reply(kOpened, "\nhm\n</think>\n\nYes.", "R:hm|C:Yes.");
  expect_reply(kOpened, "hm\n", "R:hm");
  expect_reply(kOpened, "<think>\nhm</think>Yes.", "R:hm|C:Yes.");
  expect_reply(kOpened, "a <think> b</think>Yes.", "R:a <think> b|C:Yes.");
  expect_reply(kOpened, "</think>\n\nYes.", "C:Yes.");
  expect_reply(kOpened, "\n\n", "");
  expect_reply(kOpened, "<thi", "R:<thi");
}

TEST(ReplyReasoning, TakesOtherMarksOrNone) {
  const ReplyFormat brackets{.reasoning_open = "[THINK]", .reasoning_close = "[/THINK]"};
  expect_reply(brackets, "[THINK]hm[/THINK]Yes.", "R:hm|C:Yes.");
  expect_reply(brackets, "<think>hm</think>Yes.", "C:<think>hm</think>Yes.");
  const ReplyFormat none{.reasoning_open = ""};
  expect_reply(none, " <think>hm</think>Yes.", "C: <think>hm</think>Yes.");
}

TEST(ReplyTools, AreContentWithoutTools) {
  for (const char* text :
       {"<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
        R"({"name": "f", "parameters": {}})", R"([TOOL_CALLS] [{"name": "f", "arguments": {}}])",
        "```json\n{\"name\": \"f\", \"parameters\": {}}\n```"})
    expect_reply(kPlain, text, "C:" + std::string(text));
}

TEST(ReplyTools, Hermes) {
  expect_reply(kHermes,
               "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1.50}}\n</tool_call>",
               R"(f({"a": 1.50}))");
  expect_reply(kHermes,
               "<think>\nhm\n</think>\n\nLet me see. \n\n<tool_call>\n{\"arguments\":{ } ,\"name\":"
               "\"f\"}\n</tool_call>\n<tool_call>{\"name\": \"g\\u00fc\", \"arguments\": "
               "{\"x\": \"</tool_call> \\\"<tool_call>\"}}</tool_call>\n\n Done.\n",
               "R:hm|C:Let me see.|f({ })|gü({\"x\": \"</tool_call> \\\"<tool_call>\"})|C:Done.\n");
  expect_reply(kHermes, R"(<tool_call>{"name": "f", "parameters": {"a": [{}]}}</tool_call>)",
               R"(f({"a": [{}]}))");
  expect_reply(kHermes, R"(<tool_call>{"name": "f", "arguments": "{\"a\": \"\\n\"}"}</tool_call>)",
               R"(f({"a": "\n"}))");
  expect_reply(kHermes, R"(<tool_call>{"name": "now"}</tool_call>)", "now({})");
  expect_reply(kHermes, R"(<tool_call>{"name": "f", "id": 7, "arguments": {}}</tool_call> )",
               "f({})");
  expect_reply(kHermes, "a <b> < <tool <tool_cal <tool_call",
               "C:a <b> < <tool <tool_cal <tool_call");
  expect_reply(kHermes, R"({"name": "f", "arguments": {}})", R"(C:{"name": "f", "arguments": {}})");
}

TEST(ReplyTools, WhatIsNoCallIsContent) {
  for (const char* text : {
           "<tool_call>",
           "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}",
           "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_cal",
           "<tool_call>\n{\"name\": \"f\", \"arguments\": {}} x </tool_call> y",
           "<tool_call>\n{\"name\": \"f\", \"arguments\": {}\n</tool_call>\n",
           "<tool_call>{\"name\": \"f\", \"arguments\": {},}</tool_call>",
           "<tool_call>{'name': 'f'}</tool_call>",
           "<tool_call>{\"name\": \"\", \"arguments\": {}}</tool_call>",
           "<tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>",
           "<tool_call>{\"arguments\": {}}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arguments\": \"x\"}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arguments\": \"[]\"}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arguments\": 1.e5}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arg\\u0075ments\": {}}</tool_call>",
           "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\\ud800\"}}</tool_call>",
           "<tool_call>[{\"name\": \"f\", \"arguments\": {}}]</tool_call>",
           "<tool_call>f</tool_call>",
           "<tool_call>\n\n</tool_call>",
           "<tool_call>{}</tool_call>",
           "</tool_call>",
       })
    expect_reply(kHermes, text, "C:" + std::string(text));
  // What comes inside or after it is read again.
  expect_reply(kHermes,
               "<tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
               "C:<tool_call>|f({})");
  expect_reply(kHermes,
               "<tool_call>{\"name\": \"f <tool_call>{\"name\": \"g\", \"arguments\": {}}"
               "</tool_call>",
               "C:<tool_call>{\"name\": \"f|g({})");
}

TEST(ReplyTools, Llama3) {
  expect_reply(kLlama, R"({"name": "f", "parameters": {"a": "é"}})", R"(f({"a": "é"}))");
  expect_reply(kLlama, R"(<|python_tag|>{"name": "f", "parameters": {}})", "f({})");
  expect_reply(kLlama, R"({"type": "function", "name": "f", "parameters": {}} )", "f({})");
  expect_reply(kLlama,
               "\n{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"arguments\": {}}\n"
               "{\"name\": \"h\", \"parameters\": {}};",
               "f({})|g({})|h({})");
  expect_reply(kLlama, R"(Look: <|python_tag|>{"name": "f", "parameters": {}} ; so)",
               "C:Look:|f({})|C:; so");
  for (const char* text : {
           R"(Sure: {"name": "f", "parameters": {}})",
           R"({"name": "f"})",
           R"({"name": "f", "parameters": {}, "answer": 42})",
           R"({"answer": {"name": "f", "parameters": {}}})",
           R"([{"name": "f", "parameters": {}}])",
           R"({"name": "f", "parameters": {})",
           R"({x | x > 3} is the set)",
           R"({"name" "f"})",
           R"(<|python_tag|>search.call(query="x"))",
           R"(<|python_tag|>{"name": "f"})",
           "{",
           " {}",
           "; x",
       })
    expect_reply(kLlama, text, "C:" + std::string(text));
}

TEST(ReplyTools, Mistral) {
  const std::string calls =
      R"([{"name": "f", "arguments": {"a": 1}, "id": "123456789"}, {"name": "g", "arguments": {}}])";
  for (const char* mark : {"[TOOL_CALLS] ", "[TOOL_CALLS]", "", " "})
    expect_reply(kMistral, mark + calls, R"(f({"a": 1})|g({}))");
  expect_reply(kMistral, "Well.[TOOL_CALLS]" + calls + "\n", R"(C:Well.|f({"a": 1})|g({}))");
  for (const char* text : {"[TOOL", "[TOOL_CALLS]", "[TOOL_CALLS] []", "[1] says so", "[link](x)",
                           "[", "[]", R"([{"name": "f", "arguments": {}}, {"name": "g"}])",
                           R"([{"name": "f", "arguments": {}}, 5])"})
    expect_reply(kMistral, text, "C:" + std::string(text));
}

TEST(ReplyTools, WithoutAFormatOfItsOwn) {
  expect_reply(kJson, R"({"name": "f", "parameters": {"a": 1}})", R"(f({"a": 1}))");
  expect_reply(kJson, R"([{"name": "f", "arguments": {}}, {"name": "g", "parameters": {}}])",
               "f({})|g({})");
  for (const char* fence : {"```json", "```tool_code", "```tool_call"}) {
    const std::string open = fence;
    expect_reply(kJson, "I look.\n" + open + "\n{\"name\": \"f\", \"parameters\": {}}\n```\n\nSo.",
                 "C:I look.|f({})|C:So.");
    expect_reply(kJson, open + "\n[{\"name\": \"f\", \"parameters\": {}}]```", "f({})");
  }
  for (const char* text : {"```json\n{\"a\": 1}\n```\n", "```python\nprint(1)\n```",
                           "```json\n{\"name\": \"f\", \"parameters\": {}}\n``",
                           "```jsonc\n{}\n```", "```tool_code\nf(x=1)\n```", "`a` ``b`` ```",
                           "[[1]]", R"(A list: [{"name": "f", "parameters": {}}])"})
    expect_reply(kJson, text, "C:" + std::string(text));
}

// What is out after each piece.
std::string streamed(const ReplyFormat& format, const std::vector<std::string_view>& pieces) {
  ReplyParser parser(format);
  Collected collected;
  for (const std::string_view piece : pieces) collected.add(parser.push(piece));
  return collected.text();
}

TEST(ReplyStreaming, NothingIsHeldBackLongerThanNeeded) {
  EXPECT_EQ(streamed(kPlain, {"He"}), "C:He");
  EXPECT_EQ(streamed(kPlain, {"Hello \n"}), "C:Hello \n");
  EXPECT_EQ(streamed(kPlain, {"<th"}), "");
  EXPECT_EQ(streamed(kPlain, {"<th", "e"}), "C:<the");
  EXPECT_EQ(streamed(kPlain, {"<think>", "\n", "hm"}), "R:hm");
  EXPECT_EQ(streamed(kPlain, {"<think>hm \n"}), "R:hm ");
  EXPECT_EQ(streamed(kPlain, {"<think>hm \n", "a </"}), "R:hm \na ");
  EXPECT_EQ(streamed(kHermes, {"So <"}), "C:So") << "the space may stand before a call";
  EXPECT_EQ(streamed(kHermes, {"So <", "b"}), "C:So <b");
  EXPECT_EQ(streamed(kHermes, {"<tool_call>", "x"}), "C:<tool_call>x");
  EXPECT_EQ(streamed(kHermes, {"<tool_call>{\"name\": x"}), "C:<tool_call>{\"name\": x");
  EXPECT_EQ(streamed(kHermes, {"<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"}),
            "f({})");
  EXPECT_EQ(streamed(kLlama, {R"({"name": "f", "parameters": {}})"}), "f({})");
  EXPECT_EQ(streamed(kLlama, {R"({"nam)"}), "");
  EXPECT_EQ(streamed(kLlama, {R"({"answer")"}), R"(C:{"answer")");
  EXPECT_EQ(streamed(kLlama, {"{ x"}), "C:{ x");
  EXPECT_EQ(streamed(kMistral, {"[1"}), "C:[1");
  EXPECT_EQ(streamed(kJson, {"```json\n{\"a\""}), "C:```json\n{\"a\"");
}

TEST(ReplyBounds, ACallThatIsTooLongIsContent) {
  const auto call = [](size_t size) {
    const std::string begin = R"(<tool_call>{"name": "f", "arguments": {"a": ")";
    const std::string end = "\"}}</tool_call>";
    return begin + std::string(size - begin.size() - end.size(), 'x') + end;
  };
  const std::string fits = call(ReplyParser::kMaxHeld);
  EXPECT_EQ(parse(kHermes, {fits}).substr(0, 6), "f({\"a\"");
  EXPECT_EQ(
      parse(kHermes, {std::string_view(fits).substr(0, 99), std::string_view(fits).substr(99)}),
      parse(kHermes, {fits}));
  const std::string long_call = call(ReplyParser::kMaxHeld + 1);
  EXPECT_EQ(parse(kHermes, {long_call}), "C:" + long_call);
  EXPECT_EQ(parse(kHermes, {std::string_view(long_call).substr(0, 99),
                            std::string_view(long_call).substr(99)}),
            "C:" + long_call);
  const std::string deep = R"({"name": "f", "parameters": {"a": )" + std::string(100, '[');
  EXPECT_EQ(streamed(kLlama, {deep}), "C:" + deep);
}

TEST(ReplyBounds, WorkIsLinear) {
  // Each of these makes a careless parser quadratic: a few megabytes would take hours. (Here it is
  // seconds for all together.)
  const auto size = static_cast<size_t>(test::rounds(3 << 20, 1 << 16));
  const auto repeated = [&](const std::string& text) {
    std::string result;
    while (result.size() < size) result += text;
    return result;
  };
  const auto begin = std::chrono::steady_clock::now();
  for (const char* text :
       {" ", "\n", "<", "{", "[{", "<tool_call>", "<tool_call>{\"", "<tool_call>{\"a\":\"",
        "<tool_call>{\",\":\"", "<tool_call>{} ", "{\"name\":", "```json{\"", "<think>", "</think",
        "\";", "[1,", "{\"name\": \"f\", \"parameters\": {}};"})
    for (const ReplyFormat& format : {kPlain, kOpened, kHermes, kLlama, kMistral, kJson}) {
      const std::string reply = repeated(text);
      ReplyParser parser(format);
      Collected collected;
      for (size_t at = 0; at < reply.size(); at += 5)
        collected.add(parser.push(std::string_view(reply).substr(at, 5)));
      collected.add(parser.finish());
    }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(time.count(), 120);
}

struct Family {
  const char* folder;
  ToolFormat tools;
  std::string end;  // of an assistant's turn
  bool several;     // calls in one turn
};

const std::vector<Family> kFamilies = {
    {"qwen2", ToolFormat::hermes, "<|im_end|>\n", true},
    {"qwen3", ToolFormat::hermes, "<|im_end|>\n", true},
    {"llama3", ToolFormat::llama3, "<|eot_id|>", false},
    {"llama31", ToolFormat::llama3, "<|eot_id|>", false},
    {"mistral-v0.3", ToolFormat::mistral, "</s>", true},
    {"gemma3", ToolFormat::plain_json, "", false},
    {"deepseek-r1-distill-qwen", ToolFormat::plain_json, "", false},
    {"llama2-sp", ToolFormat::plain_json, "", false},
};

std::optional<ChatTemplate> load(const Family& family) {
  const auto folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers" / family.folder;
  if (std::filesystem::is_directory(folder)) return ChatTemplate::load(folder);
  std::cout << "absent, so not looked at: " << folder << '\n';
  return std::nullopt;
}

ChatRequest request(const std::string& json) {
  return ChatRequest::from_json(Json::parse(json, "request"));
}

TEST(ReplyFormat, OfRealTemplates) {
  for (const Family& family : kFamilies) {
    const auto chat = load(family);
    if (!chat) continue;
    const std::string prompt = chat->render(request(
        R"({"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": true})"));
    const ReplyFormat format = reply_format(chat->source(), prompt, true);
    EXPECT_EQ(format.tools, family.tools) << family.folder;
    EXPECT_EQ(reply_format(chat->source(), prompt, false).tools, ToolFormat::none);
    EXPECT_EQ(format.begins_in_reasoning,
              std::string_view(family.folder) == "deepseek-r1-distill-qwen");
    const std::string without = chat->render(request(
        R"({"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": true,
            "enable_thinking": false})"));
    EXPECT_EQ(without.ends_with("<think>\n\n</think>\n\n"),
              std::string_view(family.folder) == "qwen3");
    if (std::string_view(family.folder) == "qwen3") {
      EXPECT_FALSE(reply_format(chat->source(), without, true).begins_in_reasoning);
    }
  }
}

TEST(ReplyFormat, OfBuiltInTemplates) {
  EXPECT_EQ(reply_format(built_in_chat_template("chatml"), "", true).tools, ToolFormat::hermes);
  EXPECT_EQ(reply_format(built_in_chat_template("llama3"), "", true).tools, ToolFormat::llama3);
  EXPECT_EQ(reply_format(built_in_chat_template("gemma3"), "", true).tools, ToolFormat::plain_json);
  EXPECT_EQ(reply_format("", "", true).tools, ToolFormat::plain_json);
}

// A turn with calls, as the checkpoint's own template writes it, is read back.
TEST(ReplyFormat, ReadsWhatTheTemplatesWrite) {
  const std::string tools = R"("tools": [{"type": "function", "function": {"name": "search",
      "description": "Finds pages", "parameters": {"type": "object", "properties": {}}}}])";
  const std::string user = R"({"role": "user", "content": "Find it."})";
  const std::string arguments =
      R"({"query": "\"a\" </tool_call> ü {[; \\", "limit": 3, "deep": {"list": [1, null, {}]}})";
  const auto call = [&](const std::string& name) {
    return R"({"id": "a1b2c3d4e", "type": "function", "function": {"name": ")" + name +
           R"(", "arguments": )" + arguments + "}}";
  };
  for (const Family& family : kFamilies) {
    const auto chat = load(family);
    if (!chat || family.tools == ToolFormat::plain_json) continue;
    const std::string calls =
        family.several ? call("search") + ", " + call("look") : call("search");
    const std::string prompt = chat->render(
        request("{\"messages\": [" + user + "], " + tools + ", \"add_generation_prompt\": true}"));
    const std::string whole = chat->render(request(
        "{\"messages\": [" + user +
        R"(, {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [)" +
        calls + "]}], " + tools + "}"));
    ASSERT_TRUE(whole.starts_with(prompt)) << whole;
    ASSERT_TRUE(whole.ends_with(family.end)) << whole;
    const std::string_view reply = std::string_view(whole).substr(
        prompt.size(), whole.size() - prompt.size() - family.end.size());
    ReplyParser parser(reply_format(chat->source(), prompt, true));
    std::vector<ReplyEvent> events;
    for (const char c : reply)
      for (ReplyEvent& event : parser.push({&c, 1})) {
        if (!events.empty() && events.back().kind == Kind::reasoning &&
            event.kind == Kind::reasoning)
          events.back().text += event.text;
        else
          events.push_back(std::move(event));
      }
    EXPECT_TRUE(parser.finish().empty()) << reply;
    if (std::string_view(family.folder) == "qwen3") {
      ASSERT_FALSE(events.empty());
      EXPECT_EQ(events.front(), (ReplyEvent{.kind = Kind::reasoning, .text = "hm"}));
      events.erase(events.begin());
    }
    ASSERT_EQ(events.size(), family.several ? 2 : 1) << reply;
    EXPECT_EQ(parser.tool_calls(), events.size());
    for (const ReplyEvent& event : events) {
      EXPECT_EQ(event.kind, Kind::tool_call);
      EXPECT_EQ(event.name, event.index == 0 ? "search" : "look");
      EXPECT_EQ(simdjson::minify(Json::parse(event.text, "arguments").element()),
                simdjson::minify(Json::parse(arguments, "arguments").element()));
    }
    std::cout << family.folder << ": read back " << events.size() << " calls\n";
  }
}

}  // namespace
}  // namespace linnet::text
