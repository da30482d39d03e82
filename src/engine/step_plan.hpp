// Which tokens go into the next forward pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace linnet::engine {

/// How many rows each running request gets, in the order of `remaining`, the tokens that each has
/// still to feed (1 or more; 1: it decodes). At most `budget` rows together.
///
/// Everyone who decodes gets a row, so that a long prompt never starves them (while there are rows
/// at all: the first in the list go first). What is left goes to prompts: the first of them, which
/// has waited longest, has half of it, and the shortest ones, which give a first token soonest, the
/// other half. At most `prompt_budget` rows are of prompts.
std::vector<int64_t> plan_rows(std::span<const int64_t> remaining, int64_t budget,
                               int64_t prompt_budget);

}  // namespace linnet::engine
