// Between PEFT's matrices and mlx-lm's. Used by the files of this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace linnet::io {

/// to[j][i] = from[i][j] of a dense matrix [rows, columns].
std::vector<float> transposed(const std::vector<float>& from, int64_t rows, int64_t columns);

}  // namespace linnet::io
