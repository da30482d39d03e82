// Two passes: blocks of query rows give dq and each row's statistics; blocks of keys then give dk
// and dv. A block is one thread's, so sums have one order.
#include "kernels/attention_gradient.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "base/checked.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_gradient.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/math-inl.h"

#ifndef LINNET_KERNELS_CPU_ATTENTION_GRADIENT_ONCE
#define LINNET_KERNELS_CPU_ATTENTION_GRADIENT_ONCE
namespace linnet::kernels::cpu {

inline constexpr int64_t kQueryRows = 32;  // of a block of rows
inline constexpr int64_t kKeys = 64;       // of a block of keys; a multiple of the lanes

/// One block of rows or of keys.
struct GradientJob {
  int64_t sequence_begin = 0;  // row of the batch
  int64_t length = 0;
  int64_t head = 0;   // query head, or kv head in the second pass
  int64_t begin = 0;  // first row or key, in the sequence
};

/// What a thread works in.
struct GradientRoom {
  float* scores = nullptr;      // [kQueryRows or kKeys][stride]
  float* cotangents = nullptr;  // the same: dP, then dS
  float* turned = nullptr;      // [D][kKeys]: a block of keys
  float* turned_values = nullptr;
  int64_t stride = 0;
};

}  // namespace linnet::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// c[i][j] += sum over k of a[i * row + k * step] * b[k][j], for i < m, j < n, k < count; chains in
/// rising k from what c holds. Rows of b and c are `n` floats or more, in whole lanes.
struct Product {
  const float* a = nullptr;
  int64_t a_row = 0;
  int64_t a_step = 0;
  const float* b = nullptr;
  int64_t b_row = 0;
  float* c = nullptr;
  int64_t c_row = 0;
  int64_t m = 0;
  int64_t n = 0;
  int64_t count = 0;
};

template <int kRows, int kColumns>
HWY_INLINE void multiply_tile(const Product& p, int64_t i, int64_t j) {
  F32x16 acc[kRows][kColumns];
  const int64_t last = p.n - j - (kColumns - 1) * kLanes;  // columns of the last vector
  const auto width = [&](int column) { return column + 1 < kColumns ? kLanes : last; };
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kColumns; ++c)
      acc[r][c] = load_some(p.c + (i + r) * p.c_row + j + c * kLanes, width(c));
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  if (last >= kLanes) {
    for (int64_t k = 0; k < p.count; ++k) {
      F32x16 line[kColumns];
      for (int c = 0; c < kColumns; ++c) line[c] = load(b + c * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const F32x16 value = set(a[r * p.a_row]);
        for (int c = 0; c < kColumns; ++c) acc[r][c] = fma(value, line[c], acc[r][c]);
      }
      a += p.a_step;
      b += p.b_row;
    }
  } else {
    for (int64_t k = 0; k < p.count; ++k) {
      F32x16 line[kColumns];
      for (int c = 0; c < kColumns; ++c) line[c] = load_some(b + c * kLanes, width(c));
      for (int r = 0; r < kRows; ++r) {
        const F32x16 value = set(a[r * p.a_row]);
        for (int c = 0; c < kColumns; ++c) acc[r][c] = fma(value, line[c], acc[r][c]);
      }
      a += p.a_step;
      b += p.b_row;
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kColumns; ++c)
      store_some(acc[r][c], p.c + (i + r) * p.c_row + j + c * kLanes, width(c));
}

void multiply(const Product& p) {
  constexpr int kColumns = HWY_TARGET == HWY_AVX3 ? 4 : 1;
  constexpr int kRows = 4;
  int64_t j = 0;
  for (; p.n - j > (kColumns - 1) * kLanes; j += kColumns * kLanes) {
    int64_t i = 0;
    for (; i + kRows <= p.m; i += kRows) multiply_tile<kRows, kColumns>(p, i, j);
    for (; i < p.m; ++i) multiply_tile<1, kColumns>(p, i, j);
  }
  for (; j < p.n; j += kLanes) {
    int64_t i = 0;
    for (; i + kRows <= p.m; i += kRows) multiply_tile<kRows, 1>(p, i, j);
    for (; i < p.m; ++i) multiply_tile<1, 1>(p, i, j);
  }
}

/// to[d][key] = rows[key][d] for kKeys keys, zeros beyond `keys`.
void turn(const float* rows, int64_t stride, int64_t keys, int64_t width, float* to) {
  for (int64_t d = 0; d < width; ++d)
    for (int64_t key = 0; key < kKeys; ++key)
      to[d * kKeys + key] = key < keys ? rows[key * stride + d] : 0.0F;
}

/// T
int64_t token_count(const AttentionGradientArgs& a) {
  int64_t result = 0;
  for (const int64_t length : a.lengths) result += length;
  return result;
}

/// The first key that a row sees.
int64_t first_key(const AttentionGradientArgs& a, int64_t row) {
  return a.window == 0 ? 0 : std::max<int64_t>(0, row - a.window + 1);
}

