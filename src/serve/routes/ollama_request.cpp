#include "serve/routes/ollama_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/thinking.hpp"
#include "serve/tool_choice.hpp"

namespace linnet::serve {
namespace {

// Ollama's own, which its clients count on.
constexpr float kTemperature = 0.8F;
constexpr float kTopP = 0.9F;
constexpr int64_t kTopK = 40;

using R = OllamaRequest;

template <class Check>
void refuse_unless(const Json& json, Check is_nothing) {
  if (!is_nothing(json)) fail(ErrorCode::unsupported, "{} is not supported", json.where());
}
void refuse_text(R&, const Json& json) {
  refuse_unless(json, [](const Json& j) { return j.as_string().empty(); });
}
void refuse_list(R&, const Json& json) {
  refuse_unless(json, [](const Json& j) { return j.elements().empty(); });
}
void refuse_true(R&, const Json& json) {
  refuse_unless(json, [](const Json& j) { return !j.as_bool(); });
}

void read_repeat_last_n(R& request, const Json& json) {
  const int64_t last = json.as_integer();
  require(last == -1 || last == 0,
          "{} is {}: penalties look at the whole text (-1), or are off (0)", json.where(), last);
  request.penalties = last != 0;
}

void read_num_predict(R& request, const Json& json) {
  // -1 is no limit, -2 the rest of the context, and 0 none that Ollama keeps to.
  const int64_t tokens = integer_between(json, -2, std::numeric_limits<int32_t>::max());
  request.batch.options.max_tokens = tokens > 0 ? tokens : kNoLimit;
}

const FieldReaders<R>& option_fields() {
  static const FieldReaders<R> readers{
      {"temperature", [](R& r, const Json& j) { sampling_fields().at("temperature")(r, j); }},
      {"top_k", [](R& r, const Json& j) { sampling_fields().at("top_k")(r, j); }},
      {"top_p", [](R& r, const Json& j) { sampling_fields().at("top_p")(r, j); }},
      {"min_p", [](R& r, const Json& j) { sampling_fields().at("min_p")(r, j); }},
      {"seed", [](R& r, const Json& j) { sampling_fields().at("seed")(r, j); }},
      {"stop", [](R& r, const Json& j) { sampling_fields().at("stop")(r, j); }},
      {"repeat_penalty",
       [](R& r, const Json& j) { sampling_fields().at("repetition_penalty")(r, j); }},
      {"presence_penalty",
       [](R& r, const Json& j) { sampling_fields().at("presence_penalty")(r, j); }},
      {"frequency_penalty",
       [](R& r, const Json& j) { sampling_fields().at("frequency_penalty")(r, j); }},
      {"repeat_last_n", read_repeat_last_n},
      {"num_predict", read_num_predict},
      {"num_ctx",
       [](R& r, const Json& j) {
         r.num_ctx = integer_between(j, 1, std::numeric_limits<int32_t>::max());
       }},
  };
  return readers;
}

void read_options(R& request, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    const auto reader = option_fields().find(name);
    require(reader != option_fields().end(), "{} is no option of this server", value.where());
    if (!value.is_null()) reader->second(request, value);
  }
}

void read_format(R& request, const Json& json) {
  if (json.is_object()) {
    request.batch.options.grammar = Grammar::json_schema(json_text(json));
    return;
  }
  const std::string_view format = json.as_string();
  require(format.empty() || format == "json", "{} is \"{}\", expected \"json\" or a schema",
          json.where(), printable(format));
  if (format == "json") request.batch.options.grammar = Grammar::json();
}

void read_think(R& request, const Json& json) {
  if (json.is_string())
    fail(ErrorCode::unsupported, "{} is \"{}\": only true and false are supported", json.where(),
         printable(json.as_string()));
  request.batch.chat.enable_thinking = json.as_bool();
}

Role read_role(const Json& json) {
  const std::string_view name = json.as_string();
  for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool})
    if (name == to_string(role)) return role;
  fail(ErrorCode::invalid_argument, "{} is \"{}\", expected system, user, assistant or tool",
       json.where(), printable(name));
}

ToolCall read_call(const Json& json) {
  check_members(json, {"id", "type", "function"});
  const Json function = json.at("function");
  check_members(function, {"index", "name", "arguments"});
  const Json arguments = function.at("arguments");
  require(arguments.is_object(), "{} is {}, not an object", arguments.where(),
          json_type_name(arguments.element()));
  return {.name = std::string(function.at("name").as_string()),
          .arguments = json_text(arguments),
          .id = json.get("id", "")};
}

Message read_message(R& request, const Json& json) {
  require(json.is_object(), "{} is {}, not an object", json.where(),
          json_type_name(json.element()));
  check_members(
      json, {"role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"});
  if (const auto images = json.find("images")) refuse_list(request, *images);
  Message message{.role = read_role(json.at("role")),
                  .content = json.get("content", ""),
                  .reasoning_content = json.get("thinking", ""),
                  .tool_call_id = json.get("tool_call_id", ""),
                  .name = json.get("tool_name", "")};
  if (const auto calls = json.find("tool_calls"))
    for (const Json& call : calls->elements()) message.tool_calls.push_back(read_call(call));
  return message;
}

