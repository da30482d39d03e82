#include "kernels/limits.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/limits.cpp"
#include <hwy/foreach_target.h>  // compiles the section below once per instruction set

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/cpu/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Enough independent sums to cover the latency of a multiply-add (4 or 5 cycles, two each cycle),
// and few enough to leave room for the operands in 16 registers.
constexpr int kSums = 12;

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

constexpr int kFloats = 4;

/// Rounds of kSums x kFloats multiply-adds; the result depends on all of them.
float multiply_add(int64_t rounds) {
  float sums[kSums * kFloats] = {};
  const float a = 0.999F;
  for (int64_t i = 0; i < rounds; ++i)
    for (float& sum : sums) sum = sum * a + a;
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

uint64_t read(const std::byte* from, int64_t bytes, int /*runs*/, int64_t /*ahead*/) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 64 <= bytes; i += 64)
    for (int j = 0; j < 8; ++j) {
      uint64_t word = 0;
      std::memcpy(&word, from + i + 8 * j, sizeof(word));
      sums[j] ^= word;
    }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total ^= sum;
  return total;
}

#else

constexpr int kFloats = kWidth;

float multiply_add(int64_t rounds) {
  const Tag d;
  hn::Vec<Tag> sums[kSums];
  for (auto& sum : sums) sum = hn::Zero(d);
  const auto a = hn::Set(d, 0.999F);
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = hn::MulAdd(sum, a, a);
  auto total = sums[0];
  for (int i = 1; i < kSums; ++i) total = hn::Add(total, sums[i]);
  return hn::GetLane(total);
}

/// Reads `bytes` (a multiple of 4 KiB) as kRuns runs side by side, asking for each line `ahead`
/// bytes before it is due.
template <int kRuns>
uint64_t read_runs(const std::byte* from, int64_t bytes, int64_t ahead) {
  const hn::ScalableTag<uint64_t> d;
  constexpr int64_t kStep = 256;
  const auto width = static_cast<int64_t>(hn::Lanes(d) * sizeof(uint64_t));
  const int64_t run = bytes / kRuns;
  hn::Vec<decltype(d)> sums[kRuns];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (int64_t i = 0; i < run; i += kStep)
    for (int r = 0; r < kRuns; ++r) {
      const std::byte* at = from + r * run + i;
      if (ahead != 0)
        for (int64_t line = 0; line < kStep; line += 64) hwy::Prefetch(at + ahead + line);
      for (int64_t j = 0; j < kStep; j += width)
        sums[r] = hn::Xor(sums[r], hn::LoadU(d, reinterpret_cast<const uint64_t*>(at + j)));
    }
  for (int r = 1; r < kRuns; ++r) sums[0] = hn::Xor(sums[0], sums[r]);
  return hn::GetLane(sums[0]);
}

uint64_t read(const std::byte* from, int64_t bytes, int runs, int64_t ahead) {
  if (runs == 1) return read_runs<1>(from, bytes, ahead);
  if (runs == 2) return read_runs<2>(from, bytes, ahead);
  return read_runs<4>(from, bytes, ahead);
}

#endif

/// Operations of one round.
int64_t multiply_add_operations() { return int64_t{2} * kSums * kFloats; }

#if HWY_TARGET == HWY_AVX3

constexpr int64_t kDotOperations = int64_t{kSums} * 16 * 2 * 2;  // lanes, products, * and +
constexpr int kTileSums = 6;                                     // of eight tiles
constexpr int64_t kTileOperations = int64_t{kTileSums} * 16 * 16 * 32 * 2;

float dot_bf16(int64_t rounds) {
  const Tag d;
  // Two bf16 of about 1 in each lane.
  const auto a = hn::BitCast(d, hn::Set(UintTag(), 0x3f81bf82U)).raw;
  auto s0 = hn::Zero(d).raw;
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  auto s4 = s0;
  auto s5 = s0;
  auto s6 = s0;
  auto s7 = s0;
  auto s8 = s0;
  auto s9 = s0;
  auto s10 = s0;
  auto s11 = s0;
  for (int64_t i = 0; i < rounds; ++i)
    // In assembler, so that no function here needs a target beyond the one Highway gives it.
    asm volatile(
        "vdpbf16ps %12, %12, %0\n\tvdpbf16ps %12, %12, %1\n\tvdpbf16ps %12, %12, %2\n\t"
        "vdpbf16ps %12, %12, %3\n\tvdpbf16ps %12, %12, %4\n\tvdpbf16ps %12, %12, %5\n\t"
        "vdpbf16ps %12, %12, %6\n\tvdpbf16ps %12, %12, %7\n\tvdpbf16ps %12, %12, %8\n\t"
        "vdpbf16ps %12, %12, %9\n\tvdpbf16ps %12, %12, %10\n\tvdpbf16ps %12, %12, %11"
        : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7), "+v"(s8),
          "+v"(s9), "+v"(s10), "+v"(s11)
        : "v"(a));
  return hn::GetLane(hn::Vec<Tag>{s0}) + hn::GetLane(hn::Vec<Tag>{s11});
}

