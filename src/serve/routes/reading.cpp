// What reads prompts and writes nothing: POST /v1/embeddings (OpenAI's), and of our own
// /v1/classify and /v1/score.
#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/routes/openai_json.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

constexpr size_t kMaxTexts = 4096;
constexpr size_t kMaxLabels = 1024;

void check_count(size_t count, const Json& json) {
  require(count <= kMaxTexts, "{} has {} entries, {} at most", json.where(), count, kMaxTexts);
}

void check_labels(std::vector<std::string> labels, const Json& json) {
  std::ranges::sort(labels);
  require(!labels.front().empty(), "{} has an empty label", json.where());
  const auto twice = std::ranges::adjacent_find(labels);
  require(twice == labels.end(), "{} has \"{}\" twice", json.where(),
          twice == labels.end() ? "" : printable(*twice));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) out += j <= left ? kDigits[group >> (18 - 6 * j) & 63U] : '=';
  }
  return out;
}

OrderedJson read_usage(int64_t prompt_tokens, int64_t cached_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"total_tokens", prompt_tokens},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens}}}};
}

void note(Exchange& exchange, const Services& services, int64_t prompt_tokens,
          int64_t cached_tokens) {
  exchange.notes.prompt_tokens = prompt_tokens;
  exchange.notes.cached_tokens = cached_tokens;
  services.telemetry.read(prompt_tokens, cached_tokens);
}

// /v1/embeddings

struct EmbedRequest {
  std::string model;
  std::vector<std::string> input;
  EmbedOptions options;
  bool base64 = false;
};

const FieldReaders<EmbedRequest>& embed_fields() {
  using R = EmbedRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"input",
       [](R& r, const Json& j) {
         r.input = one_or_more_strings(j);
         check_count(r.input.size(), j);
       }},
      {"encoding_format",
       [](R& r, const Json& j) {
         const std::string_view format = j.as_string();
         require(format == "float" || format == "base64", "{} is \"{}\", expected float or base64",
                 j.where(), printable(format));
         r.base64 = format == "base64";
       }},
      {"pooling",
       [](R& r, const Json& j) {
         const std::string_view pooling = j.as_string();
         require(pooling == "mean" || pooling == "last", "{} is \"{}\", expected mean or last",
                 j.where(), printable(pooling));
         r.options.pooling = pooling == "mean" ? Pooling::mean : Pooling::last;
       }},
      {"normalize", [](R& r, const Json& j) { r.options.normalize = j.as_bool(); }},
      {"user", [](R&, const Json& j) { (void)j.as_string(); }},
  };
  return readers;
}

asio::awaitable<void> embed(const Services& services, Exchange& exchange) {
  EmbedRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), embed_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.input.empty())
    throw ApiError(400, "the request has no input", "missing_field", "input");
  const OpenModel open = co_await open_model(services, exchange, request.model);
  const TextModel& model = open.model;
  request.options.adapter = open.adapter;
  request.options.stop = exchange.request.gone;
  int64_t tokens = 0;
  auto work = [&] {
    for (const std::string& text : request.input) tokens += model.tokenizer().count(text);
    return model.embed(request.input, request.options);
  };
  const std::vector<std::vector<float>> vectors = co_await services.workers.read(work);
  note(exchange, services, tokens, 0);
  OrderedJson data = OrderedJson::array();
  for (size_t i = 0; i < vectors.size(); ++i) {
    OrderedJson vector = vectors[i];
    if (request.base64) {
      static_assert(std::endian::native == std::endian::little);
      vector = base64(
          {reinterpret_cast<const char*>(vectors[i].data()), vectors[i].size() * sizeof(float)});
    }
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::move(vector)}});
  }
  OrderedJson json{{"object", "list"}, {"data", std::move(data)}, {"model", exchange.notes.model}};
  json["usage"] = read_usage(tokens, 0);
  co_await send_json(exchange, json);
}

// /v1/classify

struct ClassifyRequest {
  std::string model;
  std::vector<std::string> input;
  ClassifyOptions options;
};

