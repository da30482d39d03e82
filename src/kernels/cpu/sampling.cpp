#include "kernels/sampling.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "base/checked.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/sampling.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#ifndef LINNET_KERNELS_CPU_SAMPLING_ONCE_
#define LINNET_KERNELS_CPU_SAMPLING_ONCE_
namespace linnet::kernels::cpu {

// Buckets of weights: one for those below 2^-36, then 32 to an octave up to that of 1 itself.
inline constexpr int kBucketShift = 18;
inline constexpr int32_t kFirstBucket = ((127 - 36) << 5) - 1;
inline constexpr int32_t kBuckets = (127 << 5) - kFirstBucket + 1;
// Equal weights would wait for each other's counts: neighbours count in different tables.
inline constexpr int kTables = 4;

/// Weights in [low, high), in rising order of index, and the units of those from high on.
struct Near {
  float low = 0;
  float high = 0;
  float* weights = nullptr;
  int32_t* ids = nullptr;
  int64_t count = 0;
  uint64_t units_above = 0;
};

}  // namespace linnet::kernels::cpu
#endif

#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/norm-inl.h"
#include "kernels/cpu/order-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Units of up to 2^17 weights: the upper and the lower 18 bits in lanes of their own.
struct UnitSums {
  I32x16 upper;
  I32x16 lower;

  // Written out: the compiler's own would be for the oldest processor.
  HWY_INLINE UnitSums() : upper(set_int(0)), lower(set_int(0)) {}
  HWY_INLINE void add(F32x16 weights) {
    const F32x16 scaled = weights * set(0x1p18F);
    const I32x16 whole = to_int(scaled);
    upper = upper + whole;
    lower = lower + to_int((scaled - to_float(whole)) * set(0x1p18F));  // exact
  }
  HWY_INLINE uint64_t total() const {
    int32_t high[kLanes];
    int32_t low[kLanes];
    store(upper, high);
    store(lower, low);
    uint64_t sum = 0;
    for (int i = 0; i < kLanes; ++i)
      sum += (static_cast<uint64_t>(high[i]) << 18) + static_cast<uint64_t>(low[i]);
    return sum;
  }
};

// A stretch that one UnitSums may add.
inline constexpr int64_t kStretch = 4096;

uint64_t WeightsOf(const WeightsArgs& a, int64_t begin, int64_t end, uint32_t* tables) {
  const F32x16 largest = set(a.largest);
  const F32x16 temperature = set(a.temperature);
  const float none = -std::numeric_limits<float>::infinity();
  uint64_t units = 0;
  for (int64_t start = begin; start < end; start += kStretch) {
    const int64_t stop = end - start < kStretch ? end : start + kStretch;
    UnitSums sums;
    for (int64_t i = start; i < stop; i += kLanes) {
      const int64_t n = stop - i < kLanes ? stop - i : kLanes;
      const F32x16 logits = n == kLanes ? load(a.logits + i) : load_partial(a.logits + i, n, none);
      const F32x16 weight = exp_nonpositive((logits - largest) / temperature);
      store_some(weight, a.weights + i, n);
      if (tables == nullptr) continue;
      sums.add(weight);
      int32_t bucket[kLanes];
      const I32x16 first = set_int(kFirstBucket);
      store(max(shift_right<kBucketShift>(bits_of(weight)), first) - first, bucket);
      if (n == kLanes)
        for (int lane = 0; lane < kLanes; ++lane)
          ++tables[lane % kTables * kBuckets + bucket[lane]];
      else
        for (int64_t lane = 0; lane < n; ++lane) ++tables[bucket[lane]];
    }
    units += sums.total();
  }
  return units;
}

/// Units of weights of at least `bound`; at most 2^17 of them.
HWY_INLINE uint64_t units_from(const float* w, int64_t begin, int64_t end, float bound) {
  UnitSums sums;
  for (int64_t i = begin; i < end; i += kLanes) {
    const F32x16 weight = load_some(w + i, end - i < kLanes ? end - i : kLanes);
    sums.add(select(weight < set(bound), zero(), weight));
  }
  return sums.total();
}

uint64_t UnitsFrom(const float* w, int64_t begin, int64_t end, float bound) {
  return units_from(w, begin, end, bound);
}

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

/// Adds the lanes of `weights` in [low, high) and their indices.
inline void append(F32x16 weights, F32x16 low, F32x16 high, I32x16 ids, Near& near) {
  for (int i = 0; i < kLanes; ++i) {
    near.weights[near.count] = weights.lane[i];
    near.ids[near.count] = ids.lane[i];
    near.count += weights.lane[i] >= low.lane[i] && weights.lane[i] < high.lane[i] ? 1 : 0;
  }
}