float dot_tiles(int64_t rounds) {
  alignas(64) uint32_t operand[16][16];
  alignas(64) float result[16][16];
  // bf16 near 1 with changing bits and signs: the clock of some processors depends on what toggles.
  for (uint32_t i = 0; i < 256; ++i) operand[i / 16][i % 16] = 0x3f80bf80U ^ (i * 0x00450027U);
  HardwareTiles tiles;
  tiles.zero<0>();
  tiles.zero<1>();
  tiles.zero<2>();
  tiles.zero<3>();
  tiles.zero<4>();
  tiles.zero<5>();
  tiles.load<6>(operand, kTileBytes);
  tiles.load<7>(operand, kTileBytes);
  for (int64_t i = 0; i < rounds; ++i) {
    tiles.dot<0, 6, 7>();
    tiles.dot<1, 6, 7>();
    tiles.dot<2, 6, 7>();
    tiles.dot<3, 6, 7>();
    tiles.dot<4, 6, 7>();
    tiles.dot<5, 6, 7>();
  }
  tiles.store<0>(result, kTileBytes);
  return result[3][5];
}

#endif

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {
namespace {

/// How a thread walks its part of the buffer.
struct ReadPattern {
  int runs = 1;       // side by side
  int64_t ahead = 0;  // bytes between a prefetch and its use; 0: the hardware's prefetchers alone
};

// Which one is quickest depends on the processor's prefetchers.
constexpr std::array kPatterns{ReadPattern{1, 0}, ReadPattern{1, 4096}, ReadPattern{2, 2048},
                               ReadPattern{4, 0}};

HWY_EXPORT(multiply_add);
HWY_EXPORT(multiply_add_operations);
HWY_EXPORT(read);

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A loop in registers and the operations of one of its rounds.
struct Loop {
  float (*run)(int64_t rounds) = nullptr;
  int64_t operations = 0;
};

Loop multiply_add_loop(Isa isa) {
  return {choose(HWY_DISPATCH_TABLE(multiply_add), isa),
          choose(HWY_DISPATCH_TABLE(multiply_add_operations), isa)()};
}

double operations_per_second(const Loop& loop, double seconds, ThreadPool& pool) {
  std::atomic<int> result{0};  // nothing that is computed may be left out
  int64_t rounds = 64;
  const auto run = [&] {
    if (loop.run(rounds) == 0.5F) result.fetch_add(1, std::memory_order_relaxed);
  };
  // Rounds of about 50 microseconds on this thread: small enough to share out evenly.
  double one = 0;
  while (one < 50e-6) {
    rounds *= 2;
    const auto start = std::chrono::steady_clock::now();
    run();
    one = seconds_since(start);
  }
  const auto chunks = std::max<int64_t>(1, static_cast<int64_t>(seconds / one)) * pool.size();
  const auto start = std::chrono::steady_clock::now();
  pool.parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run();
  });
  return static_cast<double>(chunks * rounds * loop.operations) / seconds_since(start);
}

}  // namespace

double read_bandwidth(std::span<const std::byte> buffer, const Context& context) {
  // Small enough to share out evenly, large enough for long runs.
  constexpr int64_t kChunk = int64_t{4} << 20;
  const int64_t chunks = static_cast<int64_t>(buffer.size()) / kChunk;
  const auto read = choose(HWY_DISPATCH_TABLE(read), context.isa);
  std::atomic<uint64_t> result{0};  // nothing that is read may be left out
  double best = 0;
  for (const ReadPattern& pattern : kPatterns) {
    const auto start = std::chrono::steady_clock::now();
    context.pool.parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      uint64_t sum = 0;
      for (int64_t i = begin; i < end; ++i)
        sum ^= read(buffer.data() + i * kChunk, kChunk, pattern.runs, pattern.ahead);
      result.fetch_xor(sum, std::memory_order_relaxed);
    });
    best = std::max(best, static_cast<double>(chunks * kChunk) / seconds_since(start));
  }
  return best;
}

double matmul_peak(double seconds, const Context& context) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  if (context.isa == Isa::amx)
    return operations_per_second({N_AVX3::dot_tiles, N_AVX3::kTileOperations}, seconds,
                                 context.pool);
  if (context.isa == Isa::avx512) {
    // Some processors are quicker with the one, some with the other; kernels may use both.
    const Loop dots{N_AVX3::dot_bf16, N_AVX3::kDotOperations};
    return std::max(
        operations_per_second(dots, seconds / 2, context.pool),
        operations_per_second(multiply_add_loop(context.isa), seconds / 2, context.pool));
  }
#endif
  return operations_per_second(multiply_add_loop(context.isa), seconds, context.pool);
}

std::string_view matmul_instruction(Isa isa) noexcept {
  switch (isa) {
    case Isa::amx: return "AMX bf16 tiles";
    case Isa::avx512: return "AVX-512 bf16 dot products or float32 multiply-adds";
    default: return "float32 multiply-adds";
  }
}

}  // namespace linnet::kernels::cpu
#endif
