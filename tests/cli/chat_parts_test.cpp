// The parts of linnet chat that need no model: commands, messages of many lines, reasoning, files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cli/chat_command.hpp"
#include "cli/chat_file.hpp"
#include "cli/chat_history.hpp"
#include "cli/chat_input.hpp"
#include "cli/chat_think.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::cli {
namespace {

using test::TemporaryFolder;

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ChatCommands, HaveAVerbAndAnArgument) {
  for (const ChatCommandInfo& info : chat_commands()) {
    const bool needs = info.arguments == Arguments::required;
    const ChatCommand command =
        parse_chat_command(std::string(info.name) + (needs ? " \t some thing " : ""));
    EXPECT_EQ(command.verb, info.verb) << info.name;
    EXPECT_EQ(command.argument, needs ? "some thing" : "") << info.name;
  }
  EXPECT_EQ(parse_chat_command("/system\nYou are kind.\nAnd brief.").argument,
            "You are kind.\nAnd brief.");
  EXPECT_EQ(parse_chat_command("/quit  ").verb, ChatVerb::exit);
}

TEST(ChatCommands, WhatDoesNotExistIsNamedWithTheNearest) {
  const auto nearest = [](const std::string& line) {
    const std::string message = message_of([&] { (void)parse_chat_command(line); });
    EXPECT_NE(message.find("no command " + line.substr(0, line.find(' ')) + ";"), std::string::npos)
        << message;
    const std::string before = "nearest is ";
    const size_t at = message.find(before) + before.size();
    return message.substr(at, message.find(',', at) - at);
  };
  EXPECT_EQ(nearest("/sytem be kind"), "/system");
  EXPECT_EQ(nearest("/sys"), "/system");
  EXPECT_EQ(nearest("/hepl"), "/help");
  EXPECT_EQ(nearest("/laod file"), "/load");
  EXPECT_EQ(nearest("/redo"), "/undo");
  EXPECT_EQ(nearest("/STATS"), "/stats");
  EXPECT_EQ(nearest("/q"), "/quit");
  EXPECT_NE(message_of([] { (void)parse_chat_command("/\x1b[31m"); }).find("\\x1b[31m"),
            std::string::npos);
}

TEST(ChatCommands, ArgumentsTooFewOrTooMany) {
  EXPECT_NE(message_of([] { (void)parse_chat_command("/save "); }).find("/save FILE"),
            std::string::npos);
  EXPECT_NE(message_of([] { (void)parse_chat_command("/clear all"); }).find("takes no argument"),
            std::string::npos);
}

std::vector<std::string> assemble(const std::vector<std::string>& lines) {
  InputAssembler assembler;
  std::vector<std::string> messages;
  const auto keep = [&](const ChatInput& input) {
    messages.push_back((input.literal ? "literal:" : "") + input.text);
  };
  for (const std::string& line : lines)
    if (const auto input = assembler.add(line)) keep(*input);
  if (assembler.pending()) keep(assembler.finish());
  EXPECT_FALSE(assembler.pending());
  return messages;
}

TEST(ChatInput, PutsLinesTogether) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(assemble({"one", "", "two"}), (Lines{"one", "", "two"}));
  EXPECT_EQ(assemble({"one\\", "two\\", "", "three"}), (Lines{"one\ntwo\n", "three"}));
  EXPECT_EQ(assemble({"\\", "two"}), (Lines{"\ntwo"}));
  EXPECT_EQ(assemble({"\"\"\"", "one\\", "/two", "\"\"\"", "three"}),
            (Lines{"literal:one\\\n/two", "three"}));
  EXPECT_EQ(assemble({"  \"\"\"one", "", "two\"\"\"  "}), (Lines{"literal:one\n\ntwo"}));
  EXPECT_EQ(assemble({"\"\"\"/one\"\"\"", "\"\"\"\"\"\""}), (Lines{"literal:/one", "literal:"}));
  EXPECT_EQ(assemble({"say \"\"\" once"}), (Lines{"say \"\"\" once"}));
  EXPECT_EQ(assemble({"\"\"\"one\ntwo\\", "three"}), (Lines{"\"\"\"one\ntwo\\", "three"}))
      << "a pasted text is taken as it is";
  EXPECT_EQ(assemble({"\"\"\"", "one\ntwo\"\"\""}), (Lines{"literal:one\ntwo"}));
  EXPECT_EQ(assemble({"one\\"}), (Lines{"one"})) << "the end of the input ends the message";
  EXPECT_EQ(assemble({"\"\"\"", "one"}), (Lines{"literal:one"}));
}

TEST(ChatInput, IsBounded) {
  InputAssembler assembler;
  const std::string line(size_t{1} << 20, 'x');
  for (int i = 0; i < 15; ++i) EXPECT_FALSE(assembler.add(line + "\\"));
  test::expect_error(ErrorCode::invalid_argument, "16777216", [&] { (void)assembler.add(line); });
  EXPECT_FALSE(assembler.pending());
  EXPECT_EQ(assembler.add("again")->text, "again");
}

