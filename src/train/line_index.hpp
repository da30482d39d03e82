// The lines of JSONL files by number, read from the disk when they are asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace linnet::train {

/// The lines of several files that are not blank, numbered through. One pass over the files notes
/// where each begins (8 bytes a line); the files are mapped, so that what was read is the system's
/// to drop again. They must not change while this lives. Immutable.
class LineIndex {
 public:
  /// Errors: as map_file; malformed_file for a line of more than 64 MiB, naming file and line.
  explicit LineIndex(const std::vector<std::filesystem::path>& files);

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(offsets_.size()); }
  /// Without its end. Errors: invalid_argument for a line that is not there.
  [[nodiscard]] std::string_view line(int64_t index) const;
  /// "file.jsonl:17", for messages. Counts lines of the file, so it reads it.
  [[nodiscard]] std::string where(int64_t index) const;

 private:
  struct File {
    std::filesystem::path path;
    Bytes bytes;
    int64_t first = 0;  // number of its first line
  };
  void add(const std::filesystem::path& path);
  [[nodiscard]] const File& file_of(int64_t index) const;

  std::vector<File> files_;
  std::vector<int64_t> offsets_;  // within the line's file
};

}  // namespace linnet::train
