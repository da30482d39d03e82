#include "train/run_state_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/printable.hpp"

namespace linnet::train {
namespace {

using Ordered = nlohmann::ordered_json;

constexpr std::string_view kFormat = "linnet training checkpoint";
constexpr int64_t kVersion = 1;

/// A number that JSON has, or null.
Ordered number(double value) { return std::isfinite(value) ? Ordered(value) : Ordered(nullptr); }

template <class Point, class Get>
Ordered column(const std::vector<Point>& points, const Get& get) {
  Ordered result = Ordered::array();
  for (const Point& point : points) {
    const auto value = get(point);
    if constexpr (std::is_same_v<std::remove_const_t<decltype(value)>, double>)
      result.push_back(number(value));
    else
      result.push_back(value);
  }
  return result;
}

void check_keys(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.members())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(ErrorCode::malformed_file, "{}: a field {} is unknown", object.where(), printable(key));
}

/// Sets set(point, element) of all points from an array of as many elements.
template <class Point, class Set>
void read_column(const Json& object, std::string_view key, std::vector<Point>& points,
                 const Set& set) {
  const auto elements = object.at(key).elements();
  if (elements.size() != points.size())
    fail(ErrorCode::malformed_file, "{}.{} has {} elements, expected {}", object.where(), key,
         elements.size(), points.size());
  for (size_t i = 0; i < points.size(); ++i) set(points[i], elements[i]);
}

double real(const Json& element) {
  return element.is_null() ? std::numeric_limits<double>::quiet_NaN() : element.as_number();
}

uint64_t seed_of(const Json& value) {
  const std::string_view text = value.as_string();
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::malformed_file, "{} is {}, expected a 64-bit number", value.where(),
         printable(text));
  return seed;
}

TrainHistory history_of(const Json& history, const Json& validation) {
  TrainHistory result;
  check_keys(history, {"step", "loss", "learning_rate", "gradient_norm", "tokens_per_second",
                       "memory_bytes"});
  result.steps.resize(history.at("step").elements().size());
  read_column(history, "step", result.steps,
              [](TrainPoint& p, const Json& x) { p.step = x.as_integer(); });
  read_column(history, "loss", result.steps,
              [](TrainPoint& p, const Json& x) { p.loss = real(x); });
  read_column(history, "learning_rate", result.steps,
              [](TrainPoint& p, const Json& x) { p.learning_rate = real(x); });
  read_column(history, "gradient_norm", result.steps,
              [](TrainPoint& p, const Json& x) { p.gradient_norm = real(x); });
  read_column(history, "tokens_per_second", result.steps,
              [](TrainPoint& p, const Json& x) { p.tokens_per_second = real(x); });
  read_column(history, "memory_bytes", result.steps,
              [](TrainPoint& p, const Json& x) { p.memory_bytes = x.as_integer(); });
  check_keys(validation, {"step", "loss"});
  result.validation.resize(validation.at("step").elements().size());
  read_column(validation, "step", result.validation,
              [](ValidationPoint& p, const Json& x) { p.step = x.as_integer(); });
  read_column(validation, "loss", result.validation,
              [](ValidationPoint& p, const Json& x) { p.loss = real(x); });
  return result;
}

}  // namespace

std::string to_json(const RunState& state) {
  const Ordered position = Ordered::parse(state.data_position, nullptr, false);
  require(!position.is_discarded(), "the position in the data is no JSON: {}",
          printable(state.data_position));
  Ordered seeds = Ordered::object();
  for (const auto& [name, seed] : state.seeds) seeds[name] = fmt::format("{}", seed);
  const auto& steps = state.history.steps;
  const auto& validation = state.history.validation;
  const Ordered document = {
      {"format", kFormat},
      {"version", kVersion},
      {"step", state.step},
      {"fingerprint", state.fingerprint},
      {"seeds", seeds},
      {"data_checksum", state.data_checksum},
      {"data", position},
      {"history",
       {{"step", column(steps, [](const auto& p) { return p.step; })},
        {"loss", column(steps, [](const auto& p) { return p.loss; })},
        {"learning_rate", column(steps, [](const auto& p) { return p.learning_rate; })},
        {"gradient_norm", column(steps, [](const auto& p) { return p.gradient_norm; })},
        {"tokens_per_second", column(steps, [](const auto& p) { return p.tokens_per_second; })},
        {"memory_bytes", column(steps, [](const auto& p) { return p.memory_bytes; })}}},
      {"validation",
       {{"step", column(validation, [](const auto& p) { return p.step; })},
        {"loss", column(validation, [](const auto& p) { return p.loss; })}}},
  };
  try {
    return document.dump() + "\n";
  } catch (const Ordered::exception&) {
    fail(ErrorCode::invalid_argument, "a text of the training run's state is not UTF-8");
  }
}

RunState run_state_from_json(const std::string& text, const std::string& origin) {
  const Json json = Json::parse_exactly(text, origin);
  if (!json.is_object() || !json.find("format") || json.at("format").as_string() != kFormat)
    fail(ErrorCode::malformed_file, "{} is not of a {}", origin, kFormat);
  if (const int64_t version = json.at("version").as_integer(); version != kVersion)
    fail(ErrorCode::unsupported, "{} has version {}, this program reads {}", origin, version,
         kVersion);
  check_keys(json, {"format", "version", "step", "fingerprint", "seeds", "data_checksum", "data",
                    "history", "validation"});
  RunState state;
  state.step = json.at("step").as_integer();
  if (state.step < 0) fail(ErrorCode::malformed_file, "{}: step is {}", origin, state.step);
  state.fingerprint = json.at("fingerprint").as_string();
  for (const auto& [name, seed] : json.at("seeds").members()) state.seeds[name] = seed_of(seed);
  state.data_checksum = json.get("data_checksum", "");
  // Null is a position too, which at() would call absent.
  simdjson::dom::element position;
  if (json.element()["data"].get(position) != simdjson::SUCCESS)
    fail(ErrorCode::malformed_file, "{} has no data", origin);
  state.data_position = simdjson::minify(position);
  state.history = history_of(json.at("history"), json.at("validation"));
  return state;
}

}  // namespace linnet::train
