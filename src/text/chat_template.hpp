// A checkpoint's chat template: a conversation as the text that the model was trained on, as
// transformers' apply_chat_template writes it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "text/jinja/template.hpp"
#include "text/jinja/value.hpp"

namespace linnet::text {

/// What apply_chat_template takes.
struct ChatRequest {
  jinja::Value messages = jinja::Value::list({});
  jinja::Value tools = jinja::Value::None{};
  jinja::Value documents = jinja::Value::None{};
  bool add_generation_prompt = false;
  /// The field of the last message that the text is to end with, unclosed: "content", say.
  std::optional<std::string> continue_final_message;
  /// The name of one of the checkpoint's templates, or a template; nothing: the checkpoint's own.
  std::optional<std::string> chat_template;
  /// Further variables, which go before the special tokens of the same names.
  jinja::Dict variables;
  jinja::RenderOptions options;

  /// From a JSON object {"messages", "tools", "documents", "add_generation_prompt",
  /// "continue_final_message", "chat_template"}; any further member is a variable.
  /// Errors: invalid_argument for members of the wrong type, and without messages.
  static ChatRequest from_json(const Json& request);
};

/// The contents of the files that say how conversations are written.
struct ChatFiles {
  std::optional<std::string> tokenizer_config_json;
  std::optional<std::string> special_tokens_map_json;
  std::optional<std::string> chat_template_jinja;
  /// additional_chat_templates/NAME.jinja
  std::vector<std::pair<std::string, std::string>> additional_templates;
  /// tokenizer.json, whose tokens choose a built-in template where these files have none. Empty:
  /// none is used.
  std::string_view tokenizer_json;
};

/// The source of a built-in template: "gemma3", "chatml" (Qwen 2 and 3) or "llama3"; null for
/// other names.
const char* built_in_chat_template(std::string_view name);
/// Which of them a tokenizer.json speaks, by its turn markers; empty if none.
std::string_view find_built_in_template(std::string_view tokenizer_json);

/// A handle on immutable templates: cheap to copy, usable by several threads at once.
class ChatTemplate {
 public:
  /// Reads a checkpoint's folder: chat_template.jinja and additional_chat_templates/ go before
  /// tokenizer_config.json's chat_template; without any, a built-in one that fits tokenizer.json.
  /// Errors: malformed_file and unsupported, naming the template and its line.
  static ChatTemplate load(const std::filesystem::path& model_dir);
  static ChatTemplate parse(const ChatFiles& files);

  /// The text of a conversation.
  /// Errors: invalid_argument for what transformers refuses, raise_exception's messages among it,
  /// and without a template; malformed_file if the request brings a template that is none;
  /// unsupported when a limit is passed.
  [[nodiscard]] std::string render(const ChatRequest& request) const;

  /// Names of the templates; a single one is "default".
  [[nodiscard]] std::vector<std::string> names() const;
  /// Where they come from: "chat_template.jinja", "tokenizer_config.json", "built-in gemma3", or
  /// "" for none.
  [[nodiscard]] const std::string& origin() const;
  /// Of the template that a request without tools gets; empty if there is none.
  [[nodiscard]] std::string_view source() const;

 private:
  struct Impl;
  explicit ChatTemplate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace linnet::text
