#include "train/packing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"

namespace linnet::train {
namespace {

constexpr int64_t kMaxWindow = 4096;

void append(Pack& pack, const Example& example) {
  pack.ids.insert(pack.ids.end(), example.ids.begin(), example.ids.end());
  pack.weights.insert(pack.weights.end(), example.weights.begin(), example.weights.end());
  pack.lengths.push_back(std::ssize(example.ids));
}

ExamplePlace parse_place(const Json& json) {
  const std::vector<Json> numbers = json.elements();
  if (numbers.size() != 2)
    fail(ErrorCode::malformed_file, "{} has {} numbers, expected 2", json.where(), numbers.size());
  return {.place = numbers[0].as_integer(), .piece = numbers[1].as_integer()};
}

}  // namespace

int64_t Pack::targets() const {
  return std::ranges::count_if(weights, [](float weight) { return weight != 0; });
}

std::string DataPosition::to_json() const {
  nlohmann::ordered_json json{{"epoch", epoch}, {"next", {next.place, next.piece}}};
  json["pending"] = nlohmann::ordered_json::array();
  for (const ExamplePlace& at : pending) json["pending"].push_back({at.place, at.piece});
  json["fingerprint"] = fingerprint;
  return json.dump();
}

DataPosition DataPosition::parse(std::string_view text) {
  const Json json = Json::parse_exactly(text, "data position");
  DataPosition position{.epoch = json.at("epoch").as_integer(),
                        .next = parse_place(json.at("next")),
                        .pending = {},
                        .fingerprint = std::string(json.at("fingerprint").as_string())};
  for (const Json& at : json.at("pending").elements()) position.pending.push_back(parse_place(at));
  return position;
}

PackStream::PackStream(Split& split, const PackOptions& options)
    : split_(split), options_(options) {
  const int64_t longest = split.encoder().options().max_length;
  require(options.max_tokens >= longest, "packs of {} tokens cannot hold examples of {}",
          options.max_tokens, longest);
  require(options.window >= 1 && options.window <= kMaxWindow,
          "a window of {} examples, it must be 1 .. {}", options.window, kMaxWindow);
}

std::string PackStream::fingerprint() const {
  return fmt::format("{}-{}-{}", split_.fingerprint(), options_.max_tokens, options_.window);
}

const Encoded& PackStream::line(int64_t place) {
  if (cached_epoch_ != epoch_ || cached_place_ != place) {
    cached_ = split_.read(split_.line_at(epoch_, place));
    cached_epoch_ = epoch_;
    cached_place_ = place;
  }
  return cached_;
}

bool PackStream::read_one() {
  while (next_.place < split_.size()) {
    const Encoded& encoded = line(next_.place);
    if (next_.piece < std::ssize(encoded.examples)) {
      window_.push_back({.at = next_, .example = encoded.examples[next_.piece]});
      ++next_.piece;
      return true;
    }
    next_ = {.place = next_.place + 1, .piece = 0};
  }
  return false;
}

std::optional<Pack> PackStream::next() {
  for (;;) {
    if (options_.epochs >= 0 && epoch_ >= options_.epochs) return std::nullopt;
    while (std::ssize(window_) < options_.window && read_one()) epoch_has_examples_ = true;
    if (!window_.empty()) break;
    // Another epoch of nothing would be looked for without end.
    require(split_.size() == 0 || epoch_has_examples_ || next_.place == 0,
            "no example of {} lines can be used ({} of them bad)", split_.size(),
            split_.bad_lines());
    if (split_.size() == 0) return std::nullopt;
    ++epoch_;
    next_ = {};
    epoch_has_examples_ = false;
  }
  Pack pack;
  std::deque<Item> rest;
  for (Item& item : window_) {
    if (pack.tokens() + std::ssize(item.example.ids) <= options_.max_tokens)
      append(pack, item.example);
    else
      rest.push_back(std::move(item));
  }
  window_ = std::move(rest);
  return pack;
}

DataPosition PackStream::position() const {
  DataPosition position{
      .epoch = epoch_, .next = next_, .pending = {}, .fingerprint = fingerprint()};
  for (const Item& item : window_) position.pending.push_back(item.at);
  return position;
}

void PackStream::seek(const DataPosition& position) {
  require(position.fingerprint == fingerprint(),
          "the data, its options or the seed are not those of the position to go on from");
  require(position.epoch >= 0 && position.next.place >= 0 && position.next.place <= split_.size() &&
              position.next.piece >= 0 && std::ssize(position.pending) <= options_.window,
          "a position in the data that is none: epoch {}, line {} of {}, {} pending",
          position.epoch, position.next.place, split_.size(), position.pending.size());
  epoch_ = position.epoch;
  next_ = position.next;
  // Something was read in this epoch, or it begins.
  epoch_has_examples_ = next_.place > 0 || next_.piece > 0;
  window_.clear();
  for (const ExamplePlace& at : position.pending) {
    require(at.place >= 0 && at.place < split_.size(), "pending line {} of {}", at.place,
            split_.size());
    const Encoded& encoded = line(at.place);
    require(at.piece >= 0 && at.piece < std::ssize(encoded.examples),
            "pending example {} of {} of line {}", at.piece, encoded.examples.size(), at.place);
    window_.push_back({.at = at, .example = encoded.examples[at.piece]});
  }
}

}  // namespace linnet::train
