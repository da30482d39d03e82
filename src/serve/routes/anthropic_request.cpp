#include "serve/routes/anthropic_request.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::serve {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr size_t kMaxStops = 16;

/// Marks where a prefix is worth keeping. linnet keeps all of them.
void check_cache_control(const Json& json) {
  check_members(json, {"type", "ttl"});
  require(json.at("type").as_string() == "ephemeral", "{} is \"{}\", expected ephemeral",
          json.at("type").where(), printable(json.at("type").as_string()));
  (void)json.get("ttl", "5m");
}

std::string block_type(const Json& block) {
  require(block.is_object(), "{} is {}, not an object", block.where(),
          json_type_name(block.element()));
  if (const auto control = block.find("cache_control")) check_cache_control(*control);
  return std::string(block.at("type").as_string());
}

[[noreturn]] void unsupported_block(const Json& block, const std::string& type) {
  fail(ErrorCode::unsupported, "{} has the type \"{}\", which is not supported", block.where(),
       printable(type));
}

std::string read_text_block(const Json& block) {
  check_members(block, {"type", "text", "cache_control", "citations"});
  if (const auto citations = block.find("citations"))
    require(citations->elements().empty(), "{} is not supported", citations->where());
  return std::string(block.at("text").as_string());
}

/// A string, or a list of text blocks.
std::string read_texts(const Json& json) {
  if (json.is_string()) return std::string(json.as_string());
  std::string text;
  for (const Json& block : json.elements()) {
    const std::string type = block_type(block);
    if (type != "text") unsupported_block(block, type);
    text += read_text_block(block);
  }
  return text;
}

ToolCall read_tool_use(const Json& block) {
  check_members(block, {"type", "id", "name", "input", "cache_control", "caller"});
  if (const auto caller = block.find("caller"))
    require(caller->at("type").as_string() == "direct", "{} is not \"direct\"",
            caller->at("type").where());
  const Json input = block.at("input");
  require(input.is_object(), "{} is {}, not an object", input.where(),
          json_type_name(input.element()));
  return {.name = std::string(block.at("name").as_string()),
          .arguments = json_text(input),
          .id = std::string(block.at("id").as_string())};
}

/// Turns of a conversation, joined where one role speaks twice.
class Conversation {
 public:
  explicit Conversation(std::vector<Message>& messages) : messages_(messages) {}

  void add(const Json& json) {
    check_members(json, {"role", "content"});
    const std::string_view role = json.at("role").as_string();
    if (role == "user")
      add_user(json.at("content"));
    else if (role == "assistant")
      add_assistant(json.at("content"));
    else if (role == "system")
      append({.role = Role::system, .content = read_texts(json.at("content"))});
    else
      fail(ErrorCode::invalid_argument, "{} is \"{}\", expected user or assistant",
           json.at("role").where(), printable(role));
  }

 private:
  void add_user(const Json& content) {
    if (content.is_string()) {
      append({.role = Role::user, .content = std::string(content.as_string())});
      return;
    }
    std::optional<std::string> text;
    const auto flush = [&] {
      if (text) append({.role = Role::user, .content = *std::exchange(text, {})});
    };
    for (const Json& block : content.elements()) {
      const std::string type = block_type(block);
      if (type == "text") {
        text = text.value_or("") + read_text_block(block);
      } else if (type == "tool_result") {
        flush();
        add_tool_result(block);
      } else {
        unsupported_block(block, type);
      }
    }
    require(text || !content.elements().empty(), "{} is empty", content.where());
    flush();
  }

  void add_tool_result(const Json& block) {
    check_members(block, {"type", "tool_use_id", "content", "is_error", "cache_control"});
    Message message{.role = Role::tool,
                    .tool_call_id = std::string(block.at("tool_use_id").as_string())};
    if (const auto content = block.find("content")) message.content = read_texts(*content);
    if (block.get("is_error", false)) message.content = "Error: " + message.content;
    const ToolCall* const call = find_call(message.tool_call_id);
    require(call != nullptr, "{} is \"{}\", which no tool_use before it has",
            block.at("tool_use_id").where(), printable(message.tool_call_id));
    message.name = call->name;
    messages_.push_back(std::move(message));
  }

  void add_assistant(const Json& content) {
    if (content.is_string()) {
      append({.role = Role::assistant, .content = std::string(content.as_string())});
      return;
    }
    Message message{.role = Role::assistant};
    for (const Json& block : content.elements()) {
      const std::string type = block_type(block);
      if (type == "text") {
        message.content += read_text_block(block);
      } else if (type == "thinking") {
        check_members(block, {"type", "thinking", "signature"});
        message.reasoning_content += block.at("thinking").as_string();
      } else if (type == "tool_use") {
        message.tool_calls.push_back(read_tool_use(block));
      } else {
        unsupported_block(block, type);
      }
    }
    append(std::move(message));
  }

