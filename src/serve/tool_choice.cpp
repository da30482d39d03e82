#include "serve/tool_choice.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/reply_format.hpp"

namespace linnet::serve {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// How a model writes a call: what stands round the JSON, and the name of its arguments.
struct CallForm {
  std::string before;
  std::string after;
  std::string arguments = "arguments";
};

CallForm call_form(const ModelCard& card) {
  switch (text::reply_format(card.chat_template, "", true).tools) {
    case text::ToolFormat::hermes: return {"<tool_call>\n", "\n</tool_call>"};
    case text::ToolFormat::llama3: return {"", "", "parameters"};
    case text::ToolFormat::mistral: return {"[", "]"};
    case text::ToolFormat::plain_json: return {};
    case text::ToolFormat::none: break;
  }
  throw ApiError(422, fmt::format("{} has no form for calls of tools", card.name), "unsupported",
                 "tool_choice");
}

/// The schema of a call of one of the tools, or of the one that was chosen.
std::string call_schema(const OrderedJson& tools, const TextRequest& request,
                        const std::string& arguments) {
  OrderedJson calls = OrderedJson::array();
  for (const OrderedJson& tool : tools) {
    const OrderedJson& function = tool.at("function");
    const std::string name = function.at("name").get<std::string>();
    if (request.tool_choice_named && name != request.tool_choice) continue;
    const auto parameters = function.find("parameters");
    OrderedJson properties{{"name", {{"const", name}}}};
    properties[arguments] = parameters != function.end() && parameters->is_object()
                                ? *parameters
                                : OrderedJson{{"type", "object"}};
    calls.push_back({{"type", "object"},
                     {"properties", std::move(properties)},
                     {"required", {"name", arguments}},
                     {"additionalProperties", false}});
  }
  if (calls.empty())
    throw ApiError(400,
                   fmt::format("there is no tool \"{}\" to call", printable(request.tool_choice)),
                   "invalid_value", "tool_choice");
  return OrderedJson{{"anyOf", std::move(calls)}}.dump();
}

}  // namespace

void read_tools(TextRequest& request, const Json& json) {
  for (const Json& tool : json.elements()) {
    require(tool.at("type").as_string() == "function", "{} is not \"function\"",
            tool.at("type").where());
    (void)tool.at("function").at("name").as_string();
  }
  if (!json.elements().empty()) request.batch.chat.tools = json_text(json);
}

void read_tool_choice(TextRequest& request, const Json& json) {
  if (json.is_string()) {
    request.tool_choice = json.as_string();
    require(request.tool_choice == "none" || request.tool_choice == "auto" ||
                request.tool_choice == "required",
            "{} is \"{}\", expected none, auto, required or a function", json.where(),
            printable(request.tool_choice));
    return;
  }
  require(json.at("type").as_string() == "function", "{} is not \"function\"",
          json.at("type").where());
  request.tool_choice = json.at("function").at("name").as_string();
  request.tool_choice_named = true;
}

void apply_tool_choice(TextRequest& request, const ModelCard& card) {
  std::string& tools = request.batch.chat.tools;
  const bool must = request.tool_choice_named || request.tool_choice == "required";
  if (tools.empty()) {
    if (must) throw ApiError(400, "tool_choice needs tools", "invalid_value", "tool_choice");
    return;
  }
  if (!request.tool_choice_named && request.tool_choice == "none") {
    tools.clear();
    return;
  }
  if (request.batch.options.grammar)
    throw ApiError(400,
                   "an answer in the form of response_format cannot call tools: leave one out, or "
                   "set tool_choice to none",
                   "invalid_value", "response_format");
  if (!must) return;
  const CallForm form = call_form(card);
  try {
    request.batch.options.grammar =
        Grammar::json_schema(call_schema(OrderedJson::parse(tools), request, form.arguments),
                             JsonWhitespace::flexible, form.before, form.after);
  } catch (const Error& error) {
    throw ApiError(error.code() == ErrorCode::unsupported ? 422 : 400, error.what(), "unsupported",
                   "tools");
  }
}

}  // namespace linnet::serve
