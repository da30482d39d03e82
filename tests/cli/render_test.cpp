// linnet render: what it prints for flags, files and lines, and what it does not take.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/process.hpp"
#include "support/temporary_folder.hpp"
#include "text/small_tokenizers.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTemplate =
    "<|begin|>{% for m in messages %}"
    "{% if m.role == 'critic' %}{{ raise_exception('No critics here: ' + m.content) }}{% endif %}"
    "{{ m.role }}: {{ m.content }}<|end|>\n{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}"
    "{% if enable_thinking is defined %}thinking {{ enable_thinking }}{% endif %}"
    "{{ day }}{% if add_generation_prompt %}assistant: {% endif %}";

/// A folder with a tokenizer and a template.
class ChatFolder {
 public:
  ChatFolder() {
    write("tokenizer.json", small_tokenizer_json("byte_level").dump());
    write("chat_template.jinja", kTemplate);
  }
  std::string write(const std::string& name, const std::string& content) const {
    const auto file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
    return file.string();
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_.path(); }
  /// What `linnet render` prints, but for the newline at its end.
  [[nodiscard]] std::string render(std::vector<std::string> arguments,
                                   const ProcessOptions& options = {}) const {
    arguments.insert(arguments.begin(), {"render", "-m", path().string()});
    const ProcessResult result = run_linnet(std::move(arguments), options);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_FALSE(result.out.empty());
    return result.out.substr(0, result.out.size() - 1);
  }

 private:
  TemporaryFolder folder_;
};

TEST(CliRender, MessagesTextIdsAndJson) {
  const ChatFolder model;
  const std::string text = "<|begin|>system: s<|end|>\nuser: a: b, \"c\"<|end|>\nassistant: ";
  const std::vector<std::string> messages = {"--message", "system:s", "--message",
                                             "user:a: b, \"c\""};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), messages.begin(), messages.end());
    return model.render(std::move(more));
  };
  EXPECT_EQ(with({}), text);
  const auto ids = small_tokenizer("byte_level").encode(text, false);
  EXPECT_EQ(with({"--ids"}), fmt::format("{}", fmt::join(ids, ",")));
  EXPECT_EQ(with({"--json"}), (Json{{"text", text}, {"ids", ids}}.dump()));
  EXPECT_EQ(with({"--no-generation-prompt"}), text.substr(0, text.size() - 11));
  EXPECT_EQ(with({"--continue"}), "<|begin|>system: s<|end|>\nuser: a: b, \"c\"");
  EXPECT_EQ(with({"--no-think", "--set", "day=[1, \"x\"]"}),
            text.substr(0, text.size() - 11) + "thinking False[1, 'x']assistant: ");
  EXPECT_EQ(with({"--set", "day=Monday"}), text.substr(0, text.size() - 11) + "Mondayassistant: ");
  EXPECT_EQ(model.render({"--source"}), kTemplate);
}

TEST(CliRender, FilesOfMessagesToolsAndTemplates) {
  const ChatFolder model;
  const std::string list = R"([{"role": "user", "content": "a"}])";
  const std::string file = model.write("list.json", list);
  EXPECT_EQ(model.render({file}), "<|begin|>user: a<|end|>\nassistant: ");
  EXPECT_EQ(model.render({"-"}, {.input = list}), "<|begin|>user: a<|end|>\nassistant: ");
  const std::string object =
      model.write("object.json",
                  R"({"messages": )" + list + R"(, "day": "D", "add_generation_prompt": false})");
  EXPECT_EQ(model.render({object}), "<|begin|>user: a<|end|>\nD");
  EXPECT_EQ(model.render({object, "--set", "day=E"}), "<|begin|>user: a<|end|>\nE");
  const std::string tools = model.write("tools.json", R"([{"z": "ü", "a": 1.0}])");
  EXPECT_EQ(model.render({object, "--tools", tools}),
            "<|begin|>user: a<|end|>\n[{\"z\": \"ü\", \"a\": 1.0}]D");
  const std::string other = model.write("other", "{{ documents[0].text }}{{ messages | length }}");
  const std::string documents = model.write("documents.json", R"([{"text": "t"}])");
  EXPECT_EQ(model.render({file, "--template-file", other, "--documents", documents}), "t1");
  model.write("additional_chat_templates/short.jinja", "short");
  EXPECT_EQ(model.render({file, "--template", "short"}), "short");
}