const FieldReaders<ClassifyRequest>& classify_fields() {
  using R = ClassifyRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"input",
       [](R& r, const Json& j) {
         r.input = one_or_more_strings(j);
         check_count(r.input.size(), j);
       }},
      {"labels",
       [](R& r, const Json& j) {
         for (const Json& label : j.elements()) r.options.labels.emplace_back(label.as_string());
         require(!r.options.labels.empty() && r.options.labels.size() <= kMaxLabels,
                 "{} has {} entries, expected 1 to {}", j.where(), r.options.labels.size(),
                 kMaxLabels);
         check_labels(r.options.labels, j);
       }},
      {"template", [](R& r, const Json& j) { r.options.prompt_template = j.as_string(); }},
      {"system", [](R& r, const Json& j) { r.options.system = j.as_string(); }},
      {"chat", [](R& r, const Json& j) { r.options.chat = j.as_bool(); }},
      {"mode",
       [](R& r, const Json& j) {
         const std::string_view mode = j.as_string();
         require(mode == "score" || mode == "greedy", "{} is \"{}\", expected score or greedy",
                 j.where(), printable(mode));
         r.options.mode = mode == "score" ? ClassifyMode::score : ClassifyMode::greedy;
       }},
      {"length_normalize", [](R& r, const Json& j) { r.options.length_normalize = j.as_bool(); }},
      {"calibrate", [](R& r, const Json& j) { r.options.calibrate = j.as_bool(); }},
      {"content_free", [](R& r, const Json& j) { r.options.content_free = j.as_string(); }},
      {"return_logits", [](R& r, const Json& j) { r.options.return_logits = j.as_bool(); }},
      {"priority",
       [](R& r, const Json& j) {
         r.options.priority = static_cast<int>(integer_between(j, -1000, 1000));
       }},
      {"user", [](R&, const Json& j) { (void)j.as_string(); }},
  };
  return readers;
}

OrderedJson classification_json(size_t index, const Classification& found,
                                const ClassifyOptions& options) {
  OrderedJson json{{"object", "classification"}, {"index", index}};
  if (found.error) {
    const ApiError error = to_api_error(std::make_exception_ptr(*found.error));
    json.update(OrderedJson::parse(error_body(Dialect::openai, error)));
    return json;
  }
  json["label"] = found.index < 0 ? OrderedJson(nullptr) : OrderedJson(found.label);
  json["label_index"] = found.index;
  if (options.mode == ClassifyMode::greedy) {
    json["text"] = found.text;
  } else {
    json["logprobs"] = found.logprobs;
    json["probabilities"] = found.probabilities;
  }
  if (options.return_logits) json["logits"] = found.logits;
  return json;
}

/// Each text's own error stays its own.
std::vector<Classification> classify_all(const TextModel& model, const ClassifyRequest& request) {
  std::vector<Classification> results(request.input.size());
  size_t next = 0;
  const TextSource source{.next = [&]() -> std::optional<std::string> {
    if (next == request.input.size()) return std::nullopt;
    return request.input[next++];
  }};
  model.classify(source, request.options, [&](int64_t index, Classification result) {
    results[static_cast<size_t>(index)] = std::move(result);
  });
  return results;
}

asio::awaitable<void> classify(const Services& services, Exchange& exchange) {
  ClassifyRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), classify_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.input.empty())
    throw ApiError(400, "the request has no input", "missing_field", "input");
  if (request.options.labels.empty())
    throw ApiError(400, "the request has no labels", "missing_field", "labels");
  const OpenModel open = co_await open_model(services, exchange, request.model);
  const TextModel& model = open.model;
  request.options.adapter = open.adapter;
  request.options.stop = exchange.request.gone;
  auto work = [&] { return classify_all(model, request); };
  const std::vector<Classification> found = co_await services.workers.read(work);
  int64_t tokens = 0;
  int64_t cached = 0;
  OrderedJson data = OrderedJson::array();
  for (size_t i = 0; i < found.size(); ++i) {
    tokens += found[i].prompt_tokens;
    cached += found[i].cached_prompt_tokens;
    data.push_back(classification_json(i, found[i], request.options));
  }
  note(exchange, services, tokens, cached);
  OrderedJson json{
      {"object", "list"}, {"model", exchange.notes.model}, {"labels", request.options.labels}};
  json["data"] = std::move(data);
  json["usage"] = read_usage(tokens, cached);
  co_await send_json(exchange, json);
}