/// Probabilities of a row's scores in place, from its statistics; 0 for keys that it does not see.
///   scores[key - origin], for origin <= key < end
HWY_INLINE void to_probabilities(float* scores, int64_t origin, int64_t end, int64_t low,
                                 int64_t row, F32x16 largest, F32x16 sum) {
  for (int64_t key = origin; key < end; key += kLanes) {
    float* at = scores + key - origin;
    store(exp_nonpositive(load(at) - largest) / sum, at);
    if (key >= low && key + kLanes - 1 <= row) continue;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      if (key + lane < low || key + lane > row) at[lane] = 0.0F;
  }
}

/// dq of a block of rows of one head, and their statistics.
void QueryBlock(const AttentionGradientArgs& a, const GradientJob& job, const GradientRoom& room) {
  const int64_t d = a.head_dim;
  const int64_t q_stride = a.heads * d;
  const int64_t kv_stride = a.kv_heads * d;
  const int64_t kv_head = job.head / (a.heads / a.kv_heads);
  const int64_t rows = std::min(kQueryRows, job.length - job.begin);
  const int64_t tokens = job.sequence_begin + job.begin;
  const float* q = a.q + tokens * q_stride + job.head * d;
  const float* dy = a.dy + tokens * q_stride + job.head * d;
  const int64_t origin = first_key(a, job.begin) / kLanes * kLanes;
  const int64_t end = job.begin + rows;  // of the keys
  // Scores and cotangents of probabilities, a block of keys at a time.
  for (int64_t key = origin; key < end; key += kKeys) {
    const int64_t keys = std::min(kKeys, end - key);
    const int64_t at = (job.sequence_begin + key) * kv_stride + kv_head * d;
    turn(a.k + at, kv_stride, keys, d, room.turned);
    turn(a.v + at, kv_stride, keys, d, room.turned_values);
    for (int64_t row = 0; row < rows; ++row) {
      std::fill_n(room.scores + row * room.stride + key - origin, kKeys, 0.0F);
      std::fill_n(room.cotangents + row * room.stride + key - origin, kKeys, 0.0F);
    }
    Product p{.a = q,
              .a_row = q_stride,
              .a_step = 1,
              .b = room.turned,
              .b_row = kKeys,
              .c = room.scores + key - origin,
              .c_row = room.stride,
              .m = rows,
              .n = kKeys,
              .count = d};
    multiply(p);
    p.a = dy;
    p.b = room.turned_values;
    p.c = room.cotangents + key - origin;
    multiply(p);
  }
  const int64_t total = token_count(a);
  const F32x16 scale = set(a.scale);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = job.begin + r;
    const int64_t low = first_key(a, row);
    float* scores = room.scores + r * room.stride;
    float* cotangents = room.cotangents + r * room.stride;
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t key = origin; key < end; key += kLanes) {
      float* at = scores + key - origin;
      store(load(at) * scale, at);
    }
    for (int64_t key = low; key <= row; ++key) largest = std::max(largest, scores[key - origin]);
    // Unnormalised probabilities first, then their sum.
    to_probabilities(scores, origin, end, low, row, set(largest), set(1.0F));
    F32x16 sum = zero();
    const int64_t begin = low / kLanes * kLanes;
    for (int64_t key = begin; key <= row; key += kLanes) sum = sum + load(scores + key - origin);
    const float total_weight = sum_lanes(sum);
    F32x16 along = zero();
    for (int64_t key = begin; key <= row; key += kLanes) {
      float* at = scores + key - origin;
      const F32x16 probability = load(at) / set(total_weight);
      store(probability, at);
      along = fma(probability, load(cotangents + key - origin), along);
    }
    const float delta = sum_lanes(along);
    for (int64_t key = origin; key < end; key += kLanes) {
      const float* p = scores + key - origin;
      float* at = cotangents + key - origin;
      store(load(p) * (load(at) - set(delta)) * scale, at);
    }
    float* statistics = a.statistics + (job.sequence_begin + row) * a.heads + job.head;
    statistics[0] = largest;
    statistics[total * a.heads] = total_weight;
    statistics[2 * total * a.heads] = delta;
  }
  float* dq = a.dq + tokens * q_stride + job.head * d;
  for (int64_t row = 0; row < rows; ++row) std::fill_n(dq + row * q_stride, d, 0.0F);
  multiply({.a = room.cotangents,
            .a_row = room.stride,
            .a_step = 1,
            .b = a.k + (job.sequence_begin + origin) * kv_stride + kv_head * d,
            .b_row = kv_stride,
            .c = dq,
            .c_row = q_stride,
            .m = rows,
            .n = d,
            .count = end - origin});
}

