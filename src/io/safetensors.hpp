// Reading safetensors files.
//
// Byte format (little-endian):
//   8 bytes   N, the length of the header, at most 100,000,000
//   N bytes   JSON: {"__metadata__": {"key": "value", ...},
//                    "tensor": {"dtype": "BF16", "shape": [4, 2], "data_offsets": [begin, end]},
//                    ...},
//             starting with '{', padded with spaces
//   the rest  the data section: row-major tensors; data_offsets count from its first byte
//
// Checked before a reader sees anything, as the reference implementation does and a little more:
// the header lies inside the file; every key appears once; dtype, shape and data_offsets are there
// and nothing else; shape x dtype is data_offsets' length (multiplied with checks); taken in order
// of their offsets, the tensors cover the data section exactly, without hole or overlap. A
// violation is malformed_file with the file's and the tensor's name. Memory used is a small
// multiple of the header's length, which the file's real size bounds.
//
// Alignment: the reference writer pads the header so that data starts at a multiple of 8 and orders
// tensors by falling element size. Other writers do neither (MLX pads nothing), so such files are
// accepted and a tensor's bytes may lie at any address. aligned_bytes() gives bytes that may be
// read in place: the same ones where they are aligned, else a copy.
//
// Threads: immutable after opening; any number of readers. Invariant: the spans of all tensors lie
// inside the mapping. A file that somebody truncates while it is mapped raises SIGBUS on access:
// replace checkpoints by renaming, as AtomicFile does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "io/stored_dtype.hpp"

namespace linnet::io {

/// The format's limit on the length of the header.
constexpr int64_t kMaxSafetensorsHeader = 100'000'000;

/// One tensor of a file. `begin` and `end` count bytes from the start of the data section.
struct TensorEntry {
  std::string name;
  StoredDType dtype = StoredDType::u8;
  std::vector<int64_t> shape;  // outermost first; empty for a scalar
  int64_t begin = 0;
  int64_t end = 0;

  [[nodiscard]] int64_t size() const noexcept { return end - begin; }
};

/// An opened file. Copies are cheap in bytes of tensors (they share the mapping) but copy the
/// table.
class SafetensorsFile {
 public:
  /// Maps a file. Errors: as map_file; malformed_file as said above.
  static SafetensorsFile open(const std::filesystem::path& path);
  /// Reads a file that is in memory already, such as one embedded in the program. `name` is for
  /// messages.
  static SafetensorsFile from_bytes(Bytes file, std::string name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Bytes of the whole file.
  [[nodiscard]] int64_t size() const noexcept { return file_.size(); }
  /// All tensors, by rising offset.
  [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept { return tensors_; }
  /// The entry of that name; null if there is none.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const noexcept;
  /// The tensor's bytes as they lie in the file (at any address, see above).
  /// Errors: not_found if the file has no tensor of that name.
  [[nodiscard]] Bytes bytes(std::string_view name) const;
  /// The same for an entry of this file.
  [[nodiscard]] Bytes bytes(const TensorEntry& entry) const noexcept;
  /// The header's "__metadata__"; empty if absent.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return metadata_;
  }

 private:
  Bytes file_;
  std::string name_;
  int64_t data_begin_ = 0;
  std::vector<TensorEntry> tensors_;  // by rising (begin, end)
  std::vector<uint32_t> by_name_;     // indices into tensors_, by rising name
  std::map<std::string, std::string> metadata_;
};

/// `bytes` if they start at a multiple of alignment_of(dtype), else a copy that does (and is owned
/// by the result). May throw std::bad_alloc.
Bytes aligned_bytes(const Bytes& bytes, StoredDType dtype);

}  // namespace linnet::io
