// Rows of an embedding table that lies in the product layout.
#pragma once

#include <span>

#include "kernels/matmul.hpp"

namespace linnet::kernels {

struct EmbeddingArgs {
  PackedWeights table;           // [V, M]
  std::span<const int32_t> ids;  // T of them, each in 0..V-1
  float scale = 1;
  float* y = nullptr;  // [T, M]
};

namespace cpu {
/// y[t] = table[ids[t]] * scale
void embedding(const EmbeddingArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