  void append(Message message) {
    if (messages_.empty() || messages_.back().role != message.role) {
      messages_.push_back(std::move(message));
      return;
    }
    Message& last = messages_.back();
    const auto join = [](std::string& text, const std::string& more) {
      text += (text.empty() || more.empty() ? "" : "\n\n") + more;
    };
    join(last.content, message.content);
    join(last.reasoning_content, message.reasoning_content);
    std::ranges::move(message.tool_calls, std::back_inserter(last.tool_calls));
  }

  [[nodiscard]] const ToolCall* find_call(std::string_view id) const {
    for (const Message& message : messages_)
      for (const ToolCall& call : message.tool_calls)
        if (call.id == id) return &call;
    return nullptr;
  }

  std::vector<Message>& messages_;
};

void read_turns(AnthropicRequest& request, const Json& json) {
  std::vector<Message> messages;
  Conversation conversation(messages);
  for (const Json& message : json.elements()) conversation.add(message);
  require(!messages.empty(), "{} is empty", json.where());
  const Message& last = messages.back();
  if (last.role == Role::assistant) {
    require(last.tool_calls.empty(), "{} ends with a tool_use that has no tool_result",
            json.where());
    require(!last.content.empty(), "{} ends with an empty text to go on with", json.where());
    request.batch.chat.continue_final_message = true;
    request.batch.chat.add_generation_prompt = false;
  }
  // A system prompt may have been read before.
  std::ranges::move(messages, std::back_inserter(request.batch.messages));
}

void read_system(AnthropicRequest& request, const Json& json) {
  Message message{.role = Role::system, .content = read_texts(json)};
  if (message.content.empty()) return;
  request.batch.messages.insert(request.batch.messages.begin(), std::move(message));
}

/// Their tools as OpenAI's, which is how templates know them.
void read_tools(AnthropicRequest& request, const Json& json) {
  OrderedJson tools = OrderedJson::array();
  for (const Json& tool : json.elements()) {
    const std::string type = tool.get("type", "custom");
    if (type != "custom")
      fail(ErrorCode::unsupported, "{} is \"{}\": this server runs no tools of its own",
           tool.at("type").where(), printable(type));
    check_members(tool, {"type", "name", "description", "input_schema", "cache_control", "strict",
                         "eager_input_streaming"});
    if (const auto control = tool.find("cache_control")) check_cache_control(*control);
    if (tool.get("strict", false))
      fail(ErrorCode::unsupported,
           "{} is not supported: a call is held to its schema where tool_choice asks for one",
           tool.at("strict").where());
    if (tool.get("eager_input_streaming", false))
      fail(ErrorCode::unsupported, "{} is not supported: a call comes whole",
           tool.at("eager_input_streaming").where());
    OrderedJson function{{"name", tool.at("name").as_string()}};
    if (const auto description = tool.find("description"))
      function["description"] = description->as_string();
    const Json schema = tool.at("input_schema");
    require(schema.is_object(), "{} is {}, not an object", schema.where(),
            json_type_name(schema.element()));
    function["parameters"] = OrderedJson::parse(json_text(schema));
    tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  if (!tools.empty()) request.batch.chat.tools = tools.dump();
}

void read_choice(AnthropicRequest& request, const Json& json) {
  check_members(json, {"type", "name", "disable_parallel_tool_use"});
  const std::string_view type = json.at("type").as_string();
  request.tool_choice_named = type == "tool";
  if (type == "auto" || type == "none")
    request.tool_choice = type;
  else if (type == "any")
    request.tool_choice = "required";
  else if (type == "tool")
    request.tool_choice = json.at("name").as_string();
  else
    fail(ErrorCode::invalid_argument, "{} is \"{}\", expected auto, any, tool or none",
         json.at("type").where(), printable(type));
  request.parallel_tool_calls = !json.get("disable_parallel_tool_use", false);
}

void read_thinking(AnthropicRequest& request, const Json& json) {
  const std::string_view type = json.at("type").as_string();
  require(type == "enabled" || type == "adaptive" || type == "disabled",
          "{} is \"{}\", expected enabled, adaptive or disabled", json.at("type").where(),
          printable(type));
  check_members(json, {"type", "budget_tokens", "display"});
  const std::string display = json.get("display", "summarized");
  if (display != "summarized")
    fail(ErrorCode::unsupported, "{} is \"{}\": thinking is always shown",
         json.at("display").where(), printable(display));
  // Adaptive leaves it to the model, which is what templates do that are told nothing.
  if (type != "adaptive") request.batch.chat.enable_thinking = type == "enabled";
  if (type == "enabled")
    request.thinking_budget =
        integer_between(json.at("budget_tokens"), 1, std::numeric_limits<int32_t>::max());
  else
    require(!json.find("budget_tokens"), "{} has budget_tokens, which only enabled takes",
            json.where());
}

void read_stop_sequences(AnthropicRequest& request, const Json& json) {
  std::vector<std::string> stops;
  for (const Json& stop : json.elements()) {
    require(!stop.as_string().empty(), "{} is empty", stop.where());
    stops.emplace_back(stop.as_string());
  }
  require(stops.size() <= kMaxStops, "{} has {} strings, {} at most", json.where(), stops.size(),
          kMaxStops);
  request.batch.options.stop_strings = std::move(stops);
}

void read_output_config(AnthropicRequest& request, const Json& json) {
  check_members(json, {"format"});
  const auto format = json.find("format");
  if (!format) return;
  check_members(*format, {"type", "schema"});
  require(format->at("type").as_string() == "json_schema", "{} is not \"json_schema\"",
          format->at("type").where());
  request.batch.options.grammar = Grammar::json_schema(json_text(format->at("schema")));
}

/// What is counted, and what is answered.
FieldReaders<AnthropicRequest> shared_fields() {
  using R = AnthropicRequest;
  return {
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"messages", read_turns},
      {"system", read_system},
      {"tools", read_tools},
      {"tool_choice", read_choice},
      {"thinking", read_thinking},
      {"output_config", read_output_config},
      {"cache_control", [](R&, const Json& j) { check_cache_control(j); }},
  };
}

