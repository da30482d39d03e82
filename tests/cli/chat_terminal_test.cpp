// linnet chat at a terminal: typing, Ctrl-C, Ctrl-D, history, styles.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cli/process.hpp"
#include "cli/terminal.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

constexpr const char* kPrompt = "\x1b[1m>\x1b[0m ";
constexpr const char* kUp = "\x1b[A";
constexpr const char* kLeft = "\x1b[D";

class CliChatTerminal : public testing::Test {
 protected:
  /// The environment of a user with no files but those of this test, and no locale.
  [[nodiscard]] std::map<std::string, std::string> environment() const {
    return {{"XDG_STATE_HOME", folder_.path().string()},
            {"HOME", folder_.path().string()},
            {"LC_ALL", "C"}};
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
};

TEST_F(CliChatTerminal, AnswersWhatIsTypedUntilCtrlD) {
  Terminal terminal(linnet_command({"chat"}), environment());
  EXPECT_NE(terminal.expect(kPrompt).find("/help"), std::string::npos);
  terminal.type("Hello\r");
  terminal.expect("Hello");
  const std::string answer = terminal.expect(kPrompt);
  EXPECT_NE(answer.find("What can I do for you?"), std::string::npos) << answer;
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, CtrlCAtThePromptClearsTheLine) {
  Terminal terminal(linnet_command({"chat"}), environment());
  terminal.expect(kPrompt);
  // In one go: what follows Ctrl-C must not be lost with what came before it.
  terminal.type("never said\x03/system Be kind.\r");
  terminal.expect("^C\r\n");
  terminal.expect("the system prompt is set");
  terminal.expect(kPrompt);
  terminal.type("begun\\\r");
  terminal.expect(". ");
  terminal.type("\x03/system\r");
  terminal.expect("lBe kind.\r\n");
  terminal.expect(kPrompt);
  terminal.type("/exit\r");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, CtrlCStopsTheAnswerAndNotTheProgram) {
  auto slow = environment();
  slow["LINNET_ISA"] = "scalar";
  Terminal terminal(linnet_command({"chat", "--logit-bias", "1:-inf", "--logit-bias", "5:-inf"}),
                    slow);
  terminal.expect(kPrompt);
  terminal.type("Tell me a story\r");
  terminal.expect("Once");
  const termios during = terminal.modes();
  EXPECT_EQ(during.c_lflag & static_cast<tcflag_t>(ECHO | ICANON), 0U) << "typing is not shown";
  EXPECT_NE(during.c_lflag & static_cast<tcflag_t>(ISIG), 0U);
  terminal.type("\x03");
  terminal.expect("[stopped");
  terminal.expect(kPrompt);
  terminal.type("/save " + file("chat.json") + "\r");
  terminal.expect("2 messages written");
  terminal.expect(kPrompt);
  terminal.type("/set max-tokens=3\r");
  terminal.expect(kPrompt);
  terminal.type("Go on\r");
  terminal.expect("[cut after 3 tokens");
  terminal.expect(kPrompt);
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
  const auto messages = nlohmann::json::parse(read_file(file("chat.json")))["messages"];
  EXPECT_TRUE(messages[1]["content"].get<std::string>().starts_with("Once"));
  EXPECT_EQ(messages[1]["cut"], true);
}

TEST_F(CliChatTerminal, TheHistoryOfAnEarlierRun) {
  {
    Terminal first(linnet_command({"chat", "-n", "2"}), environment());
    first.expect(kPrompt);
    first.type("H\xc3\xa4llo \xe4\xb8\x96\\\r");
    first.expect(". ");
    first.type("two\r");
    first.expect(kPrompt);
    first.type("/stats\r");
    first.expect(kPrompt);
    first.type("\x04");
    ASSERT_EQ(first.wait(), 0);
  }
  EXPECT_EQ(read_file(folder_.path() / "linnet" / "chat_history"),
            "\"H\xc3\xa4llo \xe4\xb8\x96\\ntwo\"\n\"/stats\"\n");
  Terminal second(linnet_command({"chat", "-n", "2"}), environment());
  second.expect(kPrompt);
  second.type(kUp);
  second.expect("/stats");
  second.type(std::string(kUp) + "\r");
  second.expect("two");
  second.expect("[cut");
  second.expect(kPrompt);
  second.type("/save " + file("chat.json") + "\r");
  second.expect("written");
  second.expect(kPrompt);
  second.type("\x04");
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(nlohmann::json::parse(read_file(file("chat.json")))["messages"][0]["content"],
            "H\xc3\xa4llo \xe4\xb8\x96\ntwo");

  Terminal without(linnet_command({"chat", "--no-history"}), environment());
  without.expect(kPrompt);
  without.type(std::string(kUp) + "/system\r");
  without.expect("no system prompt");
  without.expect(kPrompt);
  without.type("\x04");
  EXPECT_EQ(without.wait(), 0);
  EXPECT_EQ(read_file(folder_.path() / "linnet" / "chat_history").find("/system"),
            std::string::npos);
}

TEST_F(CliChatTerminal, EditsCharactersOfAnyWidth) {
  Terminal terminal(linnet_command({"chat"}), environment());
  terminal.expect(kPrompt);
  terminal.type("/system a\xe4\xb8\x96\xe7\x95\x8c\xf0\x9f\x99\x82z");
  terminal.type(std::string(kLeft) + "\x7f");               // the face goes
  terminal.type(std::string(kLeft) + "\x7f" + "\xc3\xa9");  // an accent for the first wide one
  terminal.type("\r");
  terminal.expect("is set");
  terminal.expect(kPrompt);
  terminal.type("/system\r");
  terminal.expect("la\xc3\xa9\xe7\x95\x8cz\r\n");
  terminal.expect(kPrompt);
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, PastesKeepTheirLinesAndCannotSteer) {
  Terminal terminal(linnet_command({"chat"}), environment());
  terminal.expect("\x1b[?2004h");
  terminal.expect(kPrompt);
  terminal.type("/system \x1b[200~one\r/clear\\\rtw\x03\x1b[31mo\x1b[201~\r");
  terminal.expect("is set");
  terminal.expect(kPrompt);
  terminal.type("/system\r");
  terminal.expect("lone\r\n/clear\\\r\ntw[31mo\r\n");
  terminal.expect(kPrompt);
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, TabCompletesCommands) {
  Terminal terminal(linnet_command({"chat"}), environment());
  terminal.expect(kPrompt);
  terminal.type("/sy\tBe kind.\r");
  terminal.expect("the system prompt is set");
  terminal.expect(kPrompt);
  terminal.type("/s\t");
  terminal.expect("/system  /save  /set  /stats");
  terminal.type("\x03\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, ReasoningIsDimmed) {
  std::ofstream(file("think.jinja")) << "{{ messages[-1].content }}<think>\n";
  const std::vector<std::string> command =
      linnet_command({"chat", "-n", "4", "--template-file", file("think.jinja")});
  {
    Terminal terminal(command, environment());
    terminal.expect(kPrompt);
    terminal.type("Hello\r");
    terminal.expect("\x1b[2m<think>\r\n");
    terminal.expect("\x1b[0m\r\n");
    terminal.expect(kPrompt);
    terminal.type("\x04");
    EXPECT_EQ(terminal.wait(), 0);
  }
  auto plain = environment();
  plain["NO_COLOR"] = "1";
  Terminal terminal(command, plain);
  terminal.expect("> ");
  terminal.type("Hello\r");
  terminal.expect("Hello");
  const std::string answer = terminal.expect("[cut");
  EXPECT_NE(answer.find("<think>\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("\x1b[2m"), std::string::npos) << answer;
  terminal.expect("> ");
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, ATerminalThatCannotEditIsReadByLines) {
  auto dumb = environment();
  dumb["TERM"] = "dumb";
  Terminal terminal(linnet_command({"chat", "-n", "3"}), dumb);
  terminal.expect("> ");
  terminal.type("never said\x03");
  terminal.expect("> ");
  terminal.type("Hello\n");
  const std::string all = terminal.expect("\r\n\r\n> ");
  EXPECT_EQ(all.find('\x1b'), std::string::npos) << all;
  terminal.type("\x04");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(CliChatTerminal, ATerminatedChatLeavesTheTerminalAsItWas) {
  Terminal terminal(linnet_command({"chat"}), environment());
  const termios before = terminal.modes();
  terminal.expect(kPrompt);
  EXPECT_NE(terminal.modes().c_lflag, before.c_lflag);
  terminal.signal(SIGTERM);
  terminal.expect("\x1b[?2004l");
  EXPECT_EQ(terminal.modes().c_lflag, before.c_lflag);
  EXPECT_EQ(terminal.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace linnet::test
