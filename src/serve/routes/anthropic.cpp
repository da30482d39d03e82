// POST /v1/messages and /v1/messages/count_tokens, Anthropic's interface for conversations.
#include <fmt/format.h>

#include "serve/random_id.hpp"
#include "serve/routes/anthropic_request.hpp"
#include "serve/routes/routes.hpp"
#include "serve/thinking.hpp"
#include "serve/tool_choice.hpp"

namespace linnet::serve {
namespace {

/// What an answer says of itself at its end.
struct Verdict {
  std::string_view reason;
  OrderedJson stop_sequence = nullptr;
};

Verdict verdict(const AnthropicRequest& request, const Answer& answer) {
  const GenerateOptions& options = request.batch.options;
  if (answer.finish_reason() == "length") {
    const bool all = answer.metrics().generated_tokens >= options.max_tokens;
    return {all ? "max_tokens" : "model_context_window_exceeded"};
  }
  if (answer.finish_reason() == "tool_calls") return {"tool_use"};
  if (const auto stop = answer.stop_string())
    return {"stop_sequence", options.stop_strings.at(*stop)};
  return {"end_turn"};
}

/// Tokens that were computed, and apart from them those that an earlier request had computed.
OrderedJson usage_json(const Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens - usage.cached_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.cached_tokens},
          {"output_tokens", usage.generated_tokens}};
}

OrderedJson message_json(const Running& running, OrderedJson content, const Verdict* verdict) {
  OrderedJson json{{"id", random_id("msg_")},
                   {"type", "message"},
                   {"role", "assistant"},
                   {"model", running.name},
                   {"content", std::move(content)}};
  json["stop_reason"] = verdict != nullptr ? OrderedJson(verdict->reason) : OrderedJson(nullptr);
  json["stop_sequence"] = verdict != nullptr ? verdict->stop_sequence : OrderedJson(nullptr);
  json["usage"] = usage_json(running.usage());
  return json;
}

OrderedJson thinking_block(std::string text) {
  return {{"type", "thinking"}, {"thinking", std::move(text)}, {"signature", ""}};
}

OrderedJson text_block(std::string text) { return {{"type", "text"}, {"text", std::move(text)}}; }

OrderedJson call_block(const CallDelta& call, OrderedJson input) {
  // Ids of calls say whose they are: "call_" is OpenAI's.
  return {{"type", "tool_use"},
          {"id", "toolu_" + call.id.substr(call.id.find('_') + 1)},
          {"name", call.name},
          {"input", std::move(input)}};
}

OrderedJson content_json(AnswerDelta delta) {
  OrderedJson content = OrderedJson::array();
  if (!delta.reasoning.empty()) content.push_back(thinking_block(std::move(delta.reasoning)));
  if (!delta.content.empty()) content.push_back(text_block(std::move(delta.content)));
  for (const CallDelta& call : delta.calls)
    content.push_back(call_block(call, OrderedJson::parse(call.arguments)));
  return content;
}

/// The answer as events: blocks begin, grow and end one after the other.
class MessageStream final : public StreamSink {
 public:
  MessageStream(const Running& running, const AnthropicRequest& request)
      : running_(running), request_(request) {}

  void begin(std::string& out) override {
    // What comes of the cache is known at the end, and told there.
    OrderedJson message = message_json(running_, OrderedJson::array(), nullptr);
    message["usage"]["input_tokens"] = running_.answers.front().prompt_tokens();
    event(out, "message_start", {{"message", std::move(message)}});
  }

  void add(std::string& out, size_t /*index*/, AnswerDelta delta, const Answer& answer) override {
    if (!delta.reasoning.empty()) {
      open(out, Block::thinking, [] { return thinking_block(""); });
      grow(out, {{"type", "thinking_delta"}, {"thinking", std::move(delta.reasoning)}});
    }
    if (!delta.content.empty()) {
      open(out, Block::text, [] { return text_block(""); });
      grow(out, {{"type", "text_delta"}, {"text", std::move(delta.content)}});
    }
    for (const CallDelta& call : delta.calls) {
      close(out);
      open(out, Block::call, [&] { return call_block(call, OrderedJson::object()); });
      grow(out, {{"type", "input_json_delta"}, {"partial_json", call.arguments}});
      close(out);
    }
    if (!answer.ended()) return;
    close(out);
    Verdict end = verdict(request_, answer);
    event(
        out, "message_delta",
        {{"delta", {{"stop_reason", end.reason}, {"stop_sequence", std::move(end.stop_sequence)}}},
         {"usage", usage_json(running_.usage())}});
  }

