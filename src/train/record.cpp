#include "train/record.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"

namespace linnet::train {
namespace {

using text::jinja::Dict;
using text::jinja::Value;

constexpr size_t kMaxMessages = 4096;

Value text_value(std::string_view text) { return Value::text(std::string(text)); }

// Roles of templates; "developer" is OpenAI's newer word.
std::string_view parse_role(const Json& json) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kRoles{
      {{"system", "system"},
       {"developer", "system"},
       {"user", "user"},
       {"assistant", "assistant"},
       {"tool", "tool"},
       {"human", "user"},
       {"gpt", "assistant"},
       {"model", "assistant"},
       {"function", "tool"},
       {"observation", "tool"}}};
  const std::string_view name = json.as_string();
  for (const auto& [known, role] : kRoles)
    if (name == known) return role;
  fail(ErrorCode::malformed_file, "{} is \"{}\"; there are system, user, assistant and tool",
       json.where(), printable(name));
}

// A string, or the texts of a list of parts.
std::string parse_content(const Json& json) {
  if (!json.is_array()) return std::string(json.as_string());
  std::string text;
  for (const Json& part : json.elements()) {
    const std::string type = part.get("type", "text");
    if (type != "text")
      fail(ErrorCode::unsupported, "{} has the type \"{}\"; only text is supported", part.where(),
           printable(type));
    text += part.at("text").as_string();
  }
  return text;
}

// OpenAI's interface writes arguments as a string with JSON in it; templates want the object.
Value parse_arguments(const Json& json) {
  if (!json.is_string()) return Value::from_json(json.element());
  return Value::from_json(Json::parse_exactly(json.as_string(), json.where()).element());
}

Value parse_function(const Json& json) {
  Dict function;
  (void)json.at("name").as_string();
  for (const auto& [key, value] : json.members())
    function.set(text_value(key),
                 key == "arguments" ? parse_arguments(value) : Value::from_json(value.element()));
  return Value::dict(std::move(function));
}

Value parse_tool_call(const Json& json) {
  if (!json.find("function")) return parse_function(json);
  Dict call;
  for (const auto& [key, value] : json.members())
    call.set(text_value(key),
             key == "function" ? parse_function(value) : Value::from_json(value.element()));
  return Value::dict(std::move(call));
}

struct Names {
  std::string_view role = "role";
  std::string_view content = "content";
};

void parse_message(const Json& json, const Names& names, bool learnable, Record& record) {
  Dict message;
  const std::string_view role = parse_role(json.at(names.role));
  message.set(text_value("role"), text_value(role));
  bool calls = false;
  if (const auto list = json.find("tool_calls")) {
    std::vector<Value> items;
    for (const Json& call : list->elements()) items.push_back(parse_tool_call(call));
    calls = !items.empty();
    if (calls) message.set(text_value("tool_calls"), Value::list(std::move(items)));
  }
  if (const auto content = json.find(names.content)) {
    std::string text = parse_content(*content);
    record.role_bytes[std::string(role)] += std::ssize(text);
    message.set(text_value("content"), Value::text(std::move(text)));
  } else if (calls) {
    message.set(text_value("content"), Value::None{});
  } else {
    fail(ErrorCode::malformed_file, "{} has no \"{}\"", json.where(), names.content);
  }
  double weight = 1;
  for (const auto& [key, value] : json.members()) {
    if (key == names.role || key == names.content || key == "tool_calls" || value.is_null())
      continue;
    if (key == "function_call")
      fail(ErrorCode::unsupported, "{} is of an interface that is no more; write tool_calls",
           value.where());
    if (key == "weight") {
      weight = value.as_number();
      if (weight != 0 && weight != 1)
        fail(ErrorCode::unsupported, "{} is {}; it can be 0 or 1", value.where(), weight);
    } else {
      message.set(text_value(key), Value::from_json(value.element()));
    }
  }
  record.messages.push_back(Value::dict(std::move(message)));
  record.learned.push_back(learnable && role == "assistant" && weight != 0);
}

void parse_messages(const Json& json, const Names& names, bool learnable, Record& record) {
  const std::vector<Json> list = json.elements();
  if (list.size() > kMaxMessages - record.messages.size())
    fail(ErrorCode::unsupported, "{} has {} messages, the limit is {}", json.where(), list.size(),
         kMaxMessages);
  for (const Json& message : list) parse_message(message, names, learnable, record);
}

void parse_chat_members(const Json& json, Record& record) {
  record.kind = Record::Kind::chat;
  if (const auto tools = json.find("tools")) {
    // Tables of data sets keep lists of unlike objects as texts.
    const Json list =
        tools->is_string() ? Json::parse_exactly(tools->as_string(), tools->where()) : *tools;
    if (!list.elements().empty()) record.tools = Value::from_json(list.element());
  }
  if (const auto variables = json.find("chat_template_kwargs"))
    for (const auto& [key, value] : variables->members())
      record.variables.emplace_back(key, Value::from_json(value.element()));
  if (std::ranges::find(record.learned, true) == record.learned.end())
    fail(ErrorCode::malformed_file, "{}: no message to learn: none of the assistant's",
         json.where());
}

void parse_prompt(const Json& json, const Json& prompt, Record& record) {
  const Json completion = json.at("completion");
  if (prompt.is_array()) {
    parse_messages(prompt, {}, false, record);
    parse_messages(completion, {}, true, record);
    return parse_chat_members(json, record);
  }
  record.kind = Record::Kind::completion;
  record.prompt = record.user_turn = prompt.as_string();
  record.completion = completion.as_string();
  record.role_bytes["prompt"] = std::ssize(record.prompt);
  record.role_bytes["completion"] = std::ssize(record.completion);
}

// As Stanford's Alpaca was trained (Taori et al. 2023). An output follows the colon directly.
void parse_instruction(const Json& json, const Json& instruction, Record& record) {
  const auto input = json.find("input");
  const std::string_view task = instruction.as_string();
  const std::string_view context =
      input && !input->is_null() ? input->as_string() : std::string_view();
  record.kind = Record::Kind::completion;
  record.prompt = fmt::format(
      "Below is an instruction that describes a task{}. Write a response that appropriately "
      "completes the request.\n\n### Instruction:\n{}\n\n",
      context.empty() ? "" : ", paired with an input that provides further context", task);
  if (!context.empty()) record.prompt += fmt::format("### Input:\n{}\n\n", context);
  record.prompt += "### Response:";
  record.user_turn = context.empty() ? std::string(task) : fmt::format("{}\n\n{}", task, context);
  record.completion = json.at("output").as_string();
  record.role_bytes["prompt"] = std::ssize(record.prompt);
  record.role_bytes["completion"] = std::ssize(record.completion);
}

}  // namespace

