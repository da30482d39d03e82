#include "serve/text_request.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::serve {
namespace {

// As in engine/sampler.hpp and engine/stop_strings.hpp, which know no names of fields.
constexpr int64_t kMaxStops = 16;
constexpr size_t kMaxStopBytes = 4096;
constexpr size_t kMaxBadWords = 1024;
constexpr int64_t kMaxGuesses = 16;
constexpr float kMaxFloat = std::numeric_limits<float>::max();

GenerateOptions& options(TextRequest& request) { return request.batch.options; }

void read_stop(TextRequest& request, const Json& json) {
  if (json.is_array() && json.elements().empty()) return;
  std::vector<std::string> stops = one_or_more_strings(json);
  require(static_cast<int64_t>(stops.size()) <= kMaxStops, "{} has {} strings, {} at most",
          json.where(), stops.size(), kMaxStops);
  for (const std::string& stop : stops)
    require(!stop.empty() && stop.size() <= kMaxStopBytes,
            "{} has a string of {} bytes, expected 1 to {}", json.where(), stop.size(),
            kMaxStopBytes);
  options(request).stop_strings = std::move(stops);
}

void read_logit_bias(TextRequest& request, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    int64_t id = -1;
    const char* const end = name.data() + name.size();
    const auto [stopped, error] = std::from_chars(name.data(), end, id);
    require(error == std::errc() && stopped == end && id >= 0 &&
                id <= std::numeric_limits<int32_t>::max(),
            "\"{}\" in {} is no token id", printable(name), json.where());
    const float bias = finite_float(value);
    require(bias >= -100 && bias <= 100, "{} is {}, expected -100 to 100", value.where(), bias);
    // OpenAI's scale ends where a token is banned.
    options(request).logit_bias.emplace_back(
        static_cast<int32_t>(id), bias == -100 ? -std::numeric_limits<float>::infinity() : bias);
  }
}

void read_max_tokens(TextRequest& request, const Json& json) {
  options(request).max_tokens = integer_between(json, 1, std::numeric_limits<int32_t>::max());
}

void read_seed(TextRequest& request, const Json& json) {
  // Any integer is a seed, negative ones as the bits that they are.
  uint64_t seed = 0;
  options(request).seed = json.element().get_uint64().get(seed) == simdjson::SUCCESS
                              ? seed
                              : static_cast<uint64_t>(json.as_integer());
}

void read_temperature(TextRequest& request, const Json& json) {
  options(request).temperature = float_between(json, 0, kMaxFloat);
  request.has_temperature = true;
}

void read_top_p(TextRequest& request, const Json& json) {
  const float top_p = float_between(json, 0, 1);
  require(top_p > 0, "{} is 0, expected more than that", json.where());
  options(request).top_p = top_p;
  request.has_top_p = true;
}

void read_top_k(TextRequest& request, const Json& json) {
  // -1 is how vLLM's clients say "all".
  const int64_t k = integer_between(json, -1, std::numeric_limits<int32_t>::max());
  options(request).top_k = k < 0 ? 0 : k;
  request.has_top_k = true;
}

void read_min_p(TextRequest& request, const Json& json) {
  options(request).min_p = float_between(json, 0, 1);
  request.has_min_p = true;
}

void read_repetition_penalty(TextRequest& request, const Json& json) {
  const float penalty = float_between(json, 0, kMaxFloat);
  require(penalty > 0, "{} is 0, expected more than that", json.where());
  options(request).repetition_penalty = penalty;
  request.has_repetition_penalty = true;
}

void read_stream_options(TextRequest& request, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    require(name == "include_usage", "{} is not known", value.where());
    request.include_usage = value.as_bool();
  }
}

}  // namespace

const FieldReaders<TextRequest>& sampling_fields() {
  static const FieldReaders<TextRequest> readers{
      {"model", [](TextRequest& r, const Json& j) { r.model = j.as_string(); }},
      {"stream", [](TextRequest& r, const Json& j) { r.stream = j.as_bool(); }},
      {"stream_options", read_stream_options},
      {"max_tokens", read_max_tokens},
      {"temperature", read_temperature},
      {"top_p", read_top_p},
      {"top_k", read_top_k},
      {"min_p", read_min_p},
      {"seed", read_seed},
      {"stop", read_stop},
      {"n", [](TextRequest& r, const Json& j) { r.n = integer_between(j, 1, kMaxChoices); }},
      {"logit_bias", read_logit_bias},
      {"frequency_penalty",
       [](TextRequest& r, const Json& j) { options(r).frequency_penalty = finite_float(j); }},
      {"presence_penalty",
       [](TextRequest& r, const Json& j) { options(r).presence_penalty = finite_float(j); }},
      {"repetition_penalty", read_repetition_penalty},
      {"min_tokens",
       [](TextRequest& r, const Json& j) {
         options(r).min_tokens = integer_between(j, 0, std::numeric_limits<int32_t>::max());
       }},
      {"ignore_eos", [](TextRequest& r, const Json& j) { options(r).ignore_eos = j.as_bool(); }},
      {"bad_words",
       [](TextRequest& r, const Json& j) {
         options(r).bad_words = one_or_more_strings(j);
         require(options(r).bad_words.size() <= kMaxBadWords, "{} has {} strings, {} at most",
                 j.where(), options(r).bad_words.size(), kMaxBadWords);
       }},
      {"stop_token_ids", [](TextRequest& r, const Json& j) { options(r).stop_ids = token_ids(j); }},
      {"priority",
       [](TextRequest& r, const Json& j) {
         options(r).priority = static_cast<int>(integer_between(j, -1000, 1000));
       }},
      {"speculate",
       [](TextRequest& r, const Json& j) {
         options(r).speculate = integer_between(j, 0, kMaxGuesses);
       }},
      {"max_queue_seconds",
       [](TextRequest& r, const Json& j) {
         options(r).max_queue_seconds = float_between(j, 0, kMaxFloat);
       }},
      // Who asks is the caller's own note; nothing depends on it.
      {"user", [](TextRequest&, const Json& j) { (void)j.as_string(); }},
  };
  return readers;
}

FieldReaders<TextRequest> with_sampling_fields(FieldReaders<TextRequest> more) {
  more.insert(sampling_fields().begin(), sampling_fields().end());
  return more;
}

void check_ids(const TextRequest& request, int64_t vocab_size) {
  const auto check = [&](const char* field, int64_t id) {
    if (id < 0 || id >= vocab_size)
      throw ApiError(
          400,
          fmt::format("{} names the token {}, and there are 0 to {}", field, id, vocab_size - 1),
          "invalid_value", field);
  };
  const GenerateOptions& asked = request.batch.options;
  for (const auto& [id, bias] : asked.logit_bias) check("logit_bias", id);
  for (const int32_t id : asked.stop_ids) check("stop_token_ids", id);
  for (const int32_t id : request.batch.ids) check("prompt", id);
}

Grammar response_format(const Json& json) {
  const std::string_view type = json.at("type").as_string();
  if (type == "text") return {};
  if (type == "json_object") return Grammar::json();
  require(type == "json_schema", "{} is \"{}\", expected text, json_object or json_schema",
          json.at("type").where(), printable(type));
  return Grammar::json_schema(json_text(json.at("json_schema").at("schema")));
}

}  // namespace linnet::serve
