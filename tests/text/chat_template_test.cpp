// Which template a checkpoint's files give, what a template is given, and how the last message is
// continued; with small templates of our own.
#include "text/chat_template.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::text {
namespace {

using test::expect_error;

ChatRequest request(const std::string& json) {
  return ChatRequest::from_json(Json::parse(json, "the conversation"));
}

std::string render(const ChatTemplate& chat, const std::string& json = R"({"messages": []})") {
  return chat.render(request(json));
}

ChatTemplate plain(const std::string& source) {
  return ChatTemplate::parse({.chat_template_jinja = source});
}

ChatTemplate with_config(const std::string& json) {
  return ChatTemplate::parse({.tokenizer_config_json = json});
}

TEST(ChatTemplate, SourcesInOrder) {
  const std::string config = R"({"chat_template": "from the config"})";
  ChatFiles files{.tokenizer_config_json = config,
                  .chat_template_jinja = "from the file",
                  .additional_templates = {{"tool_use", "tools"}},
                  .tokenizer_json = R"({"content": "<|im_start|>"})"};
  ChatTemplate chat = ChatTemplate::parse(files);
  EXPECT_EQ(render(chat), "from the file");
  EXPECT_EQ(chat.origin(), "chat_template.jinja");
  EXPECT_EQ(chat.names(), (std::vector<std::string>{"default", "tool_use"}));

  files.chat_template_jinja.reset();
  files.additional_templates.clear();
  chat = ChatTemplate::parse(files);
  EXPECT_EQ(render(chat), "from the config");
  EXPECT_EQ(chat.origin(), "tokenizer_config.json: chat_template");

  files.tokenizer_config_json.reset();
  chat = ChatTemplate::parse(files);
  EXPECT_EQ(chat.origin(), "built-in chatml");
  EXPECT_EQ(chat.source(), built_in_chat_template("chatml"));

  files.tokenizer_json = {};
  chat = ChatTemplate::parse(files);
  EXPECT_EQ(chat.origin(), "");
  EXPECT_TRUE(chat.names().empty());
  expect_error(ErrorCode::invalid_argument, "no chat template", [&] { (void)render(chat); });
}

TEST(ChatTemplate, NamedTemplates) {
  const ChatTemplate chat =
      with_config(R"({"chat_template": [{"name": "default", "template": "d"}, )"
                  R"({"name": "tool_use", "template": "t"}, {"name": "rag", "template": "r"}]})");
  EXPECT_EQ(chat.names(), (std::vector<std::string>{"default", "tool_use", "rag"}));
  EXPECT_EQ(render(chat), "d");
  EXPECT_EQ(render(chat, R"({"messages": [], "tools": []})"), "t");
  EXPECT_EQ(render(chat, R"({"messages": [], "tools": null})"), "d");
  EXPECT_EQ(render(chat, R"({"messages": [], "chat_template": "rag"})"), "r");
  EXPECT_EQ(render(chat, R"({"messages": [], "tools": [], "chat_template": "{{ 1 + 1 }}"})"), "2");

  const ChatTemplate no_default =
      with_config(R"({"chat_template": [{"name": "a", "template": ""}, )"
                  R"({"name": "b", "template": ""}]})");
  expect_error(ErrorCode::invalid_argument, "name one of: a, b", [&] { (void)render(no_default); });
}

TEST(ChatTemplate, SpecialTokensAreVariables) {
  const std::string source =
      "{{ bos_token }} {{ eos_token }} {{ pad_token is defined }} {{ image_token }} "
      "{{ additional_special_tokens }}";
  ChatFiles files{.tokenizer_config_json =
                      R"({"bos_token": {"content": "<b>"}, "eos_token": "<e>", )"
                      R"("pad_token": null, "additional_special_tokens": ["<x>"], )"
                      R"("extra_special_tokens": {"image_token": "<i>"}})",
                  .chat_template_jinja = source};
  EXPECT_EQ(render(ChatTemplate::parse(files)), "<b> <e> False <i> ['<x>']");
  EXPECT_EQ(render(ChatTemplate::parse(files), R"({"messages": [], "bos_token": "other"})"),
            "other <e> False <i> ['<x>']");
  files.tokenizer_config_json.reset();
  files.special_tokens_map_json = R"({"bos_token": "<m>"})";
  EXPECT_EQ(render(ChatTemplate::parse(files)), "<m>  False  ");
}

TEST(ChatTemplate, WhatIsAbsentIsNone) {
  const ChatTemplate chat = plain(
      "{{ tools }} {{ documents }} {{ add_generation_prompt }} {{ enable_thinking is defined }}");
  EXPECT_EQ(render(chat), "None None False False");
  EXPECT_EQ(render(chat, R"({"messages": [], "tools": [{"a": 1}], "documents": [], )"
                         R"("add_generation_prompt": true, "enable_thinking": null})"),
            "[{'a': 1}] [] True True");
}

TEST(ChatTemplate, ContinuesTheFinalMessage) {
  const auto continued = [](const std::string& source, const std::string& content,
                            const std::string& field = "true") {
    return render(plain(source), R"({"messages": [{"role": "user", "content": "q"}, )"
                                 R"({"role": "assistant", "thoughts": "hm ", "content": )" +
                                     content + R"(}], "continue_final_message": )" + field + "}");
  };
  const std::string kept = "{% for m in messages %}<{{ m.content }}>{% endfor %}end";
  const std::string trimmed = "{% for m in messages %}<{{ m.content | trim }}>{% endfor %}end";
  const std::string parts =
      "{% for m in messages %}<{% if m.content is string %}{{ m.content }}{% else %}"
      "{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}>{% endfor %}";
  EXPECT_EQ(continued(kept, R"(" a q ")"), "<q>< a q ");
  EXPECT_EQ(continued(trimmed, R"(" a q ")"), "<q><a q");
  EXPECT_EQ(continued(kept, R"("")"), "<q><");
  EXPECT_EQ(continued(parts, R"([{"type": "text", "text": "one "}, {"type": "image"}])"),
            "<q><one ");
  EXPECT_EQ(
      continued("{{ messages[1].thoughts }}.{{ messages[1].content }}", R"("a")", R"("thoughts")"),
      "hm ");

  const auto fails = [&](const char* part, const auto& body) {
    expect_error(ErrorCode::invalid_argument, part, body);
  };
  fails("does not appear in the chat",
        [&] { (void)continued("{{ messages[0].content }}", R"("a")"); });
  fails("no \"content\" to continue", [&] { (void)continued(kept, "null"); });
  fails("could not find any text", [&] { (void)continued(kept, R"([{"type": "image"}])"); });
  fails("not an accepted field",
        [&] { (void)continued("{{ messages }}", R"("a")", R"("thoughts")"); });
  fails("are not compatible", [&] {
    (void)render(plain(kept), R"({"messages": [{"role": "user", "content": "q"}], )"
                              R"("continue_final_message": true, "add_generation_prompt": true})");
  });
}

TEST(ChatTemplate, ManyThreadsRenderOneTemplate) {
  const ChatTemplate chat = plain(
      "{% macro say(m) %}{{ m.role }}: {{ m.content | trim }}{% endmacro %}"
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{{ ns.n }} {{ say(m) }}\n{% endfor %}");
  std::string messages;
  for (int i = 0; i < 50; ++i)
    messages += (i > 0 ? "," : "") + std::string(R"({"role": "user", "content": " x "})");
  const ChatRequest shared = request("{\"messages\": [" + messages + "]}");
  const std::string expected = chat.render(shared);
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (std::string& text : texts)
    threads.emplace_back([&text, chat, &shared] {
      for (int i = 0; i < 50; ++i) text = chat.render(shared);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, expected);
}

// The families' plain form, as their own templates have it where no tools are involved.
TEST(ChatTemplate, BuiltInTemplates) {
  const auto built_in = [](const char* marker, const std::string& more = "") {
    const std::string tokenizer = std::string(R"({"content": ")") + marker + "\"}";
    return render(ChatTemplate::parse({.tokenizer_json = tokenizer}),
                  R"({"messages": [{"role": "system", "content": "s"}, )"
                  R"({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, )"
                  R"({"role": "user", "content": [{"type": "text", "text": "c"}]}], )"
                  R"("add_generation_prompt": true)" +
                      more + "}");
  };
  EXPECT_EQ(built_in("<start_of_turn>"),
            "<bos><start_of_turn>user\ns\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
            "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(built_in("<|im_start|>"),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n"
            "<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(built_in("<|start_header_id|>"),
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_TRUE(built_in("<|im_start|>", R"(, "enable_thinking": false)")
                  .ends_with("assistant\n<think>\n\n</think>\n\n"));
  EXPECT_NE(built_in("<|im_start|>", R"(, "tools": [{"name": "f"}])")
                .find("<tools>\n{\"name\": \"f\"}\n</tools>"),
            std::string::npos);
}

TEST(ChatTemplate, WrongFilesAreNamed) {
  const auto malformed = [](const char* part, const auto& body) {
    expect_error(ErrorCode::malformed_file, part, body);
  };
  malformed("chat_template.jinja: template line 2", [] { (void)plain("\n{{"); });
  malformed("tokenizer_config.json: chat_template: template line 1",
            [] { (void)with_config(R"({"chat_template": "{% x %}"})"); });
  malformed("tokenizer_config.json: chat_template (b): template line 1", [] {
    (void)with_config(R"({"chat_template": [{"name": "a", "template": ""}, )"
                      R"({"name": "b", "template": "{{"}]})");
  });
  malformed("chat_template", [] { (void)with_config(R"({"chat_template": 5})"); });
  malformed("template", [] { (void)with_config(R"({"chat_template": [{"name": "a"}]})"); });
  malformed("the limit is 1048576", [] { (void)plain(std::string(1048577, 'a')); });
  malformed("tokenizer_config.json", [] { (void)with_config("{"); });
  ChatFiles many;
  for (int i = 0; i < 101; ++i) many.additional_templates.emplace_back(std::to_string(i), "");
  malformed("more than 100 templates", [&] { (void)ChatTemplate::parse(many); });
}

TEST(ChatTemplate, WrongRequestsAreNamed) {
  const auto fails = [](const char* part, const std::string& json) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)render(plain(""), json); });
  };
  fails("must be an object", "[]");
  fails("needs \"messages\"", "{}");
  fails("messages must be a list", R"({"messages": {}})");
  fails("add_generation_prompt must be true or false",
        R"({"messages": [], "add_generation_prompt": 1})");
  fails("continue_final_message must be", R"({"messages": [], "continue_final_message": 1})");
  fails("chat_template must be a string", R"({"messages": [], "chat_template": 1})");
  fails("tools must be", R"({"messages": [], "tools": [1]})");
  fails("documents must be", R"({"messages": [], "documents": {}})");
  fails("continue_final_message", R"({"messages": [], "continue_final_message": true})");
  fails("64 bits", R"({"messages": [], "x": 9223372036854775808})");
}

TEST(ChatTemplate, ReadsAFolder) {
  const test::TemporaryFolder folder;
  const auto write = [&](const char* name, const char* text) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << text;
  };
  EXPECT_TRUE(ChatTemplate::load(folder.path()).names().empty());
  write("tokenizer.json", R"({"content": "<start_of_turn>"})");
  EXPECT_EQ(ChatTemplate::load(folder.path()).origin(), "built-in gemma3");
  write("tokenizer_config.json",
        R"({"bos_token": "<b>", "chat_template": "config {{ bos_token }}"})");
  EXPECT_EQ(render(ChatTemplate::load(folder.path())), "config <b>");
  write("chat_template.jinja", "file {{ bos_token }}");
  write("additional_chat_templates/rag.jinja", "rag");
  write("additional_chat_templates/notes.txt", "{{");
  EXPECT_EQ(render(ChatTemplate::load(folder.path())), "file <b>");
  EXPECT_EQ(ChatTemplate::load(folder.path()).names(),
            (std::vector<std::string>{"default", "rag"}));
  expect_error(ErrorCode::invalid_argument, "is not a folder",
               [&] { (void)ChatTemplate::load(folder.path() / "none"); });
}

}  // namespace
}  // namespace linnet::text