/// The pieces of `text` when it comes in chunks of `size` bytes, with what is of one kind joined:
/// "A" answer, "R" reasoning, "M" mark before each.
std::string split(const std::string& text, size_t size, bool opened = false) {
  ThinkSplitter splitter(opened);
  std::string result;
  char last = 0;
  const auto add = [&](const std::vector<ThinkSplitter::Piece>& pieces) {
    for (const ThinkSplitter::Piece& piece : pieces) {
      EXPECT_FALSE(piece.text.empty());
      const char kind = "ARM"[static_cast<int>(piece.kind)];
      if (kind != last || kind == 'M') result += kind;
      last = kind;
      result += piece.text;
    }
  };
  for (size_t at = 0; at < text.size(); at += size) add(splitter.push(text.substr(at, size)));
  add(splitter.finish());
  return result;
}

TEST(ThinkSplitter, FindsMarksWhereverTheTokensEnd) {
  for (size_t size = 1; size < 40; ++size) {
    EXPECT_EQ(split("<think>\nhm</thi\n</think>\n\nYes.", size),
              "M<think>R\nhm</thi\nM</think>A\n\nYes.");
    EXPECT_EQ(split(" \n<think>a</think>b<think>c</think>", size),
              "M \n<think>RaM</think>Ab<think>c</think>")
        << "only at the beginning";
    EXPECT_EQ(split("Use <think> here.", size), "AUse <think> here.");
    EXPECT_EQ(split("  <thin", size), "A  <thin");
    EXPECT_EQ(split("<thinking>", size), "A<thinking>");
    EXPECT_EQ(split("<think>cut </th", size), "M<think>Rcut </th");
    EXPECT_EQ(split("hm</think>Yes.", size, true), "M<think>\nRhmM</think>AYes.");
    EXPECT_EQ(split("", size, true), "");
  }
}

TEST(ThinkSplitter, KeepsWhatTheMessageNeeds) {
  ThinkSplitter splitter(true);
  splitter.push("\nfirst\n\nsecond\n</think>\n\n Yes.\n");
  splitter.finish();
  EXPECT_EQ(splitter.reasoning(), "first\n\nsecond");
  EXPECT_EQ(splitter.answer(), " Yes.\n");
  ThinkSplitter plain(false);
  plain.push("\n\nYes.");
  EXPECT_EQ(plain.answer(), "\n\nYes.") << "without reasoning nothing is taken off";
  EXPECT_EQ(plain.reasoning(), "");
}

TEST(ThinkSplitter, APromptMayEndInsideTheMarks) {
  EXPECT_TRUE(opens_thinking("<|im_start|>assistant\n<think>\n"));
  EXPECT_TRUE(opens_thinking("<think>"));
  EXPECT_FALSE(opens_thinking("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(opens_thinking("  \n"));
  EXPECT_FALSE(opens_thinking(""));
}

TEST(ChatFile, KeepsEverythingThatIsSaid) {
  const std::string text = R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
      {"role": "assistant", "content": null,
       "tool_calls": [{"id": "c1", "type": "function",
                       "function": {"name": "add", "arguments": {"b": 1, "a": [2.5]}}},
                      {"name": "flat", "arguments": "{\"x\": 1}"}]},
      {"role": "tool", "content": "3", "tool_call_id": "c1", "name": "add"},
      {"role": "assistant", "content": "Thr", "reasoning_content": "hm", "cut": true}],
    "tools": [{"type": "function", "function": {"name": "add"}}],
    "documents": null,
    "add_generation_prompt": true,
    "enable_thinking": false,
    "date": "today"})";
  const Conversation once = parse_conversation(text, "text");
  ASSERT_EQ(once.messages.size(), 5U);
  EXPECT_EQ(once.messages[1].message.content, "Hello");
  EXPECT_EQ(once.messages[2].message.tool_calls[0].arguments, R"({"b":1,"a":[2.5]})");
  EXPECT_EQ(once.messages[4].message.reasoning_content, "hm");
  EXPECT_TRUE(once.messages[4].cut);
  EXPECT_FALSE(once.messages[3].cut);
  EXPECT_EQ(once.tools, R"([{"type":"function","function":{"name":"add"}}])");
  EXPECT_EQ(once.documents, "");
  EXPECT_EQ(once.variables, R"({"enable_thinking":false,"date":"today"})");

  const std::string written = to_json(once);
  EXPECT_EQ(to_json(parse_conversation(written, "written")), written);
  const auto json = nlohmann::json::parse(written);
  EXPECT_EQ(json["messages"][2]["tool_calls"][1]["function"],
            nlohmann::json::parse(R"({"name": "flat", "arguments": "{\"x\": 1}"})"));
  EXPECT_EQ(json["messages"][4]["cut"], true);
  EXPECT_FALSE(json["messages"][1].contains("cut"));
  EXPECT_EQ(json["date"], "today");
  EXPECT_FALSE(json.contains("documents"));
}

