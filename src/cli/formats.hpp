// How a model's matrices are stored, for people and as JSON.
#pragma once

#include <linnet/model.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace linnet::cli {

/// 1234567 as "1,234,567".
std::string grouped(int64_t number);

/// One line for each format, without the last newline: "4 bits in groups of 64: 182 matrices,
/// 999,885,952 weights"; of all but the first with the name of a matrix. `indent` spaces stand
/// before all lines but the first.
std::string formats_to_text(const std::vector<MatrixFormat>& formats, size_t indent);

/// [{"bits": 4, "group_size": 64, "matrices": 182, "parameters": 999885952, "first": "..."}, ...]
nlohmann::ordered_json formats_to_json(const std::vector<MatrixFormat>& formats);

}  // namespace linnet::cli
