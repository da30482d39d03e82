// POST /api/chat and /api/generate, Ollama's interface for texts.
#include <utility>

#include "serve/routes/ollama_json.hpp"
#include "serve/routes/ollama_request.hpp"
#include "serve/routes/ollama_routes.hpp"
#include "serve/routes/openai_json.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

using Clock = std::chrono::steady_clock;

enum class Form { chat, generate };

/// One request, as its answer tells of it.
struct Asked {
  Form form = Form::chat;
  std::string model;  ///< as the request calls it
  Clock::time_point started = Clock::now();
  int64_t load_nanoseconds = 0;
};

/// What every line begins with, and what came of the answer since the last.
OrderedJson line_json(const Asked& asked, AnswerDelta delta) {
  OrderedJson json{{"model", asked.model}, {"created_at", rfc3339_now()}};
  if (asked.form == Form::generate) {
    json["response"] = std::move(delta.content);
    if (!delta.reasoning.empty()) json["thinking"] = std::move(delta.reasoning);
  } else {
    OrderedJson message{{"role", "assistant"}, {"content", std::move(delta.content)}};
    if (!delta.reasoning.empty()) message["thinking"] = std::move(delta.reasoning);
    if (!delta.calls.empty()) message["tool_calls"] = calls_json(delta.calls);
    json["message"] = std::move(message);
  }
  json["done"] = false;
  return json;
}

void add_logprobs(OrderedJson& json, const Running& running, const AnswerDelta& delta) {
  if (delta.tokens.empty()) return;
  const Tokenizer tokenizer = running.model.tokenizer();
  OrderedJson logprobs = OrderedJson::array();
  for (const Token& token : delta.tokens) logprobs.push_back(token_logprob_json(tokenizer, token));
  json["logprobs"] = std::move(logprobs);
}

void finish(OrderedJson& json, const Asked& asked, const Running& running) {
  const Answer& answer = running.answers.front();
  const Metrics& metrics = answer.metrics();
  json["done"] = true;
  json["done_reason"] = answer.finish_reason() == "length" ? "length" : "stop";
  json["total_duration"] = nanoseconds_since(asked.started);
  json["load_duration"] = asked.load_nanoseconds;
  json["prompt_eval_count"] = answer.prompt_tokens();
  json["prompt_eval_duration"] = nanoseconds(metrics.prefill_seconds);
  json["eval_count"] = metrics.generated_tokens;
  json["eval_duration"] = nanoseconds(metrics.decode_seconds);
}

/// The answer as lines of JSON.
class LineStream final : public StreamSink {
 public:
  LineStream(const Asked& asked, const Running& running) : asked_(asked), running_(running) {}

  void begin(std::string& /*out*/) override {}
  void add(std::string& out, size_t /*index*/, AnswerDelta delta, const Answer& answer) override {
    if (!delta.empty()) {
      OrderedJson logprobs = OrderedJson::object();
      add_logprobs(logprobs, running_, delta);
      OrderedJson json = line_json(asked_, std::move(delta));
      json.update(logprobs);
      out += to_text(json) + "\n";
    }
    if (!answer.ended()) return;
    OrderedJson json = line_json(asked_, {});
    finish(json, asked_, running_);
    out += to_text(json) + "\n";
  }
  void end(std::string& /*out*/) override {}

  // There are no lines that say nothing.
  [[nodiscard]] std::string keep_alive() const override { return {}; }
  [[nodiscard]] std::string content_type() const override { return "application/x-ndjson"; }

 private:
  const Asked& asked_;
  const Running& running_;
};

asio::awaitable<void> release(const Services& services, const ModelCard& card) {
  auto work = [&] { services.models.release(card); };
  co_await services.workers.load(work);
}

/// Nothing to answer: the model is loaded, or freed where it is not in use.
asio::awaitable<void> load_or_free(const Services& services, Exchange& exchange,
                                   const OllamaRequest& request, const Asked& asked) {
  const CardPtr card = ollama_card(services.models, request.model);
  if (request.unload)
    co_await release(services, *card);
  else
    (void)co_await services.models.acquire(card);
  OrderedJson json = line_json(asked, {});
  json["done"] = true;
  json["done_reason"] = request.unload ? "unload" : "load";
  co_await send_json(exchange, json);
}

asio::awaitable<void> reply(const Services& services, Exchange& exchange, OllamaRequest request,
                            Asked asked) {
  // Loading has a time of its own in the answer.
  const TextModel model = co_await services.models.acquire(services.models.card(request.model));
  asked.load_nanoseconds = nanoseconds_since(asked.started);
  Running running = co_await start(services, exchange, request);
  if (request.stream) {
    LineStream sink(asked, running);
    co_await stream(services, exchange, running, sink);
    co_return;
  }
  std::vector<AnswerDelta> deltas = co_await collect(services, exchange, running);
  OrderedJson logprobs = OrderedJson::object();
  add_logprobs(logprobs, running, deltas.front());
  OrderedJson json = line_json(asked, std::move(deltas.front()));
  json.update(logprobs);
  finish(json, asked, running);
  co_await send_json(exchange, json);
}

asio::awaitable<void> answer(const Services& services, Exchange& exchange, Form form) {
  Asked asked{.form = form};
  auto parse = [&] {
    return form == Form::chat ? read_ollama_chat(exchange.request.body)
                              : read_ollama_generate(exchange.request.body);
  };
  OllamaRequest request = co_await services.workers.quick(parse);
  const CardPtr card = ollama_card(services.models, request.model);
  exchange.notes.model = card->name;
  asked.model = std::exchange(request.model, card->name);
  if (request.is_empty()) {
    co_await load_or_free(services, exchange, request, asked);
    co_return;
  }
  complete_ollama(request, *card);
  if (services.options.log_prompts)
    exchange.notes.prompt =
        form == Form::chat ? request.batch.messages.back().content : request.prompt;
  co_await reply(services, exchange, request, asked);
  // The answer holds its model no more.
  if (request.unload) co_await release(services, *card);
}

}  // namespace

void add_ollama_routes(Router& router, const Services& services) {
  router.add({.method = "POST",
              .pattern = "/api/chat",
              .handler = [&services](Exchange& e) { return answer(services, e, Form::chat); },
              .dialect = Dialect::ollama,
              .fields = field_names(ollama_chat_fields())});
  router.add({.method = "POST",
              .pattern = "/api/generate",
              .handler = [&services](Exchange& e) { return answer(services, e, Form::generate); },
              .dialect = Dialect::ollama,
              .fields = field_names(ollama_generate_fields())});
  add_ollama_model_routes(router, services);
  add_ollama_embed_routes(router, services);
}

}  // namespace linnet::serve
