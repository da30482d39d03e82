// Writing safetensors files (see io/safetensors.hpp for the format).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.hpp"
#include "io/safetensors.hpp"

namespace linnet::io {

/// A tensor to be written.
struct TensorSpec {
  std::string name;
  StoredDType dtype = StoredDType::f32;
  std::vector<int64_t> shape;
};

/// Writes the header when made, then takes the tensors' bytes, then commit() puts the file in
/// place. Until then `path` is untouched, and without it nothing is left behind. Tensors may come
/// in any order and by turns; nothing is kept in memory. Invariant: every tensor of a written file
/// is aligned for its type, because the data section starts at a multiple of 8 and tensors are
/// ordered by falling alignment. Not thread-safe.
class SafetensorsWriter {
 public:
  /// `tensors` keep their order among those of equal alignment.
  /// Errors: invalid_argument for a name that is empty, repeated, "__metadata__" or not UTF-8, for
  /// a shape that stored_bytes refuses, or for a header over the format's limit; else as
  /// AtomicFile.
  SafetensorsWriter(std::filesystem::path path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {});

  /// The tensors in the order in which the file has them.
  [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept { return tensors_; }

  /// The next bytes of the tensor `name`; any number of calls per tensor (none if it is empty).
  /// Errors: invalid_argument if there is no such tensor or it would get too many.
  void write(std::string_view name, std::span<const std::byte> bytes);

  /// Errors: invalid_argument if bytes are missing; device if the disk is full or fails.
  void commit();

 private:
  std::string name_;  // of the file, for messages
  std::vector<TensorEntry> tensors_;
  std::unordered_map<std::string_view, size_t> by_name_;  // indices into tensors_
  std::vector<int64_t> written_;                          // bytes of each tensor so far
  int64_t data_begin_ = 0;
  AtomicFile file_;
};

}  // namespace linnet::io
