#include "serve/generate.hpp"

#include <utility>

#include "base/error.hpp"
#include "serve/tool_choice.hpp"

namespace linnet::serve {
namespace {

/// How the model writes what it is asked for; nothing for plain texts.
std::optional<text::ReplyFormat> format_of(const TextModel& model, const ModelCard& card,
                                           const TextRequest& request,
                                           const Generation& generation) {
  if (request.batch.messages.empty()) return std::nullopt;
  const auto ids = generation.prompt_ids();
  // Enough for the beginning of a turn and an empty think block.
  constexpr size_t kTail = 32;
  const auto tail = ids.last(std::min(ids.size(), kTail));
  const std::string prompt_end = model.tokenizer().decode(tail, false);
  return text::reply_format(card.chat_template, prompt_end, !request.batch.chat.tools.empty());
}

std::vector<Answer> start_all(const TextModel& model, const ModelCard& card,
                              const TextRequest& request) {
  std::vector<Answer> answers;
  GenerateOptions options = request.batch.options;
  const bool keep_tokens = request.logprobs;
  for (int64_t i = 0; i < request.n; ++i) {
    Generation generation = !request.batch.messages.empty()
                                ? model.chat(request.batch.messages, options, request.batch.chat)
                            : !request.batch.ids.empty()
                                ? model.generate(request.batch.ids, options)
                                : model.generate(request.batch.prompt, options);
    auto format = format_of(model, card, request, generation);
    answers.emplace_back(std::move(generation), std::move(format), keep_tokens,
                         request.parallel_tool_calls ? kNoLimit : 1);
    ++options.seed;
  }
  return answers;
}

}  // namespace

void apply_defaults(TextRequest& request, const SamplingDefaults& defaults, float temperature) {
  GenerateOptions& options = request.batch.options;
  if (!request.has_temperature) options.temperature = defaults.temperature.value_or(temperature);
  if (!request.has_top_p && defaults.top_p) options.top_p = *defaults.top_p;
  if (!request.has_top_k && defaults.top_k) options.top_k = *defaults.top_k;
  if (!request.has_min_p && defaults.min_p) options.min_p = *defaults.min_p;
  if (!request.has_repetition_penalty && defaults.repetition_penalty)
    options.repetition_penalty = *defaults.repetition_penalty;
}

asio::awaitable<OpenModel> open_model(const Services& services, Exchange& exchange,
                                      const std::string& name) {
  const CardPtr card = services.models.card(name);
  exchange.notes.model = card->name;
  TextModel model = co_await services.models.acquire(card);
  co_return OpenModel{.model = std::move(model), .adapter = card->adapter.name};
}

asio::awaitable<Running> start(const Services& services, Exchange& exchange, TextRequest request) {
  const CardPtr card = services.models.card(request.model);
  exchange.notes.model = card->name;
  check_ids(request, card->info.vocab_size);
  TextModel model = co_await services.models.acquire(card);
  request.batch.options.adapter = card->adapter.name;
  request.batch.options.stop = exchange.request.gone;
  apply_defaults(request, card->sampling, 1);
  apply_tool_choice(request, *card);
  // Tokenising a long prompt takes a while, and so does a first grammar.
  auto call = [&] { return start_all(model, *card, request); };
  std::vector<Answer> answers = co_await services.workers.quick(call);
  Running running{.model = std::move(model),
                  .name = card->name,
                  .answers = std::move(answers),
                  .per_prompt = static_cast<size_t>(request.n)};
  co_return running;
}

void note_usage(Exchange& exchange, const Running& running) {
  const Usage usage = running.usage();
  exchange.notes.prompt_tokens = usage.prompt_tokens;
  exchange.notes.cached_tokens = usage.cached_tokens;
  exchange.notes.generated_tokens = usage.generated_tokens;
  exchange.notes.first_token_ms =
      running.answers.front().metrics().time_to_first_token_seconds * 1000;
}

asio::awaitable<std::vector<AnswerDelta>> collect(const Services& services, Exchange& exchange,
                                                  Running& running) {
  std::vector<AnswerDelta> results(running.answers.size());
  for (size_t i = 0; i < results.size(); ++i) {
    Answer& answer = running.answers[i];
    while (!answer.ended()) {
      co_await wait_any(std::span(&answer, 1), kKeepAlive);
      results[i].append(answer.take(services.telemetry));
    }
  }
  note_usage(exchange, running);
  co_return results;
}

asio::awaitable<void> stream(const Services& services, Exchange& exchange, Running& running,
                             StreamSink& sink) {
  std::vector<bool> done(running.answers.size());
  size_t left = done.size();
  while (left > 0) {
    const bool ready = co_await wait_any(running.answers, kKeepAlive);
    std::string out;
    const bool first = !exchange.responder.begun();
    // Taken before anything is sent: an error that comes instead of a first token has its status.
    std::vector<AnswerDelta> deltas(running.answers.size());
    for (size_t i = 0; ready && i < deltas.size(); ++i)
      deltas[i] = running.answers[i].take(services.telemetry);
    if (first) {
      co_await exchange.responder.begin(sink.content_type());
      sink.begin(out);
    }
    if (!ready) out += sink.keep_alive();
    for (size_t i = 0; i < deltas.size(); ++i) {
      if (done[i]) continue;
      const Answer& answer = running.answers[i];
      if (deltas[i].empty() && !answer.ended()) continue;
      sink.add(out, i, std::move(deltas[i]), answer);
      if (!answer.ended()) continue;
      done[i] = true;
      --left;
    }
    if (left == 0) {
      note_usage(exchange, running);
      sink.end(out);
    }
    if (!out.empty()) co_await exchange.responder.write(std::move(out));
  }
  co_await exchange.responder.end();
}

}  // namespace linnet::serve