// /v1/score

struct ScoreRequest {
  std::string model;
  std::optional<std::string> prompt;
  std::optional<std::string> continuation;
  std::vector<ScorePair> pairs;
  ScoreOptions options;
};

const FieldReaders<ScoreRequest>& score_fields() {
  using R = ScoreRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"prompt", [](R& r, const Json& j) { r.prompt = j.as_string(); }},
      {"continuation", [](R& r, const Json& j) { r.continuation = j.as_string(); }},
      {"pairs",
       [](R& r, const Json& j) {
         for (const Json& pair : j.elements()) {
           for (const auto& [name, value] : pair.members())
             require(name == "prompt" || name == "continuation", "{} is not known", value.where());
           r.pairs.push_back({.prompt = std::string(pair.at("prompt").as_string()),
                              .continuation = std::string(pair.at("continuation").as_string())});
         }
         check_count(r.pairs.size(), j);
       }},
      {"top_logprobs",
       [](R& r, const Json& j) { r.options.top_logprobs = integer_between(j, 0, 100); }},
      {"add_special_tokens",
       [](R& r, const Json& j) { r.options.add_special_tokens = j.as_bool(); }},
      {"priority",
       [](R& r, const Json& j) {
         r.options.priority = static_cast<int>(integer_between(j, -1000, 1000));
       }},
      {"user", [](R&, const Json& j) { (void)j.as_string(); }},
  };
  return readers;
}

OrderedJson score_json(const Tokenizer& tokenizer, size_t index, const Score& score) {
  OrderedJson tokens = OrderedJson::array();
  for (const ScoredToken& token : score.tokens) {
    OrderedJson entry{{"id", token.id},
                      {"text", token_text(tokenizer, token.id)},
                      {"logprob", token.logprob},
                      {"rank", token.rank}};
    for (const TokenLogprob& other : token.top)
      entry["top"].push_back({{"id", other.id},
                              {"text", token_text(tokenizer, other.id)},
                              {"logprob", other.logprob}});
    tokens.push_back(std::move(entry));
  }
  return {{"object", "score"},
          {"index", index},
          {"logprob", score.logprob},
          {"is_greedy", score.is_greedy},
          {"tokens", std::move(tokens)}};
}

asio::awaitable<void> score(const Services& services, Exchange& exchange) {
  ScoreRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), score_fields(), request); };
  co_await services.workers.quick(parse);
  const bool single = request.prompt && request.continuation;
  if (single == !request.pairs.empty() ||
      request.prompt.has_value() != request.continuation.has_value())
    throw ApiError(400, "the request needs prompt and continuation, or pairs", "missing_field");
  if (single) request.pairs.push_back({*request.prompt, *request.continuation});
  const OpenModel open = co_await open_model(services, exchange, request.model);
  const TextModel& model = open.model;
  request.options.adapter = open.adapter;
  request.options.stop = exchange.request.gone;
  const Tokenizer tokenizer = model.tokenizer();
  int64_t tokens = 0;
  auto work = [&] {
    for (const ScorePair& pair : request.pairs)
      tokens += tokenizer.count(pair.prompt, request.options.add_special_tokens) +
                tokenizer.count(pair.continuation, false);
    return model.score(request.pairs, request.options);
  };
  const std::vector<Score> scores = co_await services.workers.read(work);
  note(exchange, services, tokens, 0);
  OrderedJson data = OrderedJson::array();
  for (size_t i = 0; i < scores.size(); ++i) data.push_back(score_json(tokenizer, i, scores[i]));
  OrderedJson json{{"object", "list"}, {"model", exchange.notes.model}, {"data", std::move(data)}};
  json["usage"] = read_usage(tokens, 0);
  co_await send_json(exchange, json);
}

}  // namespace

void add_reading_routes(Router& router, const Services& services) {
  const auto add = [&](const char* pattern, auto handler, std::vector<std::string> fields) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = [&services, handler](Exchange& e) { return handler(services, e); },
                .fields = std::move(fields)});
  };
  add("/v1/embeddings", embed, field_names(embed_fields()));
  add("/v1/classify", classify, field_names(classify_fields()));
  add("/v1/score", score, field_names(score_fields()));
}

}  // namespace linnet::serve
