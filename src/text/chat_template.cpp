#include "text/chat_template.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text {
namespace {

using jinja::Dict;
using jinja::Value;

// What transformers writes behind the message that is to be continued, to find its end again.
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";

constexpr int64_t kMaxTemplateBytes = int64_t{1} << 20;
constexpr int64_t kMaxJsonBytes = int64_t{64} << 20;
constexpr size_t kMaxTemplates = 100;

struct NamedTemplate {
  std::string name;
  std::string source;
  jinja::Template compiled;
};

NamedTemplate compile(std::string name, std::string source, std::string_view origin) {
  try {
    jinja::Template compiled = jinja::Template::parse(source);
    return {.name = std::move(name), .source = std::move(source), .compiled = std::move(compiled)};
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", origin, error.what()));
  }
}

// A special token: its text, or an object with "content".
std::optional<std::string> token_text(const Json& entry) {
  if (entry.is_string()) return std::string(entry.as_string());
  if (!entry.is_object()) return std::nullopt;
  const auto content = entry.find("content");
  return content && content->is_string() ? std::optional(std::string(content->as_string()))
                                         : std::nullopt;
}

// bos_token and the like, additional_special_tokens, and the names in extra_special_tokens.
void add_special_tokens(const Json& config, Dict& variables) {
  const auto add = [&](const std::string& name, const std::string& text) {
    if (variables.find(name) == nullptr) variables.set(Value::text(name), Value::text(text));
  };
  if (!config.is_object()) return;
  for (const auto& [key, value] : config.members()) {
    if (std::string_view(key).ends_with("_token")) {
      if (const auto text = token_text(value)) add(key, *text);
    } else if (key == "additional_special_tokens" && value.is_array()) {
      std::vector<Value> tokens;
      for (const Json& token : value.elements())
        if (const auto text = token_text(token)) tokens.push_back(Value::text(*text));
      if (variables.find(key) == nullptr)
        variables.set(Value::text(key), Value::list(std::move(tokens)));
    } else if (key == "extra_special_tokens" && value.is_object()) {
      for (const auto& [name, token] : value.members())
        if (const auto text = token_text(token)) add(name, *text);
    }
  }
}

void check_dicts(const Value& list, std::string_view message) {
  if (list.is_none()) return;
  const jinja::Sequence* items = list.sequence();
  require(items != nullptr && std::all_of(items->items.begin(), items->items.end(),
                                          [](const Value& v) { return v.dict() != nullptr; }),
          "{}", message);
}

Dict copy_of(const Dict& dict) {
  Dict copy;
  for (const auto& [key, value] : dict.members) copy.set(key, value);
  return copy;
}

Value with_member(const Dict& dict, std::string_view key, Value value) {
  Dict copy = copy_of(dict);
  copy.set(Value::text(std::string(key)), std::move(value));
  return Value::dict(std::move(copy));
}

Value tagged(const Value& text) {
  return Value::text(std::string(text.view()) + std::string(kContinueTag));
}

// The conversation with the mark behind the text that is to be continued, and that text.
struct Continued {
  Value messages;
  std::string text;
};

Continued mark_end(const Value& messages, const std::string& field) {
  const jinja::Sequence* all = messages.sequence();
  const Dict* last = all != nullptr && !all->items.empty() ? all->items.back().dict() : nullptr;
  const Value* content = last != nullptr ? last->find(field) : nullptr;
  require(content != nullptr && !content->is_none(),
          "continue_final_message is set but the final message has no \"{}\" to continue!", field);
  std::vector<Value> marked = all->items;
  if (content->is_string()) {
    marked.back() = with_member(*last, field, tagged(*content));
    return {.messages = Value::list(std::move(marked)), .text = std::string(content->view())};
  }
  if (const jinja::Sequence* parts = content->sequence()) {
    std::vector<Value> items = parts->items;
    for (size_t i = items.size(); i-- > 0;) {
      const Dict* part = items[i].dict();
      const Value* text = part != nullptr ? part->find(std::string_view("text")) : nullptr;
      if (text == nullptr || !text->is_string()) continue;
      std::string continued(text->view());
      items[i] = with_member(*part, "text", tagged(*text));
      marked.back() = with_member(*last, field, Value::list(std::move(items)));
      return {.messages = Value::list(std::move(marked)), .text = std::move(continued)};
    }
  }
  fail(ErrorCode::invalid_argument,
       "continue_final_message is set but we could not find any text to continue in the final "
       "message!");
}

std::string cut_at_mark(std::string rendered, const std::string& text) {
  const std::string_view tag = jinja::strip(kContinueTag);
  const size_t at = rendered.rfind(tag);
  require(at != std::string::npos && rendered.find(jinja::strip(text)) != std::string::npos,
          "continue_final_message is set but the final message does not appear in the chat after "
          "applying the chat template! This can happen if the chat template deletes portions of "
          "the final message. Please verify the chat template and final message in your chat to "
          "ensure they are compatible.");
  const bool spaced = rendered.compare(at, kContinueTag.size(), kContinueTag) == 0;
  rendered.resize(at);
  if (!spaced) rendered.resize(jinja::strip(rendered, jinja::Side::right).size());
  return rendered;
}

std::optional<std::string> read_if_there(const std::filesystem::path& path, int64_t limit) {
  return std::filesystem::exists(path) ? std::optional(read_file(path, limit)) : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> read_additional(
    const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> result;
  if (!std::filesystem::is_directory(folder)) return result;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".jinja") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    result.emplace_back(file.stem().string(), read_file(file, kMaxTemplateBytes));
  return result;
}

}  // namespace

