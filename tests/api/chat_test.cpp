// Conversations through the public interface: what a template is given, what a model is asked, and
// where its answer ends.
#include <gtest/gtest.h>
#include <linnet/linnet.hpp>

#include <algorithm>
#include <fstream>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using nlohmann::json;

/// The reference checkpoint with a tokenizer and a template; what ends its turns, <unk>, is no
/// end-of-sequence id of its config.json.
test::TestCheckpoint with_template(const std::string& source) {
  test::TestCheckpoint checkpoint = test::with_tokenizer("gemma3");
  checkpoint.files["tokenizer_config.json"] =
      json{{"bos_token", "<bos>"}, {"chat_template", source}}.dump();
  return checkpoint;
}

constexpr const char* kTurns =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}<unk>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}";

/// A folder with a template and nothing else.
class TemplateFolder {
 public:
  explicit TemplateFolder(const std::string& source) { write("chat_template.jinja", source); }
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << content;
  }
  [[nodiscard]] ChatTemplate load() const { return load_chat_template(folder_.path()); }

 private:
  test::TemporaryFolder folder_;
};

TEST(Chat, TheBuiltInModelAnswersInTheFormItWasTrainedWith) {
  const TextModel model = load_builtin_model({.threads = 2});
  const std::string text =
      model.chat_template().render({{Role::system, "Be kind."}, {Role::user, " Hello\n"}});
  EXPECT_EQ(text,
            "<bos><start_of_turn>user\nBe kind.\n\nHello<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(load_builtin_chat_template().render({{Role::user, "a"}}),
            model.chat_template().render({{Role::user, "a"}}));

  Generation generation =
      model.chat({{Role::user, "What is the capital of France?"}}, {.max_tokens = 64});
  const auto prompt = generation.prompt_ids();
  EXPECT_EQ(std::ranges::count(prompt, *model.tokenizer().bos_id()), 1);
  EXPECT_EQ(prompt.front(), *model.tokenizer().bos_id());
  EXPECT_NE(generation.text().find("Paris"), std::string::npos);
  EXPECT_EQ(generation.finish_reason(), FinishReason::stop);
  // As the header and the guides write it (but that linnet warns of 0.7 where it compiles itself).
  EXPECT_FALSE(
      model.chat({{linnet::Role::user, "Hello"}}, {.temperature = 0.7F, .seed = 1}).text().empty());
}

TEST(Chat, AnAnswerEndsWithItsTurn) {
  const TextModel model = test::load(with_template(kTurns));
  const int32_t end = *model.tokenizer().token_to_id("<unk>");
  const GenerateOptions options{.max_tokens = 3, .logit_bias = {{end, 1000.0F}}};
  Generation answer = model.chat({{Role::user, "a"}}, options);
  EXPECT_EQ(answer.text(), "");
  EXPECT_EQ(answer.finish_reason(), FinishReason::stop);
  // Text that is no conversation has no turns to end.
  Generation text = model.generate("a", options);
  EXPECT_EQ(text.next()->id, end);

  // Templates that write no special token there, or refuse, end nothing.
  for (const char* source : {"{{ messages[-1].content }} and more",
                             "{{ raise_exception('no') if not tools else 'x' }}"}) {
    const TextModel other = test::load(with_template(source));
    Generation endless = other.chat({{Role::user, "a"}}, options, {.tools = R"([{"name": "f"}])"});
    (void)endless.text();
    EXPECT_EQ(endless.finish_reason(), FinishReason::length) << source;
  }
}

TEST(Chat, MessagesAsTheTemplateSeesThem) {
  const ChatTemplate chat = TemplateFolder("{{ messages | tojson }}").load();
  const std::string text = chat.render(
      {{Role::system, ""},
       {Role::user, "Wie geht's? \"\u706f\""},
       {.role = Role::assistant,
        .reasoning_content = "r",
        .tool_calls = {{.name = "f", .arguments = R"({"b": 1.50, "a": [null]})", .id = "1"},
                       {.name = "g"}}},
       {.role = Role::tool, .content = "5", .tool_call_id = "1", .name = "f"},
       {.role = Role::assistant, .content = "Five."}});
  EXPECT_EQ(text,
            R"([{"role": "system", "content": ""}, )"
            "{\"role\": \"user\", \"content\": \"Wie geht's? \\\"\u706f\\\"\"}, "
            R"({"role": "assistant", "content": null, "reasoning_content": "r", "tool_calls": [)"
            R"({"id": "1", "type": "function", "function": {"name": "f", "arguments": )"
            R"({"b": 1.5, "a": [null]}}}, )"
            R"({"type": "function", "function": {"name": "g", "arguments": {}}}]}, )"
            R"({"role": "tool", "content": "5", "tool_call_id": "1", "name": "f"}, )"
            R"({"role": "assistant", "content": "Five."}])");
}

TEST(Chat, OptionsAsTheTemplateSeesThem) {
  const ChatTemplate chat =
      TemplateFolder(
          "{{ [tools, documents, add_generation_prompt, enable_thinking is defined and "
          "enable_thinking, day | default('?')] | tojson }}")
          .load();
  EXPECT_EQ(chat.render({}), R"([null, null, true, false, "?"])");
  EXPECT_EQ(chat.render({}, {.add_generation_prompt = false,
                             .enable_thinking = true,
                             .tools = R"([{"z": 1, "a": 2}])",
                             .documents = R"([{"title": "t", "text": "x"}])",
                             .variables = R"({"day": 5})"}),
            R"([[{"z": 1, "a": 2}], [{"title": "t", "text": "x"}], false, true, 5])");
  EXPECT_EQ(chat.render_json(R"({"messages": [], "day": "Mon", "tools": []})"),
            R"([[], null, false, false, "Mon"])");
  EXPECT_EQ(chat.render({{Role::user, "a"}}, {.chat_template = "{{ messages[0].content * 3 }}"}),
            "aaa");
}

