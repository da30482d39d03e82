// How much longer the steps of a tokenizer.json may make a text. Real ones make it at most a few
// times as long; a hostile file could double it in each of many steps.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"

namespace linnet::text {

/// The most bytes that may come of `bytes` bytes.
constexpr size_t growth_limit(size_t bytes) { return 64 * bytes + (size_t{1} << 16); }

/// Errors: unsupported, naming `what`, past the limit.
inline void check_growth(size_t bytes, size_t limit, std::string_view what) {
  if (bytes > limit)
    fail(ErrorCode::unsupported,
         "tokenizer.json: {} makes a text so much longer that more than {} bytes come of it", what,
         limit);
}

}  // namespace linnet::text
