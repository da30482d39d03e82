#include "text/grammar/integer_range.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text::grammar {
namespace {

class Builder {
 public:
  explicit Builder(Syntax& syntax) : syntax_(syntax) {}

  // Magnitudes from `low` up to `high` (nothing: without end).
  NodeId magnitudes(uint64_t low, std::optional<uint64_t> high) {
    const std::string from = std::to_string(low);
    std::vector<NodeId> choices;
    if (high) {
      const std::string to = std::to_string(*high);
      for (size_t size = from.size(); size <= to.size(); ++size)  // by the number of digits
        choices.push_back(between(size == from.size() ? from : "1" + std::string(size - 1, '0'),
                                  size == to.size() ? std::string_view(to) : nines(size)));
    } else {
      choices.push_back(between(from, nines(from.size())));
      const auto more = static_cast<uint32_t>(from.size());
      choices.push_back(
          syntax_.sequence({digits('1', '9'), syntax_.repeat(digits('0', '9'), more, kUnbounded)}));
    }
    return syntax_.choice(choices);
  }

 private:
  NodeId digits(char first, char last) {
    return syntax_.characters(
        CodePoints().add(static_cast<char32_t>(first), static_cast<char32_t>(last)));
  }
  NodeId any(size_t count) {
    return syntax_.repeat(digits('0', '9'), static_cast<uint32_t>(count),
                          static_cast<uint32_t>(count));
  }
  static std::string_view nines(size_t size) {
    return std::string_view("99999999999999999999").substr(0, size);
  }

  // Strings of digits of one length, from <= to.
  NodeId between(std::string_view from, std::string_view to) {
    if (from.empty()) return syntax_.empty();
    const std::string_view low = from.substr(1);
    const std::string_view high = to.substr(1);
    if (from[0] == to[0]) return syntax_.sequence({digits(from[0], from[0]), between(low, high)});
    char first = from[0];
    char last = to[0];
    std::vector<NodeId> choices;
    if (low.find_first_not_of('0') != std::string_view::npos)
      choices.push_back(syntax_.sequence({digits(first, first), between(low, nines(low.size()))})),
          ++first;
    if (high.find_first_not_of('9') != std::string_view::npos)
      choices.push_back(
          syntax_.sequence({digits(last, last), between(std::string(high.size(), '0'), high)})),
          --last;
    if (first <= last) choices.push_back(syntax_.sequence({digits(first, last), any(low.size())}));
    return syntax_.choice(choices);
  }

  Syntax& syntax_;
};

// Without overflow at the least integer.
uint64_t magnitude(int64_t value) {
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

}  // namespace

NodeId integer_range(Syntax& syntax, std::optional<int64_t> low, std::optional<int64_t> high) {
  if (low && high && *low > *high) return syntax.nothing();
  Builder builder(syntax);
  std::vector<NodeId> choices;
  if (!low || *low < 0) {
    const uint64_t least = high && *high < 0 ? magnitude(*high) : 1;
    std::optional<uint64_t> most;
    if (low) most = magnitude(*low);
    choices.push_back(syntax.sequence({syntax.literal("-"), builder.magnitudes(least, most)}));
  }
  if (!high || *high >= 0) {
    const uint64_t least = low && *low > 0 ? magnitude(*low) : 0;
    std::optional<uint64_t> most;
    if (high) most = magnitude(*high);
    choices.push_back(builder.magnitudes(least, most));
  }
  return syntax.choice(choices);
}

}  // namespace linnet::text::grammar