#else

/// Adds the lanes of `weights` in [low, high) and their indices.
HWY_INLINE void append(F32x16 weights, F32x16 low, F32x16 high, I32x16 ids, Near& near) {
  for (int p = 0; p < kRegisters; ++p) {
    const auto w = weights.part[p];
    const auto inside = hn::And(hn::Ge(w, low.part[p]), hn::Lt(w, high.part[p]));
    // Whole registers: storing with a mask takes far longer on some processors.
    hn::StoreU(hn::Compress(w, inside), Tag(), near.weights + near.count);
    hn::StoreU(hn::Compress(ids.part[p], hn::RebindMask(IntTag(), inside)), IntTag(),
               near.ids + near.count);
    near.count += static_cast<int64_t>(hn::CountTrue(Tag(), inside));
  }
}

#endif

void Collect(const float* w, int64_t begin, int64_t end, Near& result) {
  Near near = result;  // of this thread alone: the results of several share a cache line
  const F32x16 low = set(near.low);
  const F32x16 high = set(near.high);
  int32_t first[kLanes];
  for (int i = 0; i < kLanes; ++i) first[i] = static_cast<int32_t>(begin) + i;
  I32x16 ids = load_bits(first);
  for (int64_t start = begin; start < end; start += kStretch) {
    const int64_t stop = end - start < kStretch ? end : start + kStretch;
    UnitSums sums;
    for (int64_t i = start; i < stop; i += kLanes) {
      // What lies beyond the list is below every bound.
      const int64_t n = stop - i;
      const F32x16 weight = n >= kLanes ? load(w + i) : load_partial(w + i, n, -1.0F);
      append(weight, low, high, ids, near);
      ids = ids + set_int(kLanes);
      sums.add(select(weight < high, zero(), weight));
    }
    near.units_above += sums.total();
  }
  result = near;
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(WeightsOf);
HWY_EXPORT(UnitsFrom);
HWY_EXPORT(Collect);

namespace {

// Weights that one thread takes at a time, at least.
constexpr int64_t kGrain = 16384;
// What Collect may write beyond the weights it found.
constexpr int64_t kSlack = 16;

int32_t bits_of(float x) { return std::bit_cast<int32_t>(x); }
/// The least weight of a bucket, or of the one after the last.
float lower_edge(int32_t bucket) {
  return bucket == 0 ? 0 : std::bit_cast<float>((bucket + kFirstBucket) << kBucketShift);
}

/// Bounds that the weight at which `target` is reached lies in, from the buckets' edges.
Near bounds(const uint32_t* histogram, int64_t tables, uint64_t target) {
  uint64_t at_least = 0;  // units of all weights in buckets down to this one
  uint64_t at_most = 0;
  int32_t high = 0;
  for (int32_t bucket = kBuckets - 1; bucket >= 0; --bucket) {
    uint64_t count = 0;
    for (int64_t table = 0; table < tables; ++table) count += histogram[table * kBuckets + bucket];
    at_least += count * weight_units(lower_edge(bucket));
    // No weight is above 1, which is the last bucket's lower edge.
    at_most += count * weight_units(std::min(lower_edge(bucket + 1), 1.0F));
    if (high == 0 && at_most >= target) high = bucket + 1;
    if (at_least >= target) return {.low = lower_edge(bucket), .high = lower_edge(high)};
  }
  return {.low = 0, .high = lower_edge(high)};
}

/// Where the weights of `near`, the largest first, reach `target`; narrows their range of bits.
WeightCut narrow(Near& near, uint64_t target) {
  constexpr int32_t kParts = 2048;
  std::vector<uint64_t> units(kParts);
  int32_t low = bits_of(near.low);
  int32_t high = bits_of(near.high);
  while (high - low > 1) {
    int shift = 0;
    while ((high - 1 - low) >> shift >= kParts) ++shift;
    const auto part_of = [&](int64_t i) { return (bits_of(near.weights[i]) - low) >> shift; };
    std::ranges::fill(units, 0);
    for (int64_t i = 0; i < near.count; ++i)
      units[static_cast<size_t>(part_of(i))] += weight_units(near.weights[i]);
    int32_t part = (high - 1 - low) >> shift;
    while (part > 0 && units[static_cast<size_t>(part)] < target)
      target -= units[static_cast<size_t>(part--)];
    int64_t kept = 0;
    for (int64_t i = 0; i < near.count; ++i) {
      if (part_of(i) != part) continue;
      near.weights[kept] = near.weights[i];
      near.ids[kept++] = near.ids[i];
    }
    near.count = kept;
    low += part << shift;
    high = std::min(high, low + (1 << shift));
  }
  // All are equal now.
  const float weight = std::bit_cast<float>(low);
  const uint64_t each = std::max<uint64_t>(weight_units(weight), 1);
  const auto wanted = static_cast<int64_t>((target + each - 1) / each);
  return {weight, near.ids[std::clamp<int64_t>(wanted, 1, near.count) - 1]};
}

/// What each thread takes of `count` weights, by one slot a thread.
int64_t slot_size(int64_t count, const Context& context) {
  return round_up(std::max(ceil_div(count, context.pool.size()), kGrain), 16);
}

/// Calls use(slot, begin, end) for the slots of `count` weights, some of which may be empty.
template <class Use>
void for_slots(int64_t count, const Context& context, const Use& use) {
  const int64_t each = slot_size(count, context);
  context.pool.parallel_for(context.pool.size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot)
      use(slot, std::min(slot * each, count), std::min((slot + 1) * each, count));
  });
}

}  // namespace

