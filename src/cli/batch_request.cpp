#include "cli/batch_request.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/arguments.hpp"
#include "cli/chat_file.hpp"
#include "cli/sampling_options.hpp"

namespace linnet::cli {
namespace {

std::string json_text(const Json& json) { return simdjson::minify(json.element()); }

int32_t token_id(const Json& json) {
  const int64_t id = json.as_integer();
  require(id >= std::numeric_limits<int32_t>::min() && id <= std::numeric_limits<int32_t>::max(),
          "{} is {}, which is no token id", json.where(), id);
  return static_cast<int32_t>(id);
}

std::vector<int32_t> token_ids(const Json& json) {
  std::vector<int32_t> ids;
  for (const Json& id : json.elements()) ids.push_back(token_id(id));
  return ids;
}

/// A number, or "inf" or "-inf", which JSON has no numbers for.
float bias_value(const Json& json) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!json.is_string()) return static_cast<float>(json.as_number());
  const std::string_view text = json.as_string();
  require(text == "inf" || text == "-inf", "{} is \"{}\", not a number, \"inf\" or \"-inf\"",
          json.where(), printable(text));
  return text == "inf" ? kInfinity : -kInfinity;
}

/// {"42": -1.5} or [[42, -1.5]].
std::vector<std::pair<int32_t, float>> logit_bias(const Json& json) {
  std::vector<std::pair<int32_t, float>> result;
  if (json.is_array()) {
    for (const Json& pair : json.elements()) {
      const std::vector<Json> both = pair.elements();
      require(both.size() == 2, "{} has {} elements, not an id and a value", pair.where(),
              both.size());
      result.emplace_back(token_id(both[0]), bias_value(both[1]));
    }
    return result;
  }
  for (const auto& [name, value] : json.members()) {
    int32_t id = 0;
    require(parse_number(name, id), "\"{}\" in {} is no token id", printable(name), json.where());
    result.emplace_back(id, bias_value(value));
  }
  return result;
}

std::vector<std::string> texts(const Json& json) {
  std::vector<std::string> result;
  for (const Json& text : json.elements()) result.emplace_back(text.as_string());
  return result;
}

std::vector<Message> messages(const Json& json) {
  require(json.is_array(), "{} is no array", json.where());
  std::vector<Message> result;
  for (ChatMessage& entry : parse_conversation(json_text(json), "messages").messages)
    result.push_back(std::move(entry.message));
  require(!result.empty(), "messages are none");
  return result;
}

/// JSON text of an array or an object.
std::string structure(const Json& json) {
  require(json.is_array() || json.is_object(), "{} is neither an array nor an object",
          json.where());
  return json_text(json);
}