TEST(ChatFile, AListOfMessagesIsEnough) {
  const Conversation list = parse_conversation(R"([{"role": "user", "content": "Hi"}])", "list");
  ASSERT_EQ(list.messages.size(), 1U);
  EXPECT_EQ(list.messages[0].message.content, "Hi");
}

TEST(ChatFile, SaysWhatIsWrong) {
  const auto expect = [](const std::string& text, const std::string& part) {
    const std::string message = message_of([&] { (void)parse_conversation(text, "chat.json"); });
    EXPECT_TRUE(message.starts_with("chat.json")) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect("{", "");
  expect("", "");
  expect("7", "");
  expect("{}", "messages");
  expect(R"({"messages": {}})", "messages is an object, expected an array");
  expect(R"([7])", "0");
  expect(R"([{"content": "Hi"}])", "role");
  expect(R"([{"role": "pirate", "content": "Hi"}])", "pirate");
  expect(R"([{"role": "user"}])", "no content");
  expect(R"([{"role": "user", "content": 7}])", "content is a number");
  expect(R"([{"role": "user", "content": [{"type": "image"}]}])", "image");
  expect(R"([{"role": "user", "content": "", "audio": 1}])", "audio");
  expect(R"({"messages": [], "x": 98765432109876543210})", "");
  expect(R"([{"role": "assistant", "tool_calls": [{"id": "1"}]}])", "name");
  expect(R"({"messages": [], "tools": {}})", "tools");
  expect(R"({"messages": [], "continue_final_message": true})", "continue_final_message");
  expect(R"({"messages": [], "x": )" + std::string(100, '[') + std::string(100, ']') + "}", "");
}

TEST(ChatFile, IsReplacedWhole) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "chat.json";
  Conversation conversation;
  conversation.messages.push_back(
      {.message = {.role = Role::user, .content = "caf\xe9 \xe4\xb8\x96"}});
  save_conversation(conversation, file);
  EXPECT_EQ(load_conversation(file).messages[0].message.content, "caf\xef\xbf\xbd \xe4\xb8\x96")
      << "what is no UTF-8 becomes U+FFFD";
  test::expect_error(ErrorCode::not_found, "chat.json",
                     [&] { save_conversation(conversation, folder.path() / "no" / "chat.json"); });
  test::expect_error(ErrorCode::not_found, "none.json",
                     [&] { (void)load_conversation(folder.path() / "none.json"); });
}

TEST(ChatHistoryFile, IsBoundedAndTheOwnersAlone) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state" / "linnet" / "chat_history";
  {
    ChatHistory history(file);
    EXPECT_TRUE(history.entries().empty());
    history.append("first\n\"line\" \xe4\xb8\x96");
    history.append("second");
    history.append("second");
    history.append("");
    history.append(std::string(70000, 'x'));
  }
  EXPECT_EQ(ChatHistory(file).entries(),
            (std::vector<std::string>{"first\n\"line\" \xe4\xb8\x96", "second"}));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(file.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);

  {
    std::ofstream out(file, std::ios::app);
    out << "no string\n[[[[\n{\"a\": 1}\n\"cut";
  }
  EXPECT_EQ(ChatHistory(file).entries().size(), 2U) << "other lines are passed over";
  {
    std::ofstream out(file);
    for (int i = 0; i < 1500; ++i) out << '"' << i << "\"\n";
  }
  ChatHistory shortened(file);
  ASSERT_EQ(shortened.entries().size(), 1000U);
  EXPECT_EQ(shortened.entries().front(), "500");
  shortened.append("last");
  EXPECT_EQ(ChatHistory(file).entries().size(), 1000U);
  EXPECT_EQ(ChatHistory(file).entries().back(), "last");
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);

  { std::ofstream(file) << std::string(size_t{9} << 20, 'x') << "\n\"end\"\n"; }
  EXPECT_EQ(ChatHistory(file).entries(), std::vector<std::string>{"end"});
  EXPECT_LT(std::filesystem::file_size(file), 100U);
}

TEST(ChatHistoryFile, AppendsOfTwoProgramsStay) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "chat_history";
  ChatHistory one(file);
  ChatHistory other(file);
  one.append("a");
  other.append("b");
  one.append("c");
  EXPECT_EQ(ChatHistory(file).entries(), (std::vector<std::string>{"a", "b", "c"}));
  test::expect_error(ErrorCode::device, "regular file",
                     [&] { const ChatHistory history(folder.path()); });
}

}  // namespace
}  // namespace linnet::cli
