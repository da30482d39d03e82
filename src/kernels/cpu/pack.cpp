// Packing weights into panels. Sixteen rows are read side by side, so the work is a transposition
// of words: pairs of bf16, floats, or runs of q's whose bits are put in order on the way.
#include <algorithm>

#include "base/half.hpp"
#include "kernels/matmul.hpp"

namespace linnet::kernels::cpu {
namespace {

float read(const ConstView& view, int64_t offset) {
  switch (view.dtype) {
    case DType::bf16: return to_float(static_cast<const BF16*>(view.data)[offset]);
    case DType::f16: return to_float(static_cast<const F16*>(view.data)[offset]);
    default: return static_cast<const float*>(view.data)[offset];
  }
}

/// to[i][lane] = order(rows[lane][i]); a null row is zeros.
template <class Order>
void transpose(const uint32_t* const (&rows)[kPanelRows], int64_t count, uint32_t* to,
               const Order& order) {
  constexpr int64_t kTile = 16;  // words of a row that are read at a time: a cache line
  uint32_t line[kTile];
  for (int64_t start = 0; start < count; start += kTile) {
    const int64_t words = std::min(kTile, count - start);
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      if (rows[lane] == nullptr) {
        for (int64_t i = 0; i < words; ++i) to[(start + i) * kPanelRows + lane] = 0;
        continue;
      }
      for (int64_t i = 0; i < words; ++i) line[i] = order(rows[lane][start + i]);
      for (int64_t i = 0; i < words; ++i) to[(start + i) * kPanelRows + lane] = line[i];
    }
  }
}

/// Packs one panel of dense rows whose words can be copied: bf16 pairs or floats.
void pack_words(const PackArgs& a, int64_t panel, int64_t words, int64_t padded_words) {
  const int64_t n = a.weights.shape[0];
  const int64_t row_bytes = a.weights.strides[0] * size_of(a.dtype);
  const uint32_t* rows[kPanelRows] = {};
  for (int64_t lane = 0; lane < kPanelRows && panel * kPanelRows + lane < n; ++lane)
    rows[lane] = reinterpret_cast<const uint32_t*>(static_cast<const std::byte*>(a.weights.data) +
                                                   (panel * kPanelRows + lane) * row_bytes);
  auto* to = static_cast<uint32_t*>(a.packed) + panel * padded_words * kPanelRows;
  transpose(rows, words, to, [](uint32_t word) { return word; });
  std::fill(to + words * kPanelRows, to + padded_words * kPanelRows, 0U);
}

/// Sixteen (or fewer) outputs of one k, or of two in bf16, as a panel has them.
void pack_line(const float* from, int64_t, int64_t lanes, bool, float* to) {
  std::copy_n(from, lanes, to);
}
void pack_line(const BF16* from, int64_t next, int64_t lanes, bool both, BF16* to) {
  for (int64_t lane = 0; lane < lanes; ++lane) {
    to[2 * lane] = from[lane];
    to[2 * lane + 1] = both ? from[next + lane] : BF16();
  }
}

/// Packs panels first .. end - 1 of a matrix whose columns lie together: line by line, so that all
/// of a line is used while it is near.
template <class Element>
void pack_columns(const PackArgs& a, int64_t first, int64_t end) {
  constexpr int64_t kPerWord = 4 / sizeof(Element);
  const int64_t n = a.weights.shape[0];
  const int64_t k = a.weights.shape[1];
  const int64_t stride = a.weights.strides[1];
  const int64_t panel_size = round_up(k, kBlockK) * kPanelRows;
  const auto* from = static_cast<const Element*>(a.weights.data);
  auto* to = static_cast<Element*>(a.packed);
  for (int64_t panel = first; panel < end; ++panel) {  // what is beyond the matrix
    const int64_t written = n - panel * kPanelRows < kPanelRows ? 0 : k / kPerWord * kPerWord;
    std::fill(to + panel * panel_size + written * kPanelRows, to + (panel + 1) * panel_size,
              Element());
  }
  for (int64_t i = 0; i < k; i += kPerWord)
    for (int64_t panel = first; panel < end; ++panel) {
      const int64_t row = panel * kPanelRows;
      pack_line(from + i * stride + row, stride, std::min(kPanelRows, n - row), i + 1 < k,
                to + panel * panel_size + i * kPanelRows);
    }
}

/// Packs one panel, element by element: any dtype, any strides.
void pack_elements(const PackArgs& a, int64_t panel) {
  const int64_t n = a.weights.shape[0];
  const int64_t k = a.weights.shape[1];
  const int64_t padded = round_up(k, kBlockK);
  for (int64_t lane = 0; lane < kPanelRows; ++lane) {
    const int64_t row = panel * kPanelRows + lane;
    const int64_t start = row * a.weights.strides[0];
    for (int64_t i = 0; i < padded; ++i) {
      const bool inside = row < n && i < k;
      const int64_t from = start + i * a.weights.strides[1];
      if (a.dtype == DType::bf16) {
        auto* to = static_cast<BF16*>(a.packed) + panel * padded * kPanelRows;
        to[(i / 2 * kPanelRows + lane) * 2 + i % 2] =
            inside ? to_bf16(read(a.weights, from)) : BF16();
      } else {
        auto* to = static_cast<float*>(a.packed) + panel * padded * kPanelRows;
        to[i * kPanelRows + lane] = inside ? read(a.weights, from) : 0.0F;
      }
    }
  }
}

/// Even nibbles to the lower half, odd ones to the upper.
uint32_t split_nibbles(uint32_t word) {
  uint32_t even = word & 0x0f0f0f0fU;
  uint32_t odd = (word >> 4) & 0x0f0f0f0fU;
  even = (even | even >> 4) & 0x00ff00ffU;
  odd = (odd | odd >> 4) & 0x00ff00ffU;
  return ((even | even >> 8) & 0xffffU) | (odd | odd >> 8) << 16;
}
/// Even bytes to the lower half, odd ones to the upper.
uint32_t split_bytes(uint32_t word) {
  return (word & 0xff0000ffU) | (word & 0x0000ff00U) << 8 | (word & 0x00ff0000U) >> 8;
}

/// q number i of a row of `bytes` bytes, `bits` bits each.
uint32_t read_bits(const std::byte* row, int64_t bytes, int64_t i, int bits) {
  const int64_t bit = i * bits;
  uint32_t value = std::to_integer<uint32_t>(row[bit / 8]);
  if (bit / 8 + 1 < bytes) value |= std::to_integer<uint32_t>(row[bit / 8 + 1]) << 8;
  return value >> (bit % 8) & ((1U << bits) - 1);
}

/// Packs one panel of quantised rows; `panel` counts from the first row of `args`.
class QuantizedPanel {
 public:
  QuantizedPanel(const PackQuantizedArgs& args, int64_t panel)
      : a_(args),
        w_(args.packed),
        to_(static_cast<std::byte*>(const_cast<void*>(w_.data)) +
            (args.first_row / kPanelRows + panel) * w_.panel_bytes()),
        row_(panel * kPanelRows),
        rows_(std::min(kPanelRows, args.words.shape[0] - row_)) {}