struct ChatTemplate::Impl {
  std::vector<NamedTemplate> templates;
  std::string origin;
  Dict special_tokens;

  [[nodiscard]] const NamedTemplate* find(std::string_view name) const {
    for (const NamedTemplate& entry : templates)
      if (entry.name == name) return &entry;
    return nullptr;
  }
  [[nodiscard]] const NamedTemplate& choose(const ChatRequest& request) const;
  void add(std::string name, std::string source) {
    const std::string where =
        name == "default" ? origin : fmt::format("{} ({})", origin, printable(name));
    if (templates.size() == kMaxTemplates)
      fail(ErrorCode::malformed_file, "{}: more than {} templates", origin, kMaxTemplates);
    if (std::ssize(source) > kMaxTemplateBytes)
      fail(ErrorCode::malformed_file, "{}: a template of {} bytes, the limit is {}", where,
           source.size(), kMaxTemplateBytes);
    templates.push_back(compile(std::move(name), std::move(source), where));
  }
  void add_config_templates(const Json& entry);
};

const NamedTemplate& ChatTemplate::Impl::choose(const ChatRequest& request) const {
  require(!templates.empty(),
          "the checkpoint has no chat template: no chat_template.jinja, none in "
          "tokenizer_config.json, and no built-in one fits its tokenizer");
  if (!request.tools.is_none())
    if (const NamedTemplate* found = find("tool_use")) return *found;
  if (const NamedTemplate* found = find("default")) return *found;
  std::string all;
  for (const NamedTemplate& entry : templates) all += (all.empty() ? "" : ", ") + entry.name;
  fail(ErrorCode::invalid_argument,
       "the checkpoint has several chat templates and none is the default; name one of: {}", all);
}

void ChatTemplate::Impl::add_config_templates(const Json& entry) {
  if (entry.is_string()) return add("default", std::string(entry.as_string()));
  for (const Json& element : entry.elements())
    add(std::string(element.at("name").as_string()),
        std::string(element.at("template").as_string()));
}

ChatTemplate ChatTemplate::parse(const ChatFiles& files) {
  auto impl = std::make_shared<Impl>();
  std::optional<Json> config;
  if (files.tokenizer_config_json)
    config = Json::parse(*files.tokenizer_config_json, "tokenizer_config.json");
  if (config) add_special_tokens(*config, impl->special_tokens);
  // Newer checkpoints say everything in tokenizer_config.json; transformers leaves the other alone.
  if (files.special_tokens_map_json && !(config && config->find("added_tokens_decoder")))
    add_special_tokens(Json::parse(*files.special_tokens_map_json, "special_tokens_map.json"),
                       impl->special_tokens);
  if (files.chat_template_jinja || !files.additional_templates.empty()) {
    impl->origin = "chat_template.jinja";
    if (files.chat_template_jinja) impl->add("default", *files.chat_template_jinja);
    for (const auto& [name, source] : files.additional_templates) impl->add(name, source);
  } else if (const auto entry = config ? config->find("chat_template") : std::nullopt) {
    impl->origin = "tokenizer_config.json: chat_template";
    impl->add_config_templates(*entry);
  } else if (const auto name = find_built_in_template(files.tokenizer_json); !name.empty()) {
    impl->origin = fmt::format("built-in {}", name);
    impl->add("default", built_in_chat_template(name));
  }
  return ChatTemplate(std::move(impl));
}

