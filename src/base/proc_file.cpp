#include "base/proc_file.hpp"

#include <cstdlib>
#include <fstream>

namespace linnet {

std::optional<std::string> proc_entry(const char* file, std::string_view name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(name)) continue;
    const size_t start = line.find_first_not_of(" \t:", name.size());
    return start == std::string::npos ? std::string() : line.substr(start);
  }
  return std::nullopt;
}

std::optional<int64_t> proc_bytes(const char* file, std::string_view name) {
  const auto text = proc_entry(file, name);
  if (!text || text->empty()) return std::nullopt;
  return std::strtoll(text->c_str(), nullptr, 10) * 1024;
}

}  // namespace linnet