void read_messages(R& request, const Json& json) {
  for (const Json& message : json.elements())
    request.batch.messages.push_back(read_message(request, message));
  if (request.batch.messages.empty()) return;
  const Message& last = request.batch.messages.back();
  // Ollama's templates leave a last turn of the assistant open.
  if (last.role != Role::assistant || last.content.empty() || !last.tool_calls.empty()) return;
  request.batch.chat.continue_final_message = true;
  request.batch.chat.add_generation_prompt = false;
}

FieldReaders<R> with_shared_fields(FieldReaders<R> fields) {
  fields.insert({
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"stream", [](R& r, const Json& j) { r.stream = j.as_bool(); }},
      {"format", read_format},
      {"options", read_options},
      {"think", read_think},
      {"keep_alive", [](R& r, const Json& j) { r.unload = read_keep_alive(j); }},
      {"logprobs", [](R& r, const Json& j) { r.logprobs = j.as_bool(); }},
      {"top_logprobs",
       [](R& r, const Json& j) { r.batch.options.top_logprobs = integer_between(j, 0, 20); }},
      // A conversation that does not fit is an error here, not cut.
      {"truncate", refuse_true},
      {"shift", refuse_true},
  });
  return fields;
}

R read(const std::string& body, const FieldReaders<R>& fields) {
  R request;
  request.stream = true;
  request.batch.options.max_tokens = kNoLimit;
  read_fields(parse_body(body), fields, request);
  if (request.model.empty())
    throw ApiError(400, "the request has no model", "missing_field", "model");
  if (request.batch.options.top_logprobs > 0 && !request.logprobs)
    throw ApiError(400, "top_logprobs needs logprobs", "invalid_value", "top_logprobs");
  if (!request.batch.chat.tools.empty() && request.batch.options.grammar)
    throw ApiError(400, "an answer in the form of format cannot call tools: leave one out",
                   "invalid_value", "format");
  return request;
}

}  // namespace

bool read_keep_alive(const Json& json) {
  if (json.is_number()) return json.as_number() == 0;
  const std::string_view time = json.as_string();
  const bool is_time = !time.empty() &&
                       time.find_first_not_of("-+.0123456789hmsunµ") == time.npos &&
                       time.find_first_of("0123456789") != time.npos;
  require(is_time, "{} is \"{}\", expected seconds or a time such as 5m", json.where(),
          printable(time));
  return time.find_first_of("123456789") == time.npos;
}

const FieldReaders<OllamaRequest>& ollama_chat_fields() {
  static const FieldReaders<R> fields = with_shared_fields({
      {"messages", read_messages},
      {"tools", [](R& r, const Json& j) { read_tools(r, j); }},
  });
  return fields;
}

const FieldReaders<OllamaRequest>& ollama_generate_fields() {
  static const FieldReaders<R> fields = with_shared_fields({
      {"prompt", [](R& r, const Json& j) { r.prompt = j.as_string(); }},
      {"system", [](R& r, const Json& j) { r.system = j.as_string(); }},
      {"raw", [](R& r, const Json& j) { r.raw = j.as_bool(); }},
      {"suffix", refuse_text},
      {"template", refuse_text},
      {"context", refuse_list},
      {"images", refuse_list},
  });
  return fields;
}

OllamaRequest read_ollama_chat(const std::string& body) { return read(body, ollama_chat_fields()); }

OllamaRequest read_ollama_generate(const std::string& body) {
  OllamaRequest request = read(body, ollama_generate_fields());
  if (request.raw && !request.system.empty())
    throw ApiError(400, "a raw prompt is the whole text: system has no place in it",
                   "invalid_value", "system");
  return request;
}

void complete_ollama(OllamaRequest& request, const ModelCard& card) {
  if (request.num_ctx > card.context_length)
    throw ApiError(400,
                   fmt::format("options.num_ctx is {}, and {} has {}", request.num_ctx, card.name,
                               card.context_length),
                   "invalid_value", "options.num_ctx");
  if (!request.raw) check_thinking(request, card, "think");
  GenerateOptions& options = request.batch.options;
  const auto fill = [](bool& given, bool model_has, auto& option, auto value) {
    if (given || model_has) return;
    option = value;
    given = true;
  };
  const SamplingDefaults& model = card.sampling;
  fill(request.has_temperature, model.temperature.has_value(), options.temperature, kTemperature);
  fill(request.has_top_p, model.top_p.has_value(), options.top_p, kTopP);
  fill(request.has_top_k, model.top_k.has_value(), options.top_k, kTopK);
  if (!request.penalties) {
    options.repetition_penalty = 1;
    options.presence_penalty = 0;
    options.frequency_penalty = 0;
    request.has_repetition_penalty = true;
  }
  if (request.prompt.empty()) return;
  if (request.raw || !card.has_chat_template) {
    if (!request.system.empty())
      throw ApiError(422,
                     fmt::format("{} has no chat template, and so no system prompt", card.name),
                     "unsupported", "system");
    request.batch.prompt = request.prompt;
    return;
  }
  if (!request.system.empty())
    request.batch.messages.push_back({.role = Role::system, .content = request.system});
  request.batch.messages.push_back({.role = Role::user, .content = request.prompt});
}

}  // namespace linnet::serve
