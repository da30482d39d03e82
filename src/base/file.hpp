// Whole files: read by mapping, written atomically.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "base/bytes.hpp"

namespace linnet {

/// Maps a regular file read-only; the bytes stay valid while Bytes::owner lives, also when the file
/// is renamed or unlinked. An empty file gives an empty view. Errors: not_found if it cannot be
/// opened (with the system's reason), invalid_argument if it is not a regular file.
Bytes map_file(const std::filesystem::path& path);

/// Reads a whole (small) file. Errors: as map_file; malformed_file if it has more than `limit`
/// bytes.
std::string read_file(const std::filesystem::path& path, int64_t limit = int64_t{1} << 30);

/// Gives the physical memory of a mapped file's bytes back to the system: the pages are read again
/// when they are touched again. For what was read once and is not needed soon. Nothing happens to
/// bytes that are no file's. Whole pages only; the page that the bytes begin or end in may stay.
void release_pages(const Bytes& bytes) noexcept;

/// Writer into a temporary file beside `path`; commit() flushes it to the disk and renames it into
/// place, so a reader sees the old file or the whole new one. Without commit() nothing is left. Not
/// thread-safe. Errors: not_found if the folder is missing, device for failed writes (disk full).
class AtomicFile {
 public:
  /// `mode`: the file's permissions, less the process' umask.
  explicit AtomicFile(std::filesystem::path path, unsigned mode = 0666);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends to what write() wrote before.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Writes at a place of the file, counted from its first byte; gaps are zeros.
  void write_at(int64_t position, std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace linnet
