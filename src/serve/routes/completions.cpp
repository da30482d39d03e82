// POST /v1/completions, OpenAI's interface for plain texts.
#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "serve/routes/openai_json.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

/// OpenAI's own default.
constexpr int64_t kMaxTokens = 16;

struct CompletionRequest : TextRequest {
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> ids;
  [[nodiscard]] size_t prompts() const { return texts.size() + ids.size(); }
};

/// A text, texts, token ids, or lists of them.
void read_prompt(CompletionRequest& request, const Json& json) {
  if (json.is_string()) {
    request.texts = one_or_more_strings(json);
    return;
  }
  const std::vector<Json> elements = json.elements();
  require(!elements.empty(), "{} is empty", json.where());
  if (elements.front().is_string())
    request.texts = one_or_more_strings(json);
  else if (elements.front().is_array())
    for (const Json& ids : elements) request.ids.push_back(token_ids(ids));
  else
    request.ids.push_back(token_ids(json));
  for (const std::vector<int32_t>& ids : request.ids)
    require(!ids.empty(), "{} has a prompt without tokens", json.where());
}

/// Only what OpenAI's interface has and linnet has too; the rest are sampling_fields().
const FieldReaders<CompletionRequest>& fields() {
  using R = CompletionRequest;
  static const FieldReaders<CompletionRequest> readers{
      {"prompt", read_prompt},
      {"echo", [](R& r, const Json& j) { r.echo = j.as_bool(); }},
      {"logprobs",
       [](R& r, const Json& j) {
         r.batch.options.top_logprobs = integer_between(j, 0, 20);
         r.logprobs = true;
       }},
      {"best_of",
       [](R& r, const Json& j) {
         require(j.as_integer() == r.n, "{} is {}, and n is {}: only equal ones are supported",
                 j.where(), j.as_integer(), r.n);
       }},
      {"regex",
       [](R& r, const Json& j) { r.batch.options.grammar = Grammar::regex(j.as_string()); }},
      {"grammar",
       [](R& r, const Json& j) { r.batch.options.grammar = Grammar::gbnf(j.as_string()); }},
      {"response_format",
       [](R& r, const Json& j) { r.batch.options.grammar = response_format(j); }},
      {"add_special_tokens",
       [](R& r, const Json& j) { r.batch.options.add_special_tokens = j.as_bool(); }},
  };
  return readers;
}

CompletionRequest read_request(const std::string& body) {
  CompletionRequest request;
  request.batch.options.max_tokens = kMaxTokens;
  const Json json = parse_body(body);
  const FieldReaders<TextRequest>& shared = sampling_fields();
  const auto read = [&](std::string_view name, const Json& value) {
    const auto own = fields().find(name);
    const auto other = shared.find(name);
    if (own == fields().end() && other == shared.end()) unknown_field(name);
    if (value.is_null()) return;
    try {
      if (own != fields().end())
        own->second(request, value);
      else
        other->second(request, value);
    } catch (const Error&) {
      rethrow_for_field(name);
    }
  };
  // n is read first: best_of is compared with it.
  if (const auto n = json.find("n")) read("n", *n);
  for (const auto& [name, value] : json.members()) read(name, value);
  if (request.prompts() == 0)
    throw ApiError(400, "the request has no prompt", "missing_field", "prompt");
  if (static_cast<int64_t>(request.prompts()) * request.n > kMaxChoices)
    throw ApiError(400,
                   fmt::format("{} prompts with {} answers each, {} in all at most",
                               request.prompts(), request.n, kMaxChoices),
                   "invalid_value", "prompt");
  return request;
}

