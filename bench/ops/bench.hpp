// What the benchmarks of ops share: the device, reproducible inputs, checking before timing.
//
// A benchmark computes its answer once and compares it with a plain loop; a wrong one is reported
// as an error and not timed. Names are op/dtype/shape.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "array/array.hpp"
#include "ops/cast.hpp"

namespace linnet::bench {

/// The device of all benchmarks: --threads of the command line, LINNET_ISA, no limit of its own.
const DevicePtr& device();
/// Called once, by main.
void set_device(DevicePtr device);

/// Reproducible numbers: uniform in [-1, 1), or normal.
std::vector<float> uniform_values(int64_t count, uint64_t seed);
std::vector<float> normal_values(int64_t count, uint64_t seed, double deviation = 1);
/// uniform_values as an array, rounded to `dtype`.
Array uniform_array(const Shape& shape, DType dtype, uint64_t seed);

/// What one call does, for the columns beside the time.
struct Work {
  double flops = 0;
  double bytes = 0;  ///< read and written, as if every operand went through memory once
};

/// Whether a result is right; the message says what is wrong, empty if nothing is.
using Check = std::function<std::string()>;

/// |actual - expected| <= tolerance * (1 + |expected|) for all, else what differs.
std::string compare(const std::vector<float>& actual, const std::vector<double>& expected,
                    double tolerance);
/// The tolerance of a result of `dtype` that f32 computes to within `f32_error`.
double tolerance(DType dtype, double f32_error);

/// Registers a benchmark: prepare() makes the inputs and returns what is timed and how it is
/// checked.
struct Prepared {
  std::function<void()> run;
  Check check;
  Work work;
};
void add(const std::string& name, std::function<Prepared()> prepare);

inline std::string name_of(DType dtype) { return std::string(to_string(dtype)); }

}  // namespace linnet::bench
