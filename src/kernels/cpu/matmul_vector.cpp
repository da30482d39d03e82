// One to four rows: every weight is read once, unpacked in registers and used for all rows. Bound
// by memory: a panel is one sequential stream, and blocks of 32 k are independent of each other,
// so out-of-order execution keeps several in flight.
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_vector.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Far enough to hide the latency of DRAM that others use too, near enough to stay in the first
// cache: 4 KiB are read 12 % faster than 2 (Emerald Rapids), and 8 no faster.
inline constexpr int64_t kPrefetchBytes = 4096;

template <int64_t kBytes>
HWY_INLINE void prefetch(const void* near) {
  for (int64_t line = 0; line < kBytes; line += 64)
    __builtin_prefetch(static_cast<const char*>(near) + kPrefetchBytes + line);
}

/// The two chains of a block for all rows, advanced by four k.
template <int kRows>
HWY_INLINE void advance(const float* x, int64_t stride, const Quad& q, F32x16 (&even)[kRows],
                        F32x16 (&odd)[kRows]) {
  for (int r = 0; r < kRows; ++r) {
    const float* at = x + r * stride;
    even[r] = fma(set(at[0]), q.k0, even[r]);
    odd[r] = fma(set(at[1]), q.k1, odd[r]);
    even[r] = fma(set(at[2]), q.k2, even[r]);
    odd[r] = fma(set(at[3]), q.k3, odd[r]);
  }
}

template <int kRows, class Element>
void dense_panel(const PreparedRows& x, const PackedWeights& w, int64_t panel, float* sums) {
  const auto* rows = static_cast<const float*>(x.x);
  const auto* from = reinterpret_cast<const Element*>(static_cast<const std::byte*>(w.data) +
                                                      panel * w.panel_bytes());
  F32x16 acc[kRows];
  for (F32x16& a : acc) a = zero();
  for (int64_t block = 0; block < x.k / kBlockK; ++block) {
    F32x16 even[kRows];
    F32x16 odd[kRows];
    for (int r = 0; r < kRows; ++r) even[r] = odd[r] = zero();
    for (int quad = 0; quad < 8; ++quad) {
      Quad q;
      DenseLayout<Element>::load_weight_pair(from, q.k0, q.k1);
      DenseLayout<Element>::load_weight_pair(from + 2 * kLanes, q.k2, q.k3);
      prefetch<4 * kLanes * sizeof(Element)>(from);
      advance<kRows>(rows + block * kBlockK + quad * 4, x.k, q, even, odd);
      from += 4 * kLanes;
    }
    for (int r = 0; r < kRows; ++r) acc[r] = acc[r] + (even[r] + odd[r]);
  }
  for (int r = 0; r < kRows; ++r) store(acc[r], sums + r * kLanes);
}

template <int kRows, int kBits, class Scale>
void grouped_panel(const PreparedRows& x, const PackedWeights& w, int64_t panel, float* sums) {
  const auto* rows = static_cast<const float*>(x.x);
  const int64_t size = w.quantization.group_size;
  const auto* from = GroupedLayout<kBits, Scale>::group(w, panel, 0);
  F32x16 s[kRows];
  F32x16 b[kRows];
  for (int r = 0; r < kRows; ++r) s[r] = b[r] = zero();
  const float* at = rows;
  for (int64_t g = 0; g < w.groups(); ++g) {
    F32x16 group[kRows];
    for (F32x16& value : group) value = zero();
    for (int64_t k = 0; k < size; k += kBlockK) {
      F32x16 even[kRows];
      F32x16 odd[kRows];
      for (int r = 0; r < kRows; ++r) even[r] = odd[r] = zero();
      for (int word = 0; word < kBits; ++word) {  // 32 k are kBits rows of words
        prefetch<64>(from);
        unpack_word<kBits>(reinterpret_cast<const uint32_t*>(from),
                           [&](int64_t quad, const Quad& q) HWY_ATTR {
                             advance<kRows>(at + word * (32 / kBits) + quad * 4, x.k, q, even, odd);
                           });
        from += kLanes * 4;
      }
      for (int r = 0; r < kRows; ++r) group[r] = group[r] + (even[r] + odd[r]);
      at += kBlockK;
    }
    const auto* scale = reinterpret_cast<const Scale*>(from);
    const F32x16 scales = load(scale);
    const F32x16 biases = load(scale + kLanes);
    from += 2 * kLanes * sizeof(Scale);
    for (int r = 0; r < kRows; ++r) {
      s[r] = fma(scales, group[r], s[r]);
      b[r] = fma(biases, set(x.group_sums[g * x.padded_rows + r]), b[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) store(s[r] + b[r], sums + r * kLanes);
}

template <int kRows, class Element>
HWY_INLINE void panel_of(DenseLayout<Element> /*layout*/, const PreparedRows& x,
                         const PackedWeights& w, int64_t panel, float* sums) {
  dense_panel<kRows, Element>(x, w, panel, sums);
}
template <int kRows, int kBits, class Scale>
HWY_INLINE void panel_of(GroupedLayout<kBits, Scale> /*layout*/, const PreparedRows& x,
                         const PackedWeights& w, int64_t panel, float* sums) {
  grouped_panel<kRows, kBits, Scale>(x, w, panel, sums);
}

// Rows whose sums and chains fit the registers: more of them take a second look at a panel, which
// is in the first cache by then.
#if HWY_TARGET == HWY_AVX3
inline constexpr int kRowsAtOnce = 4;
#else
inline constexpr int kRowsAtOnce = 2;
#endif

template <int kRows, class Layout>
HWY_INLINE void rows_of_panel(Layout layout, const PreparedRows& x, const PackedWeights& w,
                              int64_t panel, float* sums) {
  if constexpr (kRows <= kRowsAtOnce) {
    panel_of<kRows>(layout, x, w, panel, sums);
  } else {
    panel_of<kRowsAtOnce>(layout, x, w, panel, sums);
    PreparedRows rest = x;
    rest.x = static_cast<const float*>(x.x) + kRowsAtOnce * x.k;
    if (x.group_sums != nullptr) rest.group_sums += kRowsAtOnce;
    rows_of_panel<kRows - kRowsAtOnce>(layout, rest, w, panel, sums + kRowsAtOnce * kLanes);
  }
}

template <int kRows>
HWY_INLINE void multiply_rows(const PreparedRows& x, const PanelRange& range) {
  with_layout(range.weights, [&](auto layout) HWY_ATTR {
    for (int64_t panel = range.begin; panel < range.end; ++panel)
      rows_of_panel<kRows>(layout, x, range.weights, panel,
                           range.sums + (panel - range.begin) * x.padded_rows * kLanes);
  });
}

void MultiplyVector(const PreparedRows& x, const PanelRange& range) {
  switch (x.rows) {
    case 1: return multiply_rows<1>(x, range);
    case 2: return multiply_rows<2>(x, range);
    case 3: return multiply_rows<3>(x, range);
    default: return multiply_rows<4>(x, range);
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(MultiplyVector);

void multiply_vector(const PreparedRows& x, const PanelRange& range, Isa isa) {
  choose(HWY_DISPATCH_TABLE(MultiplyVector), isa)(x, range);
}

}  // namespace linnet::kernels::cpu
#endif
