// POST /v1/chat/completions, OpenAI's interface for conversations.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/messages.hpp"
#include "serve/routes/openai_json.hpp"
#include "serve/routes/routes.hpp"
#include "serve/tool_choice.hpp"

namespace linnet::serve {
namespace {

/// Variables of the template; enable_thinking is one that linnet knows.
void read_template_kwargs(TextRequest& request, const Json& json) {
  OrderedJson variables = OrderedJson::object();
  for (const auto& [name, value] : json.members()) {
    if (name == "enable_thinking")
      request.batch.chat.enable_thinking = value.as_bool();
    else
      variables[name] = OrderedJson::parse(json_text(value));
  }
  if (!variables.empty()) request.batch.chat.variables = variables.dump();
}

const FieldReaders<TextRequest>& fields() {
  static const FieldReaders<TextRequest> readers = with_sampling_fields({
      {"messages", [](TextRequest& r, const Json& j) { r.batch.messages = read_messages(j); }},
      {"max_completion_tokens", sampling_fields().at("max_tokens")},
      {"logprobs", [](TextRequest& r, const Json& j) { r.logprobs = j.as_bool(); }},
      {"top_logprobs",
       [](TextRequest& r, const Json& j) {
         r.batch.options.top_logprobs = integer_between(j, 0, 20);
       }},
      {"response_format",
       [](TextRequest& r, const Json& j) { r.batch.options.grammar = response_format(j); }},
      {"tools", read_tools},
      {"tool_choice", read_tool_choice},
      {"parallel_tool_calls",
       [](TextRequest& r, const Json& j) { r.parallel_tool_calls = j.as_bool(); }},
      {"enable_thinking",
       [](TextRequest& r, const Json& j) { r.batch.chat.enable_thinking = j.as_bool(); }},
      {"chat_template_kwargs", read_template_kwargs},
      {"continue_final_message",
       [](TextRequest& r, const Json& j) {
         r.batch.chat.continue_final_message = j.as_bool();
         r.batch.chat.add_generation_prompt = !j.as_bool();
       }},
  });
  return readers;
}

TextRequest read_request(const std::string& body) {
  TextRequest request;
  request.batch.options.max_tokens = kNoLimit;
  read_fields(parse_body(body), fields(), request);
  if (request.batch.messages.empty())
    throw ApiError(400, "the request has no messages", "missing_field", "messages");
  if (request.batch.options.top_logprobs > 0 && !request.logprobs)
    throw ApiError(400, "top_logprobs needs logprobs", "invalid_value", "top_logprobs");
  return request;
}

OrderedJson call_json(const CallDelta& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

OrderedJson logprobs_json(const TextModel& model, const std::vector<Token>& tokens) {
  const Tokenizer tokenizer = model.tokenizer();
  OrderedJson content = OrderedJson::array();
  for (const Token& token : tokens) content.push_back(token_logprob_json(tokenizer, token));
  return {{"content", std::move(content)}};
}

OrderedJson choice_json(const Running& running, size_t index, const AnswerDelta& delta,
                        bool logprobs) {
  OrderedJson message{{"role", "assistant"}};
  message["content"] = delta.content.empty() && !delta.calls.empty() ? OrderedJson(nullptr)
                                                                     : OrderedJson(delta.content);
  if (!delta.reasoning.empty()) message["reasoning_content"] = delta.reasoning;
  for (const CallDelta& call : delta.calls) message["tool_calls"].push_back(call_json(call));
  return {
      {"index", index},
      {"message", std::move(message)},
      {"logprobs", logprobs ? logprobs_json(running.model, delta.tokens) : OrderedJson(nullptr)},
      {"finish_reason", running.answers[index].finish_reason()}};
}

class ChatStream final : public StreamSink {
 public:
  ChatStream(const Running& running, const TextRequest& request)
      : running_(running),
        head_(answer_head("chatcmpl-", running)),
        include_usage_(request.include_usage),
        logprobs_(request.logprobs) {}

  void begin(std::string& out) override {
    for (size_t i = 0; i < running_.answers.size(); ++i)
      chunk(out, i, {{"role", "assistant"}, {"content", ""}}, nullptr, nullptr);
  }

  void add(std::string& out, size_t index, AnswerDelta delta, const Answer& answer) override {
    OrderedJson logprobs = logprobs_ && !delta.tokens.empty()
                               ? logprobs_json(running_.model, delta.tokens)
                               : OrderedJson(nullptr);
    OrderedJson json = OrderedJson::object();
    if (!delta.reasoning.empty()) json["reasoning_content"] = std::move(delta.reasoning);
    if (!delta.content.empty()) json["content"] = std::move(delta.content);
    for (const CallDelta& call : delta.calls) {
      OrderedJson entry{{"index", call.index}};
      entry.update(call_json(call));
      json["tool_calls"].push_back(std::move(entry));
    }
    if (!json.empty() || !logprobs.is_null())
      chunk(out, index, std::move(json), std::move(logprobs), nullptr);
    if (answer.ended()) chunk(out, index, OrderedJson::object(), nullptr, answer.finish_reason());
  }

  void end(std::string& out) override {
    end_stream(out, head_, "chat.completion.chunk", running_, include_usage_);
  }

  [[nodiscard]] std::string keep_alive() const override { return ": wait\n\n"; }
  [[nodiscard]] std::string content_type() const override { return "text/event-stream"; }

 private:
  void chunk(std::string& out, size_t index, OrderedJson delta, OrderedJson logprobs,
             OrderedJson finish_reason) {
    OrderedJson json = head_.json("chat.completion.chunk");
    json["choices"] = OrderedJson::array({{{"index", index},
                                           {"delta", std::move(delta)},
                                           {"logprobs", std::move(logprobs)},
                                           {"finish_reason", std::move(finish_reason)}}});
    out += "data: " + to_text(json) + "\n\n";
  }

  const Running& running_;
  AnswerHead head_;
  bool include_usage_;
  bool logprobs_;
};

asio::awaitable<void> chat(const Services& services, Exchange& exchange) {
  auto parse = [&] { return read_request(exchange.request.body); };
  TextRequest request = co_await services.workers.quick(parse);
  if (services.options.log_prompts) exchange.notes.prompt = request.batch.messages.back().content;
  Running running = co_await start(services, exchange, request);
  if (request.stream) {
    ChatStream sink(running, request);
    co_await stream(services, exchange, running, sink);
    co_return;
  }
  const std::vector<AnswerDelta> deltas = co_await collect(services, exchange, running);
  OrderedJson json = answer_head("chatcmpl-", running).json("chat.completion");
  json["choices"] = OrderedJson::array();
  for (size_t i = 0; i < deltas.size(); ++i)
    json["choices"].push_back(choice_json(running, i, deltas[i], request.logprobs));
  add_usage(json, running);
  co_await send_json(exchange, json);
}

}  // namespace

void add_chat_routes(Router& router, const Services& services) {
  router.add({.method = "POST",
              .pattern = "/v1/chat/completions",
              .handler = [&services](Exchange& exchange) { return chat(services, exchange); },
              .fields = field_names(fields())});
}

}  // namespace linnet::serve
