#include "ops/bench.hpp"

#include <memory>
#include <numbers>
#include <utility>

#include "array/random.hpp"

namespace linnet::bench {
namespace {

DevicePtr the_device;

double unit(uint64_t seed, uint64_t index) {
  const RandomWords words = random_block({seed, 0}, index);
  return unit_double(words[0], words[1]);
}

}  // namespace

const DevicePtr& device() { return the_device; }
void set_device(DevicePtr device) { the_device = std::move(device); }

std::vector<float> uniform_values(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(2 * unit(seed, i) - 1);
  return values;
}

std::vector<float> normal_values(int64_t count, uint64_t seed, double deviation) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - unit(seed, 2 * i)));
    const double angle = 2 * std::numbers::pi * unit(seed, 2 * i + 1);
    values[i] = static_cast<float>(deviation * radius * std::cos(angle));
  }
  return values;
}

Array uniform_array(const Shape& shape, DType dtype, uint64_t seed) {
  return ops::astype(Array::from(uniform_values(element_count(shape), seed), shape, device()),
                     dtype);
}

std::string compare(const std::vector<float>& actual, const std::vector<double>& expected,
                    double tolerance) {
  if (actual.size() != expected.size())
    return fmt::format("{} values, expected {}", actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    if (!(std::fabs(actual[i] - expected[i]) <= tolerance * (1 + std::fabs(expected[i]))))
      return fmt::format("value {} is {}, expected {}", i, actual[i], expected[i]);
  return {};
}

double tolerance(DType dtype, double f32_error) {
  return dtype == DType::f32 ? f32_error : 0x1p-8 + f32_error;
}

void add(const std::string& name, std::function<Prepared()> prepare) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [prepare = std::move(prepare)](benchmark::State& state) {
                                 try {
                                   const Prepared prepared = prepare();
                                   const std::string wrong = prepared.check();
                                   if (!wrong.empty()) {
                                     state.SkipWithError(wrong.c_str());
                                     return;
                                   }
                                   for (auto _ : state) prepared.run();
                                   const auto per_second = [](double amount) {
                                     return benchmark::Counter(
                                         amount, benchmark::Counter::kIsIterationInvariantRate);
                                   };
                                   if (prepared.work.flops > 0)
                                     state.counters["FLOP/s"] = per_second(prepared.work.flops);
                                   if (prepared.work.bytes > 0)
                                     state.counters["B/s"] = per_second(prepared.work.bytes);
                                 } catch (const Error& error) {
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace linnet::bench
