#include <linnet/chat.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "api/conversation.hpp"
#include "api/state.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace linnet {
namespace {

using text::jinja::Dict;
using text::jinja::Value;

constexpr std::string_view kAdditionalTemplates = "additional_chat_templates";

// What a template may take to show how it ends a turn; a real one takes some hundred steps.
constexpr int64_t kProbeSteps = 1'000'000;

// A JSON text that is an argument: a fault in it is the caller's, not a file's.
Json parse_argument(std::string_view text, const char* name) {
  try {
    return Json::parse_exactly(text, name);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid_argument, error.what());
  }
}

Value optional_argument(const std::string& text, const char* name) {
  if (text.empty()) return Value::None{};
  return Value::from_json(parse_argument(text, name).element());
}

class Members {
 public:
  Members& set(const char* key, Value value) {
    dict_.set(Value::text(key), std::move(value));
    return *this;
  }
  Members& set_text(const char* key, std::string_view value) {
    return set(key, Value::text(std::string(value)));
  }
  Members& set_unless_empty(const char* key, const std::string& value) {
    return value.empty() ? *this : set_text(key, value);
  }
  Value finish() { return Value::dict(std::move(dict_)); }

 private:
  Dict dict_;
};

Value to_value(const ToolCall& call) {
  const Json arguments = parse_argument(call.arguments, "a tool call's arguments");
  return Members()
      .set_unless_empty("id", call.id)
      .set_text("type", "function")
      .set("function", Members()
                           .set_text("name", call.name)
                           .set("arguments", Value::from_json(arguments.element()))
                           .finish())
      .finish();
}

Value to_value(const Message& message) {
  Members members;
  members.set_text("role", to_string(message.role));
  // As OpenAI's and transformers' own messages have it; some templates ask whether it is none.
  if (message.content.empty() && !message.tool_calls.empty())
    members.set("content", Value::None{});
  else
    members.set_text("content", message.content);
  members.set_unless_empty("reasoning_content", message.reasoning_content);
  if (!message.tool_calls.empty()) {
    std::vector<Value> calls;
    for (const ToolCall& call : message.tool_calls) calls.push_back(to_value(call));
    members.set("tool_calls", Value::list(std::move(calls)));
  }
  members.set_unless_empty("tool_call_id", message.tool_call_id);
  members.set_unless_empty("name", message.name);
  return members.finish();
}

Dict to_variables(const ChatOptions& options) {
  Dict variables;
  if (options.enable_thinking)
    variables.set(Value::text("enable_thinking"), *options.enable_thinking);
  if (options.variables.empty()) return variables;
  const Json given = parse_argument(options.variables, "variables");
  require(given.is_object(), "variables must be a JSON object");
  constexpr std::array<std::string_view, 6> kOptions{
      "messages",     "tools", "documents", "add_generation_prompt", "continue_final_message",
      "chat_template"};
  for (const auto& [name, value] : given.members()) {
    require(std::ranges::find(kOptions, name) == kOptions.end() &&
                variables.find(std::string_view(name)) == nullptr,
            "{} is no further variable, but an argument of its own", name);
    variables.set(Value::text(name), Value::from_json(value.element()));
  }
  return variables;
}

text::ChatRequest to_request(const std::vector<Message>& messages, const ChatOptions& options) {
  std::vector<Value> list;
  list.reserve(messages.size());
  for (const Message& message : messages) list.push_back(to_value(message));
  text::ChatRequest request{.messages = Value::list(std::move(list)),
                            .tools = optional_argument(options.tools, "tools"),
                            .documents = optional_argument(options.documents, "documents"),
                            .add_generation_prompt = options.add_generation_prompt,
                            .continue_final_message = std::nullopt,
                            .chat_template = std::nullopt,
                            .variables = to_variables(options),
                            .options = {}};
  if (options.continue_final_message) request.continue_final_message = "content";
  if (!options.chat_template.empty()) request.chat_template = options.chat_template;
  return request;
}