using Setter = void (*)(BatchRequest&, const Json&);

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> table{
      {"prompt", [](BatchRequest& r, const Json& j) { r.prompt = j.as_string(); }},
      {"ids", [](BatchRequest& r, const Json& j) { r.ids = token_ids(j); }},
      {"messages", [](BatchRequest& r, const Json& j) { r.messages = messages(j); }},
      {"logit_bias", [](BatchRequest& r, const Json& j) { r.options.logit_bias = logit_bias(j); }},
      {"stop_ids", [](BatchRequest& r, const Json& j) { r.options.stop_ids = token_ids(j); }},
      {"stop_strings", [](BatchRequest& r, const Json& j) { r.options.stop_strings = texts(j); }},
      {"bad_words", [](BatchRequest& r, const Json& j) { r.options.bad_words = texts(j); }},
      {"ignore_eos", [](BatchRequest& r, const Json& j) { r.options.ignore_eos = j.as_bool(); }},
      {"top_logprobs",
       [](BatchRequest& r, const Json& j) { r.options.top_logprobs = j.as_integer(); }},
      {"json_schema",
       [](BatchRequest& r, const Json& j) {
         r.options.grammar = Grammar::json_schema(json_text(j));
       }},
      {"json_object",
       [](BatchRequest& r, const Json& j) {
         if (j.as_bool()) r.options.grammar = Grammar::json();
       }},
      {"regex",
       [](BatchRequest& r, const Json& j) { r.options.grammar = Grammar::regex(j.as_string()); }},
      {"grammar",
       [](BatchRequest& r, const Json& j) { r.options.grammar = Grammar::gbnf(j.as_string()); }},
      {"add_special_tokens",
       [](BatchRequest& r, const Json& j) { r.options.add_special_tokens = j.as_bool(); }},
      {"priority",
       [](BatchRequest& r, const Json& j) {
         const int64_t value = j.as_integer();
         require(
             value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max(),
             "{} is {}, which is out of range", j.where(), value);
         r.options.priority = static_cast<int>(value);
       }},
      {"max_queue_seconds",
       [](BatchRequest& r, const Json& j) { r.options.max_queue_seconds = j.as_number(); }},
      {"add_generation_prompt",
       [](BatchRequest& r, const Json& j) { r.chat.add_generation_prompt = j.as_bool(); }},
      {"continue_final_message",
       [](BatchRequest& r, const Json& j) { r.chat.continue_final_message = j.as_bool(); }},
      {"enable_thinking",
       [](BatchRequest& r, const Json& j) { r.chat.enable_thinking = j.as_bool(); }},
      {"tools", [](BatchRequest& r, const Json& j) { r.chat.tools = structure(j); }},
      {"documents", [](BatchRequest& r, const Json& j) { r.chat.documents = structure(j); }},
      {"variables", [](BatchRequest& r, const Json& j) { r.chat.variables = structure(j); }},
      {"chat_template",
       [](BatchRequest& r, const Json& j) { r.chat.chat_template = j.as_string(); }},
  };
  return table;
}

/// Of conversations alone.
constexpr std::array<std::string_view, 7> kChatMembers{"add_generation_prompt",
                                                       "continue_final_message",
                                                       "enable_thinking",
                                                       "tools",
                                                       "documents",
                                                       "variables",
                                                       "chat_template"};

/// A text can have one of these forms.
constexpr std::array<std::string_view, 4> kForms{"json_schema", "json_object", "regex", "grammar"};

bool set_number(GenerateOptions& options, std::string_view name, const Json& value) {
  for (const SamplingNumber& number : sampling_numbers()) {
    if (!std::ranges::equal(number.name, name,
                            [](char a, char b) { return (a == '-' ? '_' : a) == b; }))
      continue;
    require(value.is_number(), "{} is {}, not a number", value.where(),
            json_type_name(value.element()));
    std::visit(
        [&](const auto member) {
          auto parsed = options.*member;
          const std::string text = json_text(value);
          require(parse_number(text, parsed), "{} is {}, which is no number that it can have",
                  value.where(), text);
          options.*member = parsed;
        },
        number.member);
    return true;
  }
  return false;
}

}  // namespace

nlohmann::ordered_json request_id(const Json& object) {
  const std::optional<Json> id = object.find("id");
  if (!id) return nullptr;
  require(id->is_string() || id->is_number(), "\"id\" is {}, neither a string nor a number",
          json_type_name(id->element()));
  return nlohmann::ordered_json::parse(json_text(*id));
}

BatchRequest parse_request(const Json& object, const GenerateOptions& defaults) {
  BatchRequest request{.options = defaults};
  int kinds = 0;
  int forms = 0;
  for (const auto& [name, value] : object.members()) {
    if (name == "id" || value.is_null()) continue;
    if (set_number(request.options, name, value)) continue;
    const auto setter = setters().find(name);
    require(setter != setters().end(), "there is no member \"{}\"", printable(name));
    setter->second(request, value);
    kinds += name == "prompt" || name == "ids" || name == "messages" ? 1 : 0;
    forms += std::ranges::find(kForms, name) != kForms.end() ? 1 : 0;
  }
  require(kinds == 1, "a request has one of \"prompt\", \"ids\" and \"messages\"; this one has {}",
          kinds);
  require(forms <= 1,
          "the text can have one form only: \"json_schema\", \"json_object\", "
          "\"regex\" or \"grammar\"");
  if (request.messages.empty())
    for (const std::string_view name : kChatMembers)
      require(!object.find(name), "\"{}\" is for \"messages\"", name);
  return request;
}

}  // namespace linnet::cli