int64_t characters(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

/// `offset`: characters of the choice's text before these tokens; moved behind them.
OrderedJson logprobs_json(const TextModel& model, const std::vector<Token>& tokens,
                          int64_t& offset) {
  const Tokenizer tokenizer = model.tokenizer();
  OrderedJson texts = OrderedJson::array();
  OrderedJson logprobs = OrderedJson::array();
  OrderedJson top = OrderedJson::array();
  OrderedJson offsets = OrderedJson::array();
  for (const Token& token : tokens) {
    texts.push_back(token_text(tokenizer, token.id));
    logprobs.push_back(token.logprob);
    OrderedJson likeliest = OrderedJson::object();
    for (const TokenLogprob& other : token.top)
      likeliest[token_text(tokenizer, other.id)] = other.logprob;
    top.push_back(std::move(likeliest));
    offsets.push_back(offset);
    offset += characters(token.text);
  }
  return {{"tokens", std::move(texts)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(top)},
          {"text_offset", std::move(offsets)}};
}

OrderedJson choice_json(size_t index, std::string text, OrderedJson logprobs,
                        OrderedJson finish_reason) {
  return {{"index", index},
          {"text", std::move(text)},
          {"logprobs", std::move(logprobs)},
          {"finish_reason", std::move(finish_reason)}};
}

/// The prompt of each choice, if it is repeated before the answer.
std::vector<std::string> echoes(const CompletionRequest& request, const Running& running) {
  std::vector<std::string> result(running.answers.size());
  if (!request.echo) return result;
  for (size_t i = 0; i < result.size(); ++i) {
    const size_t prompt = i / static_cast<size_t>(request.n);
    result[i] = prompt < request.texts.size()
                    ? request.texts[prompt]
                    : running.model.decode(request.ids[prompt - request.texts.size()]);
  }
  return result;
}

class CompletionStream final : public StreamSink {
 public:
  CompletionStream(const Running& running, const CompletionRequest& request)
      : running_(running),
        head_(answer_head("cmpl-", running)),
        echoes_(echoes(request, running)),
        include_usage_(request.include_usage),
        logprobs_(request.logprobs) {
    for (const std::string& echo : echoes_) offsets_.push_back(characters(echo));
  }

  void begin(std::string& out) override {
    for (size_t i = 0; i < echoes_.size(); ++i)
      if (!echoes_[i].empty()) chunk(out, i, echoes_[i], nullptr, nullptr);
  }
  void add(std::string& out, size_t index, AnswerDelta delta, const Answer& answer) override {
    if (!delta.empty()) {
      OrderedJson logprobs = nullptr;
      if (logprobs_) logprobs = logprobs_json(running_.model, delta.tokens, offsets_[index]);
      chunk(out, index, std::move(delta.content), std::move(logprobs), nullptr);
    }
    if (answer.ended()) chunk(out, index, "", nullptr, answer.finish_reason());
  }
  void end(std::string& out) override {
    end_stream(out, head_, "text_completion", running_, include_usage_);
  }
  [[nodiscard]] std::string keep_alive() const override { return ": wait\n\n"; }
  [[nodiscard]] std::string content_type() const override { return "text/event-stream"; }

 private:
  void chunk(std::string& out, size_t index, std::string text, OrderedJson logprobs,
             OrderedJson finish_reason) {
    OrderedJson json = head_.json("text_completion");
    json["choices"] = OrderedJson::array(
        {choice_json(index, std::move(text), std::move(logprobs), std::move(finish_reason))});
    out += "data: " + to_text(json) + "\n\n";
  }

  const Running& running_;
  AnswerHead head_;
  std::vector<std::string> echoes_;
  std::vector<int64_t> offsets_;
  bool include_usage_;
  bool logprobs_;
};

/// The answers of all prompts, in their order.
asio::awaitable<Running> start_prompts(const Services& services, Exchange& exchange,
                                       const CompletionRequest& request) {
  std::optional<Running> all;
  for (size_t i = 0; i < request.prompts(); ++i) {
    TextRequest one = request;
    if (i < request.texts.size())
      one.batch.prompt = request.texts[i];
    else
      one.batch.ids = request.ids[i - request.texts.size()];
    Running running = co_await start(services, exchange, std::move(one));
    if (!all)
      all = std::move(running);
    else
      std::ranges::move(running.answers, std::back_inserter(all->answers));
  }
  co_return *std::move(all);
}

asio::awaitable<void> complete(const Services& services, Exchange& exchange) {
  auto parse = [&] { return read_request(exchange.request.body); };
  const CompletionRequest request = co_await services.workers.quick(parse);
  if (services.options.log_prompts && !request.texts.empty())
    exchange.notes.prompt = request.texts.front();
  Running running = co_await start_prompts(services, exchange, request);
  if (request.stream) {
    CompletionStream sink(running, request);
    co_await stream(services, exchange, running, sink);
    co_return;
  }
  const std::vector<AnswerDelta> deltas = co_await collect(services, exchange, running);
  const std::vector<std::string> before = echoes(request, running);
  OrderedJson json = answer_head("cmpl-", running).json("text_completion");
  json["choices"] = OrderedJson::array();
  for (size_t i = 0; i < deltas.size(); ++i) {
    OrderedJson logprobs = nullptr;
    int64_t offset = characters(before[i]);
    if (request.logprobs) logprobs = logprobs_json(running.model, deltas[i].tokens, offset);
    json["choices"].push_back(choice_json(i, before[i] + deltas[i].content, std::move(logprobs),
                                          running.answers[i].finish_reason()));
  }
  add_usage(json, running);
  co_await send_json(exchange, json);
}

}  // namespace

void add_completion_routes(Router& router, const Services& services) {
  std::vector<std::string> names = field_names(fields());
  for (std::string& name : field_names(sampling_fields())) names.push_back(std::move(name));
  std::ranges::sort(names);
  router.add({.method = "POST",
              .pattern = "/v1/completions",
              .handler = [&services](Exchange& exchange) { return complete(services, exchange); },
              .fields = std::move(names)});
}

}  // namespace linnet::serve
