#include "engine/step_plan.hpp"

#include <algorithm>

namespace linnet::engine {

std::vector<int64_t> plan_rows(std::span<const int64_t> remaining, int64_t budget,
                               int64_t prompt_budget) {
  std::vector<int64_t> rows(remaining.size());
  std::vector<size_t> prompts;
  for (size_t i = 0; i < remaining.size(); ++i) {
    if (remaining[i] > 1) {
      prompts.push_back(i);
    } else if (budget > 0) {
      rows[i] = 1;
      --budget;
    }
  }
  if (prompts.empty()) return rows;
  int64_t left = std::min(budget, prompt_budget);
  const size_t oldest = prompts.front();
  const auto give = [&](size_t to, int64_t most) {
    const int64_t given = std::min({remaining[to] - rows[to], most, left});
    rows[to] += given;
    left -= given;
  };
  give(oldest, prompts.size() == 1 ? left : (left + 1) / 2);
  std::stable_sort(prompts.begin(), prompts.end(),
                   [&](size_t a, size_t b) { return remaining[a] < remaining[b]; });
  for (const size_t prompt : prompts)
    if (prompt != oldest) give(prompt, left);
  give(oldest, left);
  return rows;
}

}  // namespace linnet::engine
