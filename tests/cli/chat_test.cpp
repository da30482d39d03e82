// linnet chat over pipes: lines in, answers out, everything else on standard error.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

ProcessResult chat(const std::string& input, std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), "chat");
  return run_linnet(arguments, {.input = input});
}

/// What the built-in model says after a prompt in its own form.
std::string generated(const std::string& prompt, const std::string& tokens = "2048") {
  const ProcessResult result =
      run_linnet({"generate", "--no-special-tokens", "-n", tokens, "--", prompt});
  EXPECT_EQ(result.status, 0) << result.err;
  return result.out;
}

std::string user(const std::string& text) {
  return "<start_of_turn>user\n" + text + "<end_of_turn>\n<start_of_turn>model\n";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A folder for the files of a chat.
class CliChat : public testing::Test {
 protected:
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  [[nodiscard]] Json saved(const std::string& name) const {
    return Json::parse(read_file(file(name)));
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }

  TemporaryFolder folder_;
};

TEST_F(CliChat, EachLineIsAMessageAndTheWholeConversationIsRead) {
  const ProcessResult result = chat("Hello\n\n  \nWho are you?");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  const std::string first = generated("<bos>" + user("Hello"));
  std::string answer = first;
  answer.pop_back();
  const std::string second =
      generated("<bos>" + user("Hello") + answer + "<end_of_turn>\n" + user("Who are you?"));
  EXPECT_EQ(result.out, first + second);
}

TEST_F(CliChat, MessagesOfManyLines) {
  const ProcessResult result =
      chat("one\\\ntwo\n\"\"\"\n/three\nfour\\\n\"\"\"\n//five\n/save " + file("chat.json") + "\n",
           {"-n", "1"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json messages = saved("chat.json")["messages"];
  ASSERT_EQ(messages.size(), 6U);
  EXPECT_EQ(messages[0]["content"], "one\ntwo");
  EXPECT_EQ(messages[2]["content"], "/three\nfour\\");
  EXPECT_EQ(messages[4]["content"], "/five");
}

TEST_F(CliChat, SystemPrompts) {
  const ProcessResult shown = chat("/system\nHello\n/system Be kind.\n/system\n/save " +
                                       file("a.json") + "\n/clear\n/save " + file("b.json") +
                                       "\n/system \"\"\n/save " + file("c.json") + "\n",
                                   {"--system", "Be brief."});
  EXPECT_EQ(shown.status, 0);
  EXPECT_TRUE(shown.err.starts_with("Be brief.\n")) << shown.err;
  EXPECT_TRUE(contains(shown.err, "\nBe kind.\n")) << shown.err;
  EXPECT_EQ(shown.out, generated("<bos>" + user("Be brief.\n\nHello")));
  EXPECT_EQ(saved("a.json")["messages"].size(), 3U);
  EXPECT_EQ(saved("a.json")["messages"][0], Json({{"role", "system"}, {"content", "Be kind."}}));
  EXPECT_EQ(saved("b.json")["messages"].size(), 1U);
  EXPECT_EQ(saved("c.json")["messages"], Json::array());

  const ProcessResult from_file =
      chat("Hello\n", {"--system-file", write("system.txt", "Be brief.")});
  EXPECT_EQ(from_file.out, shown.out);
  EXPECT_EQ(chat("", {"--system", "a", "--system-file", "b"}).status, 2);
}

TEST_F(CliChat, ASavedConversationGoesOn) {
  const ProcessResult whole = chat("Hello\nWho are you?\n");
  const ProcessResult first = chat("Hello\n/save " + file("chat.json") + "\n");
  EXPECT_TRUE(contains(first.err, "2 messages")) << first.err;
  const ProcessResult second = chat("Who are you?\n", {"--load", file("chat.json")});
  EXPECT_EQ(first.out + second.out, whole.out);
  const ProcessResult loaded = chat("/load " + file("chat.json") + "\nWho are you?\n");
  EXPECT_EQ(loaded.out, second.out);
  EXPECT_EQ(saved("chat.json").size(), 1U);
  EXPECT_EQ(run_linnet({"render", file("chat.json")}).out.find("<bos>" + user("Hello")), 0U);

  write("open.json", R"([{"role": "user", "content": "Hello"}])");
  const ProcessResult answered = chat("/retry\n", {"--load", file("open.json")});
  EXPECT_TRUE(contains(answered.err, "/retry")) << answered.err;
  EXPECT_EQ(answered.out, first.out);
}

TEST_F(CliChat, ABadFileCostsNothing) {
  const std::string bad = write("bad.json", R"({"messages": [{"role": "pirate", "content": ""}]})");
  const ProcessResult result =
      chat("Hello\n/load " + bad + "\n/load " + file("none.json") + "\n/save " +
               file("no/where.json") + "\n/save " + file("kept.json") + "\n",
           {"-n", "5"});
  EXPECT_EQ(result.status, 1) << "something failed";
  EXPECT_TRUE(contains(result.err, "bad.json") && contains(result.err, "pirate")) << result.err;
  EXPECT_TRUE(contains(result.err, "none.json")) << result.err;
  EXPECT_EQ(saved("kept.json")["messages"].size(), 2U);
  const ProcessResult at_start = chat("Hello\n", {"--load", bad});
  EXPECT_EQ(at_start.status, 1);
  EXPECT_EQ(at_start.out, "");
}

TEST_F(CliChat, AnUnknownCommandIsNoMessage) {
  const ProcessResult result = chat("/sytem be kind\nHello\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "/sytem") && contains(result.err, "/system")) << result.err;
  EXPECT_EQ(result.out, generated("<bos>" + user("Hello")));
  EXPECT_EQ(chat("/exit\nHello\n").out, "");
  EXPECT_TRUE(contains(chat("/help\n").err, "/retry"));
}

TEST_F(CliChat, UndoRetryAndClear) {
  const std::string hello = generated("<bos>" + user("Hello"));
  const ProcessResult result = chat(
      "Hello\n/retry\nTell me a story\n/undo\n/undo\nHello\n/clear\n"
      "/retry\n/undo\nHello\n/save " +
          file("chat.json") + "\n",
      {"-n", "20"});
  EXPECT_EQ(result.status, 1) << "/retry and /undo had nothing to work on";
  EXPECT_TRUE(result.out.starts_with(hello + hello)) << "greedy: the same answer again";
  EXPECT_TRUE(result.out.ends_with(hello + hello));
  EXPECT_TRUE(contains(result.err, "taken back: Tell me a story")) << result.err;
  EXPECT_TRUE(contains(result.err, "no message to answer again")) << result.err;
  EXPECT_TRUE(contains(result.err, "no message to take back")) << result.err;
  EXPECT_EQ(saved("chat.json")["messages"].size(), 2U);

  // A sample's second try has the next seed.
  const std::vector<std::string> sampled{"--temperature", "2", "-n", "20", "--seed", "3"};
  const ProcessResult twice = chat("Hello\n/retry\n", sampled);
  const ProcessResult next = chat("Hello\n", {"--temperature", "2", "-n", "20", "--seed", "4"});
  EXPECT_TRUE(twice.out.ends_with("\n" + next.out)) << twice.out << "--\n" << next.out;
}

TEST_F(CliChat, SettingsCanBeChanged) {
  const ProcessResult result = chat(
      "/set max-tokens=3\nTell me a story\n/set\n/set temperature = 0.5\n/set top-p=7\n"
      "/set hotness=1\n/set seed=-1\n/set think=maybe\n/set think=off\n/set think\n/set\n");
  EXPECT_EQ(result.out, generated("<bos>" + user("Tell me a story"), "3"));
  EXPECT_TRUE(contains(result.err, "[cut after 3 tokens")) << result.err;
  EXPECT_TRUE(contains(result.err, "max-tokens=3\ntemperature=0\n")) << result.err;
  for (const char* part : {"top_p", "hotness", "seed: \"-1\"", "maybe", "NAME=VALUE"})
    EXPECT_TRUE(contains(result.err, part)) << part << "\n" << result.err;
  EXPECT_TRUE(contains(result.err, "temperature=0.5\ntop-k=0\ntop-p=1\n")) << result.err;
  EXPECT_TRUE(result.err.ends_with("think=off\n")) << result.err;
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(chat("Hello\n", {"--top-p", "7"}).status, 1);
}

TEST_F(CliChat, Stats) {
  const ProcessResult result = chat("/stats\nHello\n/stats\n", {"-n", "5", "--context", "500"});
  EXPECT_TRUE(contains(result.err, "none yet")) << result.err;
  EXPECT_TRUE(contains(result.err, "context      0 of 500 tokens")) << result.err;
  EXPECT_TRUE(contains(result.err, " 5 written (")) << result.err;
  EXPECT_TRUE(contains(result.err, "5 tokens written in 1 answer\n")) << result.err;
  EXPECT_TRUE(contains(result.err, "MiB in use")) << result.err;
}

TEST_F(CliChat, AFullContextLosesNothing) {
  std::string words;
  for (int i = 0; i < 100; ++i) words += "word ";
  const ProcessResult result = chat("Hello\n" + words + "\n/save " + file("chat.json") +
                                        "\nTell me a long story\nHello\n/undo\nHello\n",
                                    {"--context", "64"});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "the context holds 64")) << result.err;
  EXPECT_TRUE(contains(result.err, "/save FILE")) << result.err;
  EXPECT_TRUE(contains(result.err, "--context 2048")) << result.err;
  EXPECT_EQ(saved("chat.json")["messages"].size(), 2U);
  EXPECT_TRUE(contains(result.err, "[cut: the context of 64 tokens is full")) << result.err;
  // Hello, the story up to the end of the context, and after /undo Hello again.
  const ProcessResult twice = chat("Hello\nHello\n", {"--context", "64"});
  EXPECT_TRUE(contains(result.out, "\n" + twice.out.substr(twice.out.find('\n') + 1)));
}

TEST_F(CliChat, WhatTheTemplateRefusesIsTakenBack) {
  const std::string open = write("open.json", R"([{"role": "user", "content": "Hello"}])");
  const ProcessResult result = chat("Hello\n/retry\n", {"--load", open});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "alternate")) << result.err;
  EXPECT_EQ(result.out, generated("<bos>" + user("Hello")));
}