FieldReaders<AnthropicRequest> answer_fields() {
  using R = AnthropicRequest;
  FieldReaders<R> fields = shared_fields();
  fields.insert({
      {"max_tokens", [](R& r, const Json& j) { sampling_fields().at("max_tokens")(r, j); }},
      {"stream", [](R& r, const Json& j) { sampling_fields().at("stream")(r, j); }},
      {"temperature", [](R& r, const Json& j) { sampling_fields().at("temperature")(r, j); }},
      {"top_p", [](R& r, const Json& j) { sampling_fields().at("top_p")(r, j); }},
      {"top_k", [](R& r, const Json& j) { sampling_fields().at("top_k")(r, j); }},
      {"stop_sequences", read_stop_sequences},
      // Who asks is the caller's own note; nothing depends on it.
      {"metadata",
       [](R&, const Json& j) {
         check_members(j, {"user_id"});
         (void)j.get("user_id", "");
       }},
      // There is one tier, and both are satisfied with it.
      {"service_tier",
       [](R&, const Json& j) {
         require(j.as_string() == "auto" || j.as_string() == "standard_only",
                 "{} is \"{}\", expected auto or standard_only", j.where(),
                 printable(j.as_string()));
       }},
  });
  return fields;
}

}  // namespace

const FieldReaders<AnthropicRequest>& anthropic_fields(bool count_only) {
  static const FieldReaders<AnthropicRequest> counting = shared_fields();
  static const FieldReaders<AnthropicRequest> answering = answer_fields();
  return count_only ? counting : answering;
}

AnthropicRequest read_anthropic_request(const std::string& body, bool count_only) {
  AnthropicRequest request;
  int64_t& max_tokens = request.batch.options.max_tokens;
  max_tokens = 0;
  read_fields(parse_body(body), anthropic_fields(count_only), request);
  // A system prompt alone is no conversation.
  const auto said = [](const Message& message) { return message.role != Role::system; };
  if (std::ranges::none_of(request.batch.messages, said))
    throw ApiError(400, "the request has no messages", "missing_field", "messages");
  const bool may_call = !request.batch.chat.tools.empty() &&
                        (request.tool_choice_named || request.tool_choice != "none");
  if (may_call && request.batch.options.grammar)
    throw ApiError(
        400,
        "an answer in the form of output_config cannot call tools: leave one out, or set "
        "tool_choice to none",
        "invalid_value", "output_config");
  if (count_only) return request;
  if (max_tokens == 0)
    throw ApiError(400, "the request has no max_tokens", "missing_field", "max_tokens");
  if (request.thinking_budget && *request.thinking_budget >= max_tokens)
    throw ApiError(
        400,
        fmt::format("thinking.budget_tokens is {}, which leaves nothing of max_tokens, {}",
                    *request.thinking_budget, max_tokens),
        "invalid_value", "thinking");
  return request;
}

}  // namespace linnet::serve
