// Conversations, and the text that a checkpoint's chat template makes of them, as transformers'
// apply_chat_template does. Needs the tokenizer files of a checkpoint only, no weights.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {

/// Who says a message.
enum class Role { system, user, assistant, tool };

/// "system", "user", "assistant", "tool".
std::string_view to_string(Role role) noexcept;

/// A function that the assistant asks for.
struct ToolCall {
  std::string name;
  std::string arguments = "{}";  ///< JSON text, an object as a rule
  std::string id = {};           ///< what the tool's answer refers to; empty: none
};

/// A turn of a conversation. What is empty is not shown to the template, but for the content.
struct Message {
  Role role = Role::user;
  /// Of an assistant's message with tool calls, empty is given to the template as none.
  std::string content = {};
  std::string reasoning_content = {};     ///< what the assistant thought before it answered
  std::vector<ToolCall> tool_calls = {};  ///< of the assistant
  std::string tool_call_id = {};          ///< of a tool's answer: the call that it answers
  std::string name = {};                  ///< of a tool's answer: the function
};

/// What else a template is given. JSON texts may be empty, which is as good as absent.
struct ChatOptions {
  /// Whether the text ends with the beginning of the assistant's next turn.
  bool add_generation_prompt = true;
  /// Whether the text ends with the last message's content, its turn left open, so that the model
  /// goes on with it; add_generation_prompt must be false then.
  bool continue_final_message = false;
  /// Whether the model is to think before it answers, where the template knows enable_thinking.
  std::optional<bool> enable_thinking = {};
  std::string tools = {};      ///< JSON text: an array of the functions' schemas
  std::string documents = {};  ///< JSON text: an array of objects
  std::string variables = {};  ///< JSON text: an object, whose members are further variables
  /// The name of one of the checkpoint's templates, or a template in Jinja; empty: tool_use where
  /// there are tools and such a template, else the default.
  std::string chat_template = {};
};

/// A handle on a checkpoint's immutable chat templates: cheap to copy, and every function may be
/// called from any number of threads at once.
///
/// The text that it renders has all special tokens already: Tokenizer::encode(text, false).
class ChatTemplate {
 public:
  struct State;  ///< opaque

  /// The text of a conversation.
  /// Errors: invalid_argument for what the template refuses, with its message and the template's
  /// line, for JSON that is none, and for a checkpoint without a template; malformed_file for
  /// Jinja that is none; unsupported when a template takes more steps or memory than it may.
  [[nodiscard]] std::string render(const std::vector<Message>& messages,
                                   const ChatOptions& options = {}) const;

  /// The text of a conversation that is given as a JSON object with "messages", a list of objects,
  /// and perhaps "tools", "documents", "add_generation_prompt" (false without it),
  /// "continue_final_message" (true, or the name of the last message's field that is continued) and
  /// "chat_template" (a name or a template). All other members are variables of the template.
  /// Errors: as render().
  [[nodiscard]] std::string render_json(std::string_view request) const;

  /// Names of the templates; a single one is "default". Empty if the checkpoint has none.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Where they come from: "chat_template.jinja", "tokenizer_config.json: chat_template", "built-in
  /// chatml" and the like for the family's own form where the files have none, or "".
  [[nodiscard]] std::string_view origin() const;
  /// The default template, in Jinja; empty if there is none. Valid while this or a copy lives.
  [[nodiscard]] std::string_view source() const;

 private:
  friend class ChatTemplateLoader;
  explicit ChatTemplate(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Reads the templates of a folder: chat_template.jinja and additional_chat_templates/*.jinja; or
/// tokenizer_config.json's chat_template, a text or a list of named ones; or, without any, the form
/// that the tokens in tokenizer.json speak for (Gemma 3, ChatML as in Qwen, Llama 3).
/// Errors: invalid_argument if it is no folder; malformed_file and unsupported, naming the template
/// and its line.
ChatTemplate load_chat_template(const std::filesystem::path& folder);

/// The template of the model that comes with linnet.
ChatTemplate load_builtin_chat_template();

}  // namespace linnet