TEST_F(CliChat, ReasoningIsKeptApart) {
  const std::string form = write("think.jinja",
                                 "{{ bos_token }}{% for m in messages %}<start_of_turn>"
                                 "{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
                                 "<start_of_turn>model\n{% if enable_thinking is not defined or "
                                 "enable_thinking %}<think>\n{% endif %}");
  const std::string save = "Hello\n/save " + file("chat.json") + "\n";
  const ProcessResult thinking = chat(save, {"--template-file", form, "-n", "10"});
  EXPECT_EQ(thinking.status, 0) << thinking.err;
  EXPECT_EQ(thinking.out, "<think>\n" + generated("<bos>" + user("Hello") + "<think>\n", "10"));
  const Json message = saved("chat.json")["messages"][1];
  EXPECT_EQ(message["content"], "");
  EXPECT_TRUE(contains(thinking.out, message["reasoning_content"].get<std::string>()));
  EXPECT_EQ(message["cut"], true);

  const ProcessResult direct = chat(save, {"--template-file", form, "--no-think", "-n", "10"});
  EXPECT_EQ(direct.out, generated("<bos>" + user("Hello"), "10"));
  EXPECT_FALSE(saved("chat.json")["messages"][1].contains("reasoning_content"));
  // What was asked for on the command line goes before what a file says.
  write("off.json", R"({"messages": [], "enable_thinking": false})");
  EXPECT_EQ(chat("Hello\n", {"--template-file", form, "-n", "10", "--load", file("off.json")}).out,
            direct.out);
  EXPECT_EQ(
      chat("Hello\n", {"--template-file", form, "-n", "10", "--load", file("off.json"), "--think"})
          .out,
      thinking.out);
  EXPECT_EQ(chat("", {"--think", "--no-think"}).status, 2);
  const ProcessResult none = chat("Hello\n", {"--template", "none"});
  EXPECT_EQ(none.status, 1);
  EXPECT_TRUE(contains(none.err, "none; there are: default")) << none.err;
  EXPECT_EQ(chat("Hello\n", {"--template", "default"}).status, 0);
}