// The special token right behind an assistant's text, in the text of a conversation that ends
// there. Nothing if there is none, or if the template refuses so small a conversation.
std::optional<int32_t> find_turn_end(const text::ChatTemplate& chat_template,
                                     const text::Tokenizer& tokenizer) {
  constexpr std::string_view kAnswer = "linnet";
  text::ChatRequest probe =
      to_request({{Role::user, "Hello"}, {Role::assistant, std::string(kAnswer)}},
                 {.add_generation_prompt = false});
  probe.options.limits.steps = kProbeSteps;
  std::string text;
  try {
    text = chat_template.render(probe);
  } catch (const Error&) {
    return std::nullopt;
  }
  const size_t at = text.rfind(kAnswer);
  if (at == std::string::npos) return std::nullopt;
  const auto ids = tokenizer.encode(text.substr(at + kAnswer.size()), false);
  if (ids.empty() || !tokenizer.is_special(ids.front())) return std::nullopt;
  return ids.front();
}

text::ChatTemplate parse_templates(const io::Checkpoint& checkpoint) {
  const auto text_of = [&](std::string_view name) {
    const auto bytes = checkpoint.file(name);
    return bytes ? std::optional(std::string(bytes->text())) : std::nullopt;
  };
  text::ChatFiles files{.tokenizer_config_json = text_of("tokenizer_config.json"),
                        .special_tokens_map_json = text_of("special_tokens_map.json"),
                        .chat_template_jinja = text_of("chat_template.jinja"),
                        .additional_templates = {},
                        .tokenizer_json = {}};
  for (const io::CheckpointFile& file : checkpoint.files()) {
    const std::filesystem::path path = file.name;
    if (path.parent_path() != kAdditionalTemplates || path.extension() != ".jinja") continue;
    files.additional_templates.emplace_back(path.stem().string(), *text_of(file.name));
  }
  const auto tokenizer = checkpoint.file("tokenizer.json");
  if (tokenizer) files.tokenizer_json = tokenizer->text();
  return text::ChatTemplate::parse(files);
}

}  // namespace

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::system: return "system";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
    case Role::tool: return "tool";
  }
  return "user";
}

const text::ChatTemplate& ChatForm::require_template() const {
  if (const Error* error = std::get_if<Error>(&chat_template)) throw *error;
  return std::get<text::ChatTemplate>(chat_template);
}

ChatForm read_chat_form(const io::Checkpoint& checkpoint,
                        const std::optional<text::Tokenizer>& tokenizer) {
  try {
    ChatForm form{.chat_template = parse_templates(checkpoint)};
    if (tokenizer) form.turn_end_id = find_turn_end(form.require_template(), *tokenizer);
    return form;
  } catch (const Error& error) {
    return {.chat_template = error};
  }
}

ChatTemplate ChatTemplateLoader::wrap(text::ChatTemplate chat_template) {
  return ChatTemplate(
      std::make_shared<ChatTemplate::State>(ChatTemplate::State{std::move(chat_template)}));
}

ChatTemplate::ChatTemplate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

std::string ChatTemplate::render(const std::vector<Message>& messages,
                                 const ChatOptions& options) const {
  return state_->chat_template.render(to_request(messages, options));
}

std::string ChatTemplate::render_json(std::string_view request) const {
  return state_->chat_template.render(
      text::ChatRequest::from_json(parse_argument(request, "the conversation")));
}

std::vector<std::string> ChatTemplate::names() const { return state_->chat_template.names(); }
std::string_view ChatTemplate::origin() const { return state_->chat_template.origin(); }
std::string_view ChatTemplate::source() const { return state_->chat_template.source(); }

ChatTemplate load_chat_template(const std::filesystem::path& folder) {
  return ChatTemplateLoader::wrap(text::ChatTemplate::load(folder));
}

ChatTemplate load_builtin_chat_template() {
  return ChatTemplateLoader::wrap(parse_templates(builtin_checkpoint()));
}

ChatTemplate TextModel::chat_template() const {
  return ChatTemplateLoader::wrap(state_->chat_form->require_template());
}

std::vector<int32_t> encode_conversation(const TextModel::State& model,
                                         const std::vector<Message>& messages,
                                         const ChatOptions& chat, GenerateOptions& options) {
  const text::Tokenizer& tokenizer = model.require_tokenizer();
  const std::string text = model.chat_form->require_template().render(to_request(messages, chat));
  if (model.chat_form->turn_end_id && !options.ignore_eos)
    options.stop_ids.push_back(*model.chat_form->turn_end_id);
  return tokenizer.encode(text, false);
}

Generation TextModel::chat(const std::vector<Message>& messages, GenerateOptions options,
                           const ChatOptions& chat) const {
  const std::vector<int32_t> ids = encode_conversation(*state_, messages, chat, options);
  return generate(ids, std::move(options));
}

}  // namespace linnet