Record Record::parse(std::string_view line, const std::string& where, const LabelFields* labelled) {
  const Json json = Json::parse_exactly(line, where);
  if (!json.is_object()) fail(ErrorCode::malformed_file, "{}: not a JSON object", where);
  const auto messages = json.find("messages");
  const auto conversations = json.find("conversations");
  const auto prompt = json.find("prompt");
  const std::string text_field = labelled != nullptr ? labelled->text : "text";
  const auto text = json.find(text_field);
  const auto instruction = json.find("instruction");
  // A prompt alone, beside another shape, is one of the further members.
  const bool completes =
      prompt && (json.find("completion") || !(messages || conversations || text));
  const int shapes =
      messages.has_value() + conversations.has_value() + text.has_value() + (completes ? 1 : 0);
  Record record;
  if (shapes == 0 && instruction) {
    parse_instruction(json, *instruction, record);
    return record;
  }
  if (shapes != 1)
    fail(
        ErrorCode::malformed_file,
        "{}: {} of \"messages\", \"conversations\", \"prompt\", \"{}\" and \"instruction\"; one is "
        "needed",
        where, shapes == 0 ? "none" : "several", printable(text_field));
  if (messages) {
    parse_messages(*messages, {}, true, record);
    parse_chat_members(json, record);
  } else if (conversations) {
    parse_messages(*conversations, {.role = "from", .content = "value"}, true, record);
    parse_chat_members(json, record);
  } else if (completes) {
    parse_prompt(json, *prompt, record);
  } else {
    record.text = text->as_string();
    record.role_bytes["text"] = std::ssize(record.text);
    if (labelled != nullptr) {
      record.kind = Kind::label;
      record.label = json.at(labelled->label).as_string();
      record.role_bytes["label"] = std::ssize(record.label);
    } else {
      record.unlearned_label = json.find(LabelFields{}.label).has_value();
    }
  }
  return record;
}

std::string_view role_of(const Value& message) {
  return message.dict()->find(std::string_view("role"))->view();
}

Value with_member(const Value& message, std::string_view key, Value value) {
  Dict copy;
  for (const auto& [name, member] : message.dict()->members) copy.set(name, member);
  copy.set(text_value(key), std::move(value));
  return Value::dict(std::move(copy));
}

}  // namespace linnet::train