/// Answers that take far longer than a test waits: the ids that would end them are forbidden.
const std::vector<std::string> kEndless{"chat", "--logit-bias", "1:-inf", "--logit-bias", "5:-inf"};

TEST_F(CliChat, AnInterruptStopsTheAnswerAndNotTheProgram) {
  Process process(
      linnet_command(kEndless),
      {.input = "Tell me a story\n/set max-tokens=3\nAnd then?\n/save " + file("chat.json") + "\n",
       .environment = {{"LINNET_ISA", "scalar"}}});
  process.read_out(4);
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "[stopped")) << result.err;
  const Json messages = saved("chat.json")["messages"];
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[1]["cut"], true);
  EXPECT_EQ(result.out, messages[1]["content"].get<std::string>() + "\n" +
                            messages[3]["content"].get<std::string>() + "\n");
}

TEST_F(CliChat, AnInterruptBetweenAnswersEnds) {
  Process process(linnet_command({"chat", "-n", "1"}), {.input = "Hello\n", .hold_input = true});
  process.read_out(2);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!process.ended() && std::chrono::steady_clock::now() < end) {
    // One that comes before the answer is quite over is forgotten.
    process.signal(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(process.wait().status, 130);
}

TEST_F(CliChat, AClosedPipeEndsQuietly) {
  Process process(linnet_command(kEndless),
                  {.input = "Tell me a story\n", .environment = {{"LINNET_ISA", "scalar"}}});
  process.read_out(4);
  process.close_out();
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
}

TEST_F(CliChat, NeedsATokenizerAndATemplate) {
  const ProcessResult result = chat("Hello\n", {"-m", tiny_checkpoint("llama3").string()});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "linnet: error: ")) << result.err;
  EXPECT_EQ(result.out, "");
}

}  // namespace
}  // namespace linnet::test