  void pack() const {
    for (int64_t g = 0; g < w_.groups(); ++g) {
      std::byte* to = to_ + g * w_.group_bytes();
      words(g, reinterpret_cast<uint32_t*>(to));
      std::byte* scales = to + w_.quantization.group_size * w_.width() * kPanelRows / 8;
      copy_scales(a_.scales, g, scales);
      copy_scales(a_.biases, g, scales + kPanelRows * size_of(w_.dtype));
    }
  }

 private:
  void words(int64_t g, uint32_t* to) const {
    const int bits = w_.quantization.bits;
    const int64_t size = w_.quantization.group_size;
    const int64_t row_bytes = a_.words.shape[1] * 4;
    const auto* base = static_cast<const std::byte*>(a_.words.data) + row_ * row_bytes;
    if (bits == 4 || bits == 8) {
      const uint32_t* rows[kPanelRows] = {};
      for (int64_t lane = 0; lane < rows_; ++lane)
        rows[lane] =
            reinterpret_cast<const uint32_t*>(base + lane * row_bytes + g * size * bits / 8);
      if (bits == 4)
        transpose(rows, size / 8, to, split_nibbles);
      else
        transpose(rows, size / 4, to, split_bytes);
      return;
    }
    const int width = w_.width();
    const int64_t per_word = 32 / width;
    std::fill(to, to + size / per_word * kPanelRows, 0U);
    for (int64_t lane = 0; lane < rows_; ++lane)
      for (int64_t i = 0; i < size; ++i) {
        const uint32_t q = read_bits(base + lane * row_bytes, row_bytes, g * size + i, bits);
        const int64_t place = i % per_word;
        to[i / per_word * kPanelRows + lane] |= q << (place % 2 * 16 + place / 2 * width);
      }
  }

  void copy_scales(const ConstView& from, int64_t g, std::byte* to) const {
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      const bool inside = lane < rows_;
      const int64_t at = (row_ + lane) * from.strides[0] + g;
      if (w_.dtype == DType::bf16)
        reinterpret_cast<BF16*>(to)[lane] =
            inside ? static_cast<const BF16*>(from.data)[at] : BF16();
      else
        reinterpret_cast<float*>(to)[lane] = inside ? read(from, at) : 0.0F;
    }
  }

  const PackQuantizedArgs& a_;
  const PackedWeights& w_;
  std::byte* to_;
  int64_t row_;
  int64_t rows_;
};

}  // namespace

void pack_weights(const PackArgs& args, const Context& context) {
  const int64_t k = args.weights.shape[1];
  const int64_t padded = round_up(k, kBlockK);
  const int64_t per_word = 4 / size_of(args.dtype);
  const bool words = args.weights.dtype == args.dtype && args.weights.strides[1] == 1 &&
                     k % per_word == 0 && args.weights.strides[0] % per_word == 0;
  const int64_t panels = ceil_div(args.weights.shape[0], kPanelRows);
  if (!words && args.weights.dtype == args.dtype && args.weights.strides[0] == 1) {
    constexpr int64_t kTogether = 8;
    context.pool.parallel_for(ceil_div(panels, kTogether), 1, [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        const int64_t first = group * kTogether;
        const int64_t last = std::min(first + kTogether, panels);
        if (args.dtype == DType::bf16)
          pack_columns<BF16>(args, first, last);
        else
          pack_columns<float>(args, first, last);
      }
    });
    return;
  }
  context.pool.parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel)
      if (words)
        pack_words(args, panel, k / per_word, padded / per_word);
      else
        pack_elements(args, panel);
  });
}

void pack_quantized(const PackQuantizedArgs& args, const Context& context) {
  context.pool.parallel_for(ceil_div(args.words.shape[0], kPanelRows), 1,
                            [&](int64_t begin, int64_t end) {
                              for (int64_t panel = begin; panel < end; ++panel)
                                QuantizedPanel(args, panel).pack();
                            });
}

}  // namespace linnet::kernels::cpu
