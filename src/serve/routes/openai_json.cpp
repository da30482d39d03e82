#include "serve/routes/openai_json.hpp"

#include <linnet/version.hpp>

#include <chrono>

#include "serve/random_id.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

OrderedJson bytes_of(const std::string& text) {
  if (text.find("\xEF\xBF\xBD") != std::string::npos) return nullptr;  // a part of a character
  OrderedJson bytes = OrderedJson::array();
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

OrderedJson logprob_json(const Tokenizer& tokenizer, int32_t id, float logprob) {
  const std::string text = token_text(tokenizer, id);
  return {{"token", text}, {"logprob", logprob}, {"bytes", bytes_of(text)}};
}

}  // namespace

OrderedJson usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.generated_tokens},
          {"total_tokens", usage.prompt_tokens + usage.generated_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

OrderedJson timings_json(const Metrics& metrics) {
  return {{"queue_ms", metrics.queue_seconds * 1000},
          {"time_to_first_token_ms", metrics.time_to_first_token_seconds * 1000},
          {"prompt_ms", metrics.prefill_seconds * 1000},
          {"generation_ms", metrics.decode_seconds * 1000},
          {"prompt_tokens_per_second", metrics.prefill_tokens_per_second},
          {"tokens_per_second", metrics.decode_tokens_per_second}};
}

OrderedJson AnswerHead::json(std::string_view object) const {
  return {{"id", id},
          {"object", object},
          {"created", created},
          {"model", model},
          {"system_fingerprint", "linnet-" + std::string(version())}};
}

AnswerHead answer_head(std::string_view id_prefix, const Running& running) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {.id = random_id(id_prefix),
          .created = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
          .model = running.name};
}

void add_usage(OrderedJson& json, const Running& running) {
  json["usage"] = usage_json(running.usage());
  json["timings"] = timings_json(running.answers.front().metrics());
}

void end_stream(std::string& out, const AnswerHead& head, std::string_view object,
                const Running& running, bool include_usage) {
  if (include_usage) {
    OrderedJson json = head.json(object);
    json["choices"] = OrderedJson::array();
    add_usage(json, running);
    out += "data: " + to_text(json) + "\n\n";
  }
  out += "data: [DONE]\n\n";
}

std::string token_text(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.decode(std::span(&id, 1), false);
}

OrderedJson token_logprob_json(const Tokenizer& tokenizer, const Token& token) {
  OrderedJson result = logprob_json(tokenizer, token.id, token.logprob);
  OrderedJson top = OrderedJson::array();
  for (const TokenLogprob& other : token.top)
    top.push_back(logprob_json(tokenizer, other.id, other.logprob));
  result["top_logprobs"] = std::move(top);
  return result;
}

}  // namespace linnet::serve