  void end(std::string& out) override { event(out, "message_stop", OrderedJson::object()); }

  [[nodiscard]] std::string keep_alive() const override {
    std::string out;
    event(out, "ping", OrderedJson::object());
    return out;
  }
  [[nodiscard]] std::string content_type() const override { return "text/event-stream"; }

 private:
  enum class Block { none, thinking, text, call };

  static void event(std::string& out, std::string_view type, const OrderedJson& members) {
    OrderedJson json{{"type", type}};
    json.update(members);
    out += fmt::format("event: {}\ndata: {}\n\n", type, to_text(json));
  }

  template <class Begin>
  void open(std::string& out, Block block, Begin begin_of) {
    if (open_ == block) return;
    close(out);
    open_ = block;
    event(out, "content_block_start", {{"index", index_}, {"content_block", begin_of()}});
    if (index_ == 0) out += keep_alive();  // as Anthropic's own streams begin
  }
  void grow(std::string& out, OrderedJson delta) const {
    event(out, "content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
  }
  void close(std::string& out) {
    if (open_ == Block::none) return;
    event(out, "content_block_stop", {{"index", index_++}});
    open_ = Block::none;
  }

  const Running& running_;
  const AnthropicRequest& request_;
  Block open_ = Block::none;
  int64_t index_ = 0;
};

asio::awaitable<void> messages(const Services& services, Exchange& exchange) {
  auto parse = [&] { return read_anthropic_request(exchange.request.body, false); };
  const AnthropicRequest request = co_await services.workers.quick(parse);
  if (services.options.log_prompts) exchange.notes.prompt = request.batch.messages.back().content;
  check_thinking(request, *services.models.card(request.model), "thinking");
  Running running = co_await start(services, exchange, request);
  if (request.stream) {
    MessageStream sink(running, request);
    co_await stream(services, exchange, running, sink);
    co_return;
  }
  std::vector<AnswerDelta> deltas = co_await collect(services, exchange, running);
  const Verdict end = verdict(request, running.answers.front());
  const OrderedJson json = message_json(running, content_json(std::move(deltas.front())), &end);
  co_await send_json(exchange, json);
}

asio::awaitable<void> count(const Services& services, Exchange& exchange) {
  auto parse = [&] { return read_anthropic_request(exchange.request.body, true); };
  AnthropicRequest request = co_await services.workers.quick(parse);
  const CardPtr card = services.models.card(request.model);
  exchange.notes.model = card->name;
  check_thinking(request, *card, "thinking");
  apply_tool_choice(request, *card);
  const TextModel model = co_await services.models.acquire(card);
  auto work = [&] {
    const std::string text =
        model.chat_template().render(request.batch.messages, request.batch.chat);
    return model.tokenizer().count(text, false);
  };
  const int64_t tokens = co_await services.workers.quick(work);
  const OrderedJson json{{"input_tokens", tokens}};
  co_await send_json(exchange, json);
}

}  // namespace

void add_anthropic_routes(Router& router, const Services& services) {
  router.add({.method = "POST",
              .pattern = "/v1/messages",
              .handler = [&services](Exchange& exchange) { return messages(services, exchange); },
              .dialect = Dialect::anthropic,
              .fields = field_names(anthropic_fields(false))});
  router.add({.method = "POST",
              .pattern = "/v1/messages/count_tokens",
              .handler = [&services](Exchange& exchange) { return count(services, exchange); },
              .dialect = Dialect::anthropic,
              .fields = field_names(anthropic_fields(true))});
}

}  // namespace linnet::serve