TEST(CliRender, JsonLinesInOrder) {
  const ChatFolder model;
  const text::Tokenizer tokenizer = small_tokenizer("byte_level");
  std::string input;
  for (int i = 0; i < 300; ++i)
    input += Json{{"messages", {{{"role", "user"}, {"content", std::to_string(i)}}}},
                  {"add_generation_prompt", i % 2 == 0}}
                 .dump() +
             "\n";
  input += R"({"messages": [], "tools": [{"z": 1, "a": {"y": null, "b": true}}], "day": 5})";
  std::istringstream out(model.render({"--jsonl"}, {.input = input}));
  std::string line;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(std::getline(out, line));
    const std::string text =
        fmt::format("<|begin|>user: {}<|end|>\n{}", i, i % 2 == 0 ? "assistant: " : "");
    EXPECT_EQ(line, (Json{{"text", text}, {"ids", tokenizer.encode(text, false)}}.dump()));
  }
  ASSERT_TRUE(std::getline(out, line));
  EXPECT_EQ(Json::parse(line)["text"], R"(<|begin|>[{"z": 1, "a": {"y": null, "b": true}}]5)");
  EXPECT_FALSE(std::getline(out, line));

  // A template is rendered without a tokenizer, too.
  std::filesystem::remove(model.path() / "tokenizer.json");
  EXPECT_EQ(model.render({"--jsonl"}, {.input = R"({"messages": []})"}),
            R"({"text":"<|begin|>","ids":null})");
}

TEST(CliRender, AnErrorIsTheAnswerToItsLineOnly) {
  const ChatFolder model;
  const std::vector<std::pair<std::string, std::string>> lines = {
      {R"({"messages": []})", ""},
      {R"({"messages": [{"role": "critic", "content": "x"}]})",
       "template line 1: No critics here: x"},
      {"", "not"},
      {"[]", "must be an object"},
      {"{}", "messages"},
      {R"({"messages": 5})", "messages must be a list"},
      {R"({"messages": [], "tools": 5})", "tools"},
      {R"({"messages": [], "chat_template": "{% if"})", "template line 1"},
      {R"({"messages": [], "chat_template": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"})",
       "steps"},
      {"{\"messages\": [\"\xFF\"]}", "UTF-8"},
      {R"({"messages": []})", ""}};
  std::string input;
  for (const auto& [line, message] : lines) input += line + "\n";
  std::istringstream out(model.render({"--jsonl"}, {.input = input}));
  for (const auto& [line, message] : lines) {
    std::string answer;
    ASSERT_TRUE(std::getline(out, answer));
    const Json json = Json::parse(answer);
    EXPECT_EQ(json.contains("text"), message.empty()) << answer;
    if (message.empty()) continue;
    EXPECT_NE(json["error"].get<std::string>().find(message), std::string::npos) << answer << "\n"
                                                                                 << line;
  }
}

TEST(CliRender, WrongUsageIs2AndFailedWork1) {
  const ChatFolder model;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"render"},
        {"render", "--message", "user"},
        {"render", "--message", ":x"},
        {"render", "--message", "user:x", "--set", "x"},
        {"render", "--message", "user:x", "--jsonl"},
        {"render", "--source", "--jsonl"},
        {"render", "--message", "user:x", "--ids", "--json"},
        {"render", "--message", "user:x", "--think", "--no-think"},
        {"render", "x.json", "--message", "user:x"}})
    EXPECT_EQ(run_linnet(arguments).status, 2) << fmt::format("{}", fmt::join(arguments, " "));
  const auto fails = [&](std::vector<std::string> arguments, const char* part) {
    arguments.insert(arguments.begin(), {"render", "-m", model.path().string()});
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  fails({"--message", "critic:y"}, "No critics here: y");
  fails({model.write("a.json", "{")}, "a.json is not valid JSON");
  fails({model.write("b.json", "5")}, "neither a JSON object nor an array");
  fails({(model.path() / "none.json").string()}, "none.json");
  std::filesystem::remove(model.path() / "tokenizer.json");
  fails({"--message", "user:x", "--ids"}, "tokenizer.json");
  std::filesystem::remove(model.path() / "chat_template.jinja");
  fails({"--message", "user:x"}, "no chat template");
}

}  // namespace
}  // namespace linnet::test
