// Embedding: rows of a table, and the tied head that multiplies by it.
#pragma once

#include "nn/weights.hpp"

namespace linnet::nn {

struct Embedding {
  ops::PackedMatrix table;  // [V, M]
  float scale = 1;          // of the rows, not of the head
  ops::Rounding rounding = ops::Rounding::none;

  /// Reads "<name>.weight".
  static Embedding load(Weights& weights, const std::string& name, int64_t vocabulary,
                        int64_t width, float scale = 1.0F) {
    return {weights.matrix(name + ".weight", vocabulary, width), scale,
            rounding_of(weights.compute())};
  }

  /// [T] ids -> [T, M] f32
  [[nodiscard]] Array operator()(std::span<const int32_t> ids) const {
    return ops::embedding(table, ids, scale);
  }
  /// [T, M] -> logits [T, V] f32
  [[nodiscard]] Array as_head(const Array& x) const { return ops::linear(x, table, {}, rounding); }
};

}  // namespace linnet::nn