ChatTemplate ChatTemplate::load(const std::filesystem::path& model_dir) {
  require(std::filesystem::is_directory(model_dir), "{} is not a folder", model_dir.string());
  ChatFiles files{
      .tokenizer_config_json = read_if_there(model_dir / "tokenizer_config.json", kMaxJsonBytes),
      .special_tokens_map_json =
          read_if_there(model_dir / "special_tokens_map.json", kMaxJsonBytes),
      .chat_template_jinja = read_if_there(model_dir / "chat_template.jinja", kMaxTemplateBytes),
      .additional_templates = read_additional(model_dir / "additional_chat_templates")};
  Bytes tokenizer;
  if (std::filesystem::exists(model_dir / "tokenizer.json")) {
    tokenizer = map_file(model_dir / "tokenizer.json");
    files.tokenizer_json = tokenizer.text();
  }
  return parse(files);
}

std::string ChatTemplate::render(const ChatRequest& request) const {
  check_dicts(request.tools, "tools must be a list of JSON schemas (objects)");
  check_dicts(request.documents, "documents must be a list of objects with \"title\" and \"text\"");
  std::optional<NamedTemplate> given;
  const NamedTemplate* chosen = nullptr;
  if (request.chat_template) {
    chosen = impl_->find(*request.chat_template);
    if (chosen == nullptr) {
      given = compile("given", *request.chat_template, "the given chat template");
      chosen = &*given;
    }
  } else {
    chosen = &impl_->choose(request);
  }

  Dict variables = copy_of(impl_->special_tokens);
  for (const auto& [name, value] : request.variables.members) variables.set(name, value);
  const auto set = [&](const char* name, Value value) {
    variables.set(Value::text(name), std::move(value));
  };
  set("tools", request.tools);
  set("documents", request.documents);
  set("add_generation_prompt", request.add_generation_prompt);
  if (!request.continue_final_message) {
    set("messages", request.messages);
    return chosen->compiled.render(variables, request.options);
  }
  const std::string& field = *request.continue_final_message;
  require(!request.add_generation_prompt,
          "continue_final_message and add_generation_prompt are not compatible. Use "
          "continue_final_message when you want the model to continue the final message, and "
          "add_generation_prompt when you want to add a header that will prompt it to start a new "
          "assistant message instead.");
  Continued continued = mark_end(request.messages, field);
  require(chosen->source.find(field) != std::string::npos,
          "continue_final_message is set to \"{}\" but this is not an accepted field in the "
          "chat_template",
          field);
  set("messages", std::move(continued.messages));
  return cut_at_mark(chosen->compiled.render(variables, request.options), continued.text);
}

std::vector<std::string> ChatTemplate::names() const {
  std::vector<std::string> names;
  for (const NamedTemplate& entry : impl_->templates) names.push_back(entry.name);
  return names;
}

const std::string& ChatTemplate::origin() const { return impl_->origin; }

std::string_view ChatTemplate::source() const {
  const NamedTemplate* found = impl_->find("default");
  return found != nullptr ? std::string_view(found->source) : "";
}

ChatRequest ChatRequest::from_json(const Json& json) {
  require(json.is_object(), "{} must be an object", json.where());
  ChatRequest request;
  bool has_messages = false;
  for (const auto& [key, value] : json.members()) {
    const auto flag = [&key = key, &value = value](bool fallback) {
      if (value.is_null()) return fallback;
      require(value.is_bool(), "{} must be true or false", key);
      return value.as_bool();
    };
    if (key == "messages") {
      require(value.is_array(), "messages must be a list");
      request.messages = Value::from_json(value.element());
      has_messages = true;
    } else if (key == "tools") {
      request.tools = Value::from_json(value.element());
    } else if (key == "documents") {
      request.documents = Value::from_json(value.element());
    } else if (key == "add_generation_prompt") {
      request.add_generation_prompt = flag(false);
    } else if (key == "continue_final_message") {
      if (value.is_string())
        request.continue_final_message = value.as_string();
      else if (flag(false))
        request.continue_final_message = "content";
    } else if (key == "chat_template") {
      require(value.is_string() || value.is_null(), "chat_template must be a string");
      if (value.is_string()) request.chat_template = value.as_string();
    } else {
      request.variables.set(Value::text(key), Value::from_json(value.element()));
    }
  }
  require(has_messages, "a conversation needs \"messages\"");
  return request;
}

}  // namespace linnet::text
