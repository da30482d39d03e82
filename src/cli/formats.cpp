#include "cli/formats.hpp"

#include <fmt/format.h>

#include "base/printable.hpp"

namespace linnet::cli {

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string formats_to_text(const std::vector<MatrixFormat>& formats, size_t indent) {
  std::string text;
  for (const MatrixFormat& format : formats) {
    const bool usual = &format == &formats.front();
    if (!usual) text += "\n" + std::string(indent, ' ');
    text += format.bits == 0
                ? "dense"
                : fmt::format("{} bits in groups of {}", format.bits, format.group_size);
    text += fmt::format(": {} {}, {} weights", grouped(format.matrices),
                        format.matrices == 1 ? "matrix" : "matrices", grouped(format.parameters));
    // Which ones are the exception is worth knowing.
    if (!usual)
      text += fmt::format(" ({}{})", printable(format.first), format.matrices == 1 ? "" : ", ...");
  }
  return text;
}

nlohmann::ordered_json formats_to_json(const std::vector<MatrixFormat>& formats) {
  auto result = nlohmann::ordered_json::array();
  for (const MatrixFormat& format : formats)
    result.push_back({{"bits", format.bits},
                      {"group_size", format.group_size},
                      {"matrices", format.matrices},
                      {"parameters", format.parameters},
                      {"first", format.first}});
  return result;
}

}  // namespace linnet::cli
