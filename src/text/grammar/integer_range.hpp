// The decimal integers of a range.
#pragma once

#include <cstdint>
#include <optional>

#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

/// Integers of at least `low` and at most `high`, where given, as JSON writes them: no leading
/// zeros, no
/// "-0". None if low > high.
NodeId integer_range(Syntax& syntax, std::optional<int64_t> low, std::optional<int64_t> high);

}  // namespace linnet::text::grammar
