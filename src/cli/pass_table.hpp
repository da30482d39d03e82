// What ran in a pass or a step, op by op, beside what the machine allows: `linnet explain` and
// `linnet train --explain`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/machine.hpp"
#include "kernels/trace.hpp"

namespace linnet::cli {

/// All calls of one op with one shape and one kernel.
struct Row {
  kernels::Work work;  // of all calls together
  int64_t calls = 0;
  double seconds = 0;
};

/// One forward pass: its rows in the order of their first calls, and its time in all.
struct Pass {
  std::vector<Row> rows;
  double seconds = 0;
};

/// The rows of what was recorded.
std::vector<Row> collect(const kernels::Trace& trace);

/// The quickest of several passes (`run` returns one): it was disturbed least.
template <class RunPass>
Pass quickest_pass(int passes, const RunPass& run) {
  Pass quickest = run();
  for (int i = 1; i < passes; ++i)
    if (Pass pass = run(); pass.seconds < quickest.seconds) quickest = std::move(pass);
  return quickest;
}

/// The slowest row first.
void sort_by_time(Pass& pass);

/// One JSON object and a newline, as docs/cli.md has it.
std::string to_json(const Pass& pass, const std::string& model, const std::string& what,
                    int64_t tokens, const Machine& machine);
/// A table; `passes` says of how many it is the quickest.
std::string to_text(const Pass& pass, const std::string& what, int passes, const Machine& machine);

}  // namespace linnet::cli