TEST(Chat, ContinuesTheLastMessage) {
  const ChatTemplate chat = TemplateFolder(kTurns).load();
  const std::vector<Message> messages = {{Role::user, "Count."}, {Role::assistant, "One, "}};
  EXPECT_EQ(chat.render(messages, {.add_generation_prompt = false, .continue_final_message = true}),
            "user: Count.<unk>\nassistant: One, ");
  test::expect_error(ErrorCode::invalid_argument, "add_generation_prompt",
                     [&] { (void)chat.render(messages, {.continue_final_message = true}); });
}

TEST(Chat, NamedTemplates) {
  const TemplateFolder folder("default");
  folder.write("additional_chat_templates/tool_use.jinja", "tools");
  folder.write("additional_chat_templates/short.jinja", "short");
  const ChatTemplate chat = folder.load();
  EXPECT_EQ(chat.names(), (std::vector<std::string>{"default", "short", "tool_use"}));
  EXPECT_EQ(chat.origin(), "chat_template.jinja");
  EXPECT_EQ(chat.source(), "default");
  EXPECT_EQ(chat.render({}), "default");
  EXPECT_EQ(chat.render({}, {.tools = R"([{"name": "f"}])"}), "tools");
  EXPECT_EQ(chat.render({}, {.chat_template = "short"}), "short");

  // A checkpoint brings the same, and so does its quantised copy.
  test::TestCheckpoint checkpoint = test::with_tokenizer("gemma3");
  checkpoint.files["chat_template.jinja"] = "default";
  checkpoint.files["additional_chat_templates/tool_use.jinja"] = "tools";
  const test::WrittenCheckpoint written(checkpoint);
  const test::TemporaryFolder out;
  quantize_model(written.path(), out.path() / "q");
  for (const auto& path : {written.path(), out.path() / "q"})
    EXPECT_EQ(load_model(path).chat_template().names(),
              (std::vector<std::string>{"default", "tool_use"}));
}

TEST(Chat, WrongTemplatesAndRequestsAreNamed) {
  const ChatTemplate chat = TemplateFolder("\n{{ raise_exception('not so') }}").load();
  const auto fails = [&](const char* part, const auto& body) {
    test::expect_error(ErrorCode::invalid_argument, part, body);
  };
  fails("template line 2: not so", [&] { (void)chat.render({}); });
  fails("tools", [&] { (void)chat.render({}, {.tools = "[1"}); });
  fails("tools", [&] { (void)chat.render({}, {.tools = "{}"}); });
  fails("documents", [&] { (void)chat.render({}, {.documents = "[1]"}); });
  fails("variables", [&] { (void)chat.render({}, {.variables = "[]"}); });
  fails("messages is no further variable",
        [&] { (void)chat.render({}, {.variables = R"({"messages": 1})"}); });
  fails("enable_thinking", [&] {
    (void)chat.render({}, {.enable_thinking = true, .variables = R"({"enable_thinking": 1})"});
  });
  fails("arguments", [&] {
    (void)chat.render({{.role = Role::assistant, .tool_calls = {{.name = "f", .arguments = "{"}}}});
  });
  fails("the conversation", [&] { (void)chat.render_json("{"); });
  fails("messages", [&] { (void)chat.render_json("{}"); });
  fails("past 64 bits",
        [&] { (void)chat.render_json(R"({"messages": [], "x": 12345678901234567890123})"); });
  test::expect_error(ErrorCode::malformed_file, "the given chat template: template line 1",
                     [&] { (void)chat.render({}, {.chat_template = "{% if %}"}); });
  test::expect_error(ErrorCode::malformed_file, "chat_template.jinja: template line 3",
                     [] { (void)TemplateFolder("a\n\n{{ }").load(); });
  const test::TemporaryFolder empty;
  fails("no chat template", [&] { (void)load_chat_template(empty.path()).render({}); });
}

TEST(Chat, AWrongTemplateIsNoHindranceToText) {
  const TextModel model = test::load(with_template("{% if %}"));
  EXPECT_EQ(test::ids_of(model.generate("a", {.max_tokens = 2})).size(), 2U);
  test::expect_error(ErrorCode::malformed_file, "template line 1",
                     [&] { (void)model.chat_template(); });
  test::expect_error(ErrorCode::malformed_file, "template line 1", [&] {
    (void)model.chat({{Role::user, "a"}});
  });
}

TEST(Chat, IgnoringTheEndGoesOnBehindATurn) {
  const TextModel model = load_builtin_model();
  const std::vector<Message> hello{{Role::user, "Hello"}};
  Generation whole = model.chat(hello, {.max_tokens = 60});
  (void)whole.text();
  ASSERT_EQ(whole.finish_reason(), FinishReason::stop);
  Generation further = model.chat(hello, {.max_tokens = 60, .ignore_eos = true});
  (void)further.text();
  EXPECT_EQ(further.finish_reason(), FinishReason::length);
  EXPECT_EQ(further.metrics().generated_tokens, 60);
}

}  // namespace
}  // namespace linnet
