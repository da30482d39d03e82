#include "cli/pass_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/json_line.hpp"

namespace linnet::cli {
namespace {

using Json = nlohmann::ordered_json;

/// What is between and around the ops: allocations, tables of blocks, the calls themselves.
Row rest_of(const Pass& pass) {
  Row rest{.work = {.op = "between ops"}, .calls = 1, .seconds = pass.seconds};
  for (const Row& row : pass.rows) rest.seconds -= row.seconds;
  return rest;
}

double share_of(const Row& row, const Machine& machine) {
  const kernels::Work& work = row.work;
  return machine.least_seconds(work.flops, work.stored_bytes + work.passing_bytes) / row.seconds;
}

}  // namespace

std::vector<Row> collect(const kernels::Trace& trace) {
  std::vector<Row> rows;
  for (const kernels::Trace::Entry& entry : trace.entries()) {
    auto row = std::ranges::find_if(rows, [&](const Row& other) {
      return other.work.op == entry.work.op && other.work.shape == entry.work.shape &&
             other.work.kernel == entry.work.kernel;
    });
    if (row == rows.end()) {
      rows.push_back({entry.work, 1, entry.seconds});
      continue;
    }
    row->work.flops += entry.work.flops;
    row->work.stored_bytes += entry.work.stored_bytes;
    row->work.passing_bytes += entry.work.passing_bytes;
    row->seconds += entry.seconds;
    ++row->calls;
  }
  return rows;
}

void sort_by_time(Pass& pass) {
  std::ranges::stable_sort(pass.rows, std::greater(), &Row::seconds);
}

std::string to_json(const Pass& pass, const std::string& model, const std::string& what,
                    int64_t tokens, const Machine& machine) {
  Json result;
  result["model"] = model;
  result["machine"] = {{"isa", machine.isa()},
                       {"threads", machine.threads()},
                       {"read_gbps", machine.read_bytes_per_second() / 1e9},
                       {"matmul_tflops", machine.flops_per_second() / 1e12},
                       {"matmul_instruction", machine.instruction()}};
  result["pass"] = what;
  result["tokens"] = tokens;
  result["milliseconds"] = pass.seconds * 1e3;
  result["ops"] = Json::array();
  for (const Row& row : pass.rows)
    result["ops"].push_back({{"op", row.work.op},
                             {"shape", row.work.shape},
                             {"kernel", row.work.kernel},
                             {"calls", row.calls},
                             {"flops", row.work.flops},
                             {"stored_bytes", row.work.stored_bytes},
                             {"passing_bytes", row.work.passing_bytes},
                             {"milliseconds", row.seconds * 1e3},
                             {"share_of_time", row.seconds / pass.seconds},
                             {"share_of_limit", share_of(row, machine)}});
  result["between_ops_milliseconds"] = rest_of(pass).seconds * 1e3;
  return json_line(result) + "\n";
}

std::string to_text(const Pass& pass, const std::string& what, int passes, const Machine& machine) {
  std::string text = fmt::format(
      "{}: {:.3f} ms, the quickest of {} passes. {}, {} threads: reads {:.1f} GB/s, multiplies "
      "{:.3f} "
      "TFLOP/s.\n\n{:<20}{:<30}{:>6}{:>10}{:>7}{:>11}{:>11}{:>8}  {}\n",
      what, pass.seconds * 1e3, passes, machine.isa(), machine.threads(),
      machine.read_bytes_per_second() / 1e9, machine.flops_per_second() / 1e12, "op", "shape",
      "calls", "ms", "time", "GFLOP", "MB", "limit", "kernel");
  const auto out = std::back_inserter(text);
  for (const Row& row : pass.rows)
    fmt::format_to(out, "{:<20}{:<30}{:>6}{:>10.3f}{:>6.1f}%{:>11.3f}{:>11.3f}{:>7.1f}%  {}\n",
                   row.work.op, row.work.shape, row.calls, row.seconds * 1e3,
                   100 * row.seconds / pass.seconds, static_cast<double>(row.work.flops) / 1e9,
                   static_cast<double>(row.work.stored_bytes + row.work.passing_bytes) / 1e6,
                   100 * share_of(row, machine), row.work.kernel);
  const Row rest = rest_of(pass);
  fmt::format_to(out, "{:<50}{:>6}{:>10.3f}{:>6.1f}%\n", rest.work.op, "", rest.seconds * 1e3,
                 100 * rest.seconds / pass.seconds);
  return text;
}

}  // namespace linnet::cli