int64_t weight_histogram(const Context& context) {
  return int64_t{context.pool.size()} * kTables * kBuckets;
}

int64_t nucleus_workspace(int64_t count, const Context& context) {
  return count + int64_t{context.pool.size()} * kSlack;
}

uint64_t weights(const WeightsArgs& args, const Context& context) {
  const auto compute = choose(HWY_DISPATCH_TABLE(WeightsOf), context.isa);
  std::vector<uint64_t> units(static_cast<size_t>(context.pool.size()));
  for_slots(args.count, context, [&](int64_t slot, int64_t begin, int64_t end) {
    uint32_t* tables =
        args.histogram == nullptr ? nullptr : args.histogram + slot * kTables * kBuckets;
    if (tables != nullptr) std::fill_n(tables, kTables * kBuckets, 0U);
    units[static_cast<size_t>(slot)] = compute(args, begin, end, tables);
  });
  uint64_t total = 0;
  for (const uint64_t part : units) total += part;
  return total;
}

WeightCut nucleus(const NucleusArgs& args, const Context& context) {
  const auto collect = choose(HWY_DISPATCH_TABLE(Collect), context.isa);
  const Near range = bounds(args.histogram, weight_histogram(context) / kBuckets, args.target);
  std::vector<Near> parts(static_cast<size_t>(context.pool.size()), range);
  for_slots(args.count, context, [&](int64_t slot, int64_t begin, int64_t end) {
    Near& part = parts[static_cast<size_t>(slot)];
    part.weights = args.near_weights + begin + slot * kSlack;
    part.ids = args.near_ids + begin + slot * kSlack;
    collect(args.weights, begin, end, part);
  });
  Near near = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) {
    std::copy_n(parts[i].weights, parts[i].count, near.weights + near.count);
    std::copy_n(parts[i].ids, parts[i].count, near.ids + near.count);
    near.count += parts[i].count;
    near.units_above += parts[i].units_above;
  }
  return narrow(near, args.target - near.units_above);
}

int64_t draw(const DrawArgs& args, const Context& context) {
  const auto units_from = choose(HWY_DISPATCH_TABLE(UnitsFrom), context.isa);
  constexpr int64_t kBlock = 1024;
  // Up to `first` equal weights are kept, from there on only larger ones.
  const bool floor = args.floor > args.cut.weight;
  const int64_t first = floor ? args.count : args.cut.last + 1;
  const float bound = floor ? args.floor : args.cut.weight;
  const float above = std::bit_cast<float>(bits_of(bound) + 1);
  std::vector<uint64_t> blocks(static_cast<size_t>(ceil_div(args.count, kBlock)));
  context.pool.parallel_for(
      static_cast<int64_t>(blocks.size()), kGrain / kBlock, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
          const int64_t start = block * kBlock;
          const int64_t stop = std::min(start + kBlock, args.count);
          const int64_t middle = std::clamp(first, start, stop);
          blocks[static_cast<size_t>(block)] = units_from(args.weights, start, middle, bound) +
                                               units_from(args.weights, middle, stop, above);
        }
      });
  uint64_t total = 0;
  for (const uint64_t units : blocks) total += units;
  auto rest = static_cast<uint64_t>(args.uniform * static_cast<double>(total));
  rest = std::min(rest, total - 1);
  size_t block = 0;
  while (rest >= blocks[block]) rest -= blocks[block++];
  for (int64_t i = static_cast<int64_t>(block) * kBlock;; ++i) {
    const float weight = args.weights[i];
    if (weight < (i < first ? bound : above)) continue;
    const uint64_t units = weight_units(weight);
    if (rest < units) return i;
    rest -= units;
  }
}

}  // namespace linnet::kernels::cpu
#endif
