#include "serve/routes/ollama_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace linnet::serve {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// 3.9M, 1.1B.
std::string parameter_size(int64_t parameters) {
  const auto count = static_cast<double>(parameters);
  if (count >= 1e9) return fmt::format("{:.1f}B", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.1f}M", count / 1e6);
  return fmt::format("{:.1f}K", count / 1e3);
}

/// BF16, Q4.
std::string quantization_level(const ModelInfo& info) {
  const int bits = info.formats.empty() ? 0 : info.formats.front().bits;
  if (bits > 0) return fmt::format("Q{}", bits);
  std::string level = info.dtype;
  std::ranges::transform(level, level.begin(), [](unsigned char c) { return std::toupper(c); });
  return level;
}

/// FNV-1a, from another beginning each time: as long as a SHA-256, and not one.
std::string digest(const ModelCard& card) {
  std::string told = card.name + card.info.architecture;
  for (const ModelFile& file : card.info.files)
    told += fmt::format("\n{} {}", file.name, file.bytes);
  std::string result;
  for (uint64_t part = 0; part < 4; ++part) {
    uint64_t hash = 0xcbf29ce484222325U + part;
    for (const char c : told) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    result += fmt::format("{:016x}", hash);
  }
  return result;
}

}  // namespace

CardPtr ollama_card(const ModelPool& models, const std::string& name) {
  constexpr std::string_view kLatest = ":latest";
  if (models.find(name) != nullptr || !name.ends_with(kLatest)) return models.card(name);
  return models.card(name.substr(0, name.size() - kLatest.size()));
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::microseconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string rfc3339_now() { return rfc3339(std::chrono::system_clock::now()); }

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

int64_t nanoseconds_since(std::chrono::steady_clock::time_point started) {
  const auto time = std::chrono::steady_clock::now() - started;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

OrderedJson calls_json(const std::vector<CallDelta>& calls) {
  OrderedJson json = OrderedJson::array();
  for (const CallDelta& call : calls)
    json.push_back({{"id", call.id},
                    {"function",
                     {{"index", call.index},
                      {"name", call.name},
                      {"arguments", OrderedJson::parse(call.arguments)}}}});
  return json;
}

OrderedJson details_json(const ModelInfo& info) {
  return {{"parent_model", ""},
          {"format", "safetensors"},
          {"family", info.model_type},
          {"families", OrderedJson::array({info.model_type})},
          {"parameter_size", parameter_size(info.parameters)},
          {"quantization_level", quantization_level(info)}};
}

OrderedJson entry_json(const ModelCard& card, const ModelInfo& info) {
  return {{"name", card.name},
          {"model", card.name},
          {"size", info.stored_bytes},
          {"digest", digest(card)},
          {"details", details_json(info)}};
}

}  // namespace linnet::serve
