#include "engine/stop_strings.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace linnet::engine {

void StopStrings::check(const std::vector<std::string>& stops) {
  require(stops.size() <= kMaxStrings, "{} stop strings are more than {}", stops.size(),
          kMaxStrings);
  for (const std::string& stop : stops) {
    require(!stop.empty(), "a stop string is empty");
    require(stop.size() <= kMaxBytes, "a stop string has {} bytes, more than {}", stop.size(),
            kMaxBytes);
  }
}

std::string StopStrings::push(std::string_view piece) {
  if (stops_.empty()) return std::string(piece);
  if (found_) return {};
  const size_t before = held_.size();
  held_ += piece;
  // The first end of a stop string, and the longest that ends there.
  size_t first_end = std::string::npos;
  size_t begin = 0;
  std::optional<size_t> which;
  for (size_t i = 0; i < stops_.size(); ++i) {
    const std::string& stop = stops_[i];
    // It cannot end in what was there before: that would have been found.
    const size_t from = before >= stop.size() ? before - stop.size() + 1 : 0;
    const size_t at = held_.find(stop, from);
    if (at == std::string::npos) continue;
    const size_t end = at + stop.size();
    if (end > first_end || (end == first_end && at >= begin)) continue;
    first_end = end;
    begin = at;
    which = i;
  }
  if (which) {
    found_ = which;
    held_.resize(begin);
    return std::exchange(held_, {});
  }
  // The longest end of the text that a stop string begins with.
  size_t keep = 0;
  for (const std::string& stop : stops_)
    for (size_t length = std::min(stop.size() - 1, held_.size()); length > keep; --length)
      if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, length)))
        keep = length;
  std::string result = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return result;
}

std::string StopStrings::finish() { return std::exchange(held_, {}); }

}  // namespace linnet::engine
