// linnet_ops_bench: Google Benchmark over the ops. Its options are Google Benchmark's
// (--benchmark_filter=REGEX, --benchmark_out=FILE), and --threads=N. LINNET_ISA chooses the
// instruction set.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "ops/bench.hpp"
#include "ops/families.hpp"

int main(int argc, char** argv) {
  using namespace linnet;
  const std::string option = "--threads=";
  CpuOptions options;
  std::vector<char*> others;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(option))
      options.threads = std::atoi(argument.c_str() + option.size());
    else
      others.push_back(argv[i]);
  }
  int count = static_cast<int>(others.size());
  benchmark::Initialize(&count, others.data());
  if (benchmark::ReportUnrecognizedArguments(count, others.data())) return 2;
  try {
    bench::set_device(Device::cpu(options));
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  benchmark::AddCustomContext("linnet_isa",
                              std::string(kernels::cpu::to_string(bench::device()->isa())));
  benchmark::AddCustomContext("linnet_threads", std::to_string(bench::device()->threads().size()));
  bench::register_matmul();
  bench::register_linear();
  bench::register_attention();
  bench::register_softmax();
  bench::register_norm();
  bench::register_rope();
  bench::register_elementwise();
  bench::register_reduce();
  bench::register_sampler();
  bench::register_threads();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