/// dk and dv of a block of keys of one kv head.
void KeyBlock(const AttentionGradientArgs& a, const GradientJob& job, const GradientRoom& room) {
  const int64_t d = a.head_dim;
  const int64_t q_stride = a.heads * d;
  const int64_t kv_stride = a.kv_heads * d;
  const int64_t group = a.heads / a.kv_heads;
  const int64_t keys = std::min(kKeys, job.length - job.begin);
  const int64_t at = (job.sequence_begin + job.begin) * kv_stride + job.head * d;
  turn(a.k + at, kv_stride, keys, d, room.turned);
  turn(a.v + at, kv_stride, keys, d, room.turned_values);
  float* dk = a.dk + at;
  float* dv = a.dv + at;
  for (int64_t key = 0; key < keys; ++key) {
    std::fill_n(dk + key * kv_stride, d, 0.0F);
    std::fill_n(dv + key * kv_stride, d, 0.0F);
  }
  const int64_t total = token_count(a);
  const int64_t last =
      a.window == 0 ? job.length : std::min(job.length, job.begin + keys - 1 + a.window);
  for (int64_t head = job.head * group; head < (job.head + 1) * group; ++head)
    for (int64_t begin = job.begin; begin < last; begin += kQueryRows) {
      const int64_t rows = std::min(kQueryRows, last - begin);
      const int64_t from = (job.sequence_begin + begin) * q_stride + head * d;
      std::fill_n(room.scores, rows * kKeys, 0.0F);
      std::fill_n(room.cotangents, rows * kKeys, 0.0F);
      Product p{.a = a.q + from,
                .a_row = q_stride,
                .a_step = 1,
                .b = room.turned,
                .b_row = kKeys,
                .c = room.scores,
                .c_row = kKeys,
                .m = rows,
                .n = kKeys,
                .count = d};
      multiply(p);
      p.a = a.dy + from;
      p.b = room.turned_values;
      p.c = room.cotangents;
      multiply(p);
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t row = begin + r;
        const float* statistics = a.statistics + (job.sequence_begin + row) * a.heads + head;
        float* scores = room.scores + r * kKeys;
        float* cotangents = room.cotangents + r * kKeys;
        for (int64_t i = 0; i < kKeys; i += kLanes)
          store(load(scores + i) * set(a.scale), scores + i);
        to_probabilities(scores, job.begin, job.begin + kKeys, first_key(a, row), row,
                         set(statistics[0]), set(statistics[total * a.heads]));
        const F32x16 delta = set(statistics[2 * total * a.heads]);
        for (int64_t i = 0; i < kKeys; i += kLanes)
          store(load(scores + i) * (load(cotangents + i) - delta) * set(a.scale), cotangents + i);
      }
      p = {.a = room.scores,
           .a_row = 1,
           .a_step = kKeys,
           .b = a.dy + from,
           .b_row = q_stride,
           .c = dv,
           .c_row = kv_stride,
           .m = keys,
           .n = d,
           .count = rows};
      multiply(p);
      p.a = room.cotangents;
      p.b = a.q + from;
      p.c = dk;
      multiply(p);
    }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(QueryBlock);
HWY_EXPORT(KeyBlock);

namespace {

/// Floats of a row of scores: the keys of the longest sequence, from a multiple of 16, in blocks.
int64_t score_stride(int64_t longest) { return round_up(longest + 16, kKeys) + kKeys; }

int64_t room_floats(int64_t longest, int64_t head_dim) {
  return 2 * kQueryRows * score_stride(longest) + 2 * head_dim * kKeys;
}

GradientRoom room_of(float* workspace, int64_t thread, int64_t longest, int64_t head_dim) {
  float* begin = workspace + thread * room_floats(longest, head_dim);
  const int64_t block = kQueryRows * score_stride(longest);
  return {.scores = begin,
          .cotangents = begin + block,
          .turned = begin + 2 * block,
          .turned_values = begin + 2 * block + head_dim * kKeys,
          .stride = score_stride(longest)};
}

/// Blocks of `step` rows of each head of each sequence, the last ones (which see most) first.
std::vector<GradientJob> jobs_of(std::span<const int64_t> lengths, int64_t heads, int64_t step) {
  std::vector<GradientJob> result;
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    for (int64_t block = ceil_div(length, step); block-- > 0;)
      for (int64_t head = 0; head < heads; ++head)
        result.push_back(
            {.sequence_begin = begin, .length = length, .head = head, .begin = block * step});
    begin += length;
  }
  return result;
}

}  // namespace

int64_t attention_gradient_workspace(int64_t longest, int64_t head_dim, int threads) {
  return checked_mul(room_floats(longest, head_dim), threads);
}

void attention_gradient(const AttentionGradientArgs& a, const Context& context) {
  int64_t longest = 0;
  for (const int64_t length : a.lengths) longest = std::max(longest, length);
  const auto run = [&](const std::vector<GradientJob>& jobs, auto block) {
    std::atomic<size_t> next{0};
    context.pool.run_on_all([&](int thread, int) {
      const GradientRoom room = room_of(a.workspace, thread, longest, a.head_dim);
      for (size_t i = next++; i < jobs.size(); i = next++) block(a, jobs[i], room);
    });
  };
  run(jobs_of(a.lengths, a.heads, kQueryRows), choose(HWY_DISPATCH_TABLE(QueryBlock), context.isa));
  run(jobs_of(a.lengths, a.kv_heads, kKeys), choose(HWY_DISPATCH_TABLE(KeyBlock), context.isa));
}

}  // namespace linnet::kernels::cpu
#endif
