// Writing a checkpoint's folder: its tensors in one file or in shards with an index, and other
// files beside them. The folder appears whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors_writer.hpp"

namespace linnet::io {

/// Works in a temporary folder beside the wanted one, which commit() renames into place; without
/// commit() nothing is left. Tensors may come in any order and by turns; nothing is kept in memory,
/// and a file is open from its first byte to its last. Not thread-safe.
class CheckpointWriter {
 public:
  struct Options {
    /// A file takes no further tensor that would make it larger; a single tensor may.
    int64_t shard_bytes = 5'000'000'000;
    /// Of every tensor file, and of the index.
    std::map<std::string, std::string> metadata = {{"format", "pt"}};
    /// Whether a checkpoint (a folder with a config.json) that is there may be replaced. It stays
    /// whole until commit() has the new one in its place.
    bool replace = false;
  };

  /// `folder` must not exist, or be empty, unless a checkpoint is to be replaced. Errors:
  /// invalid_argument if it is there with something in it, or for tensors that SafetensorsWriter
  /// refuses; not_found if it cannot be made.
  CheckpointWriter(std::filesystem::path folder, std::vector<TensorSpec> tensors, Options options);
  CheckpointWriter(std::filesystem::path folder, std::vector<TensorSpec> tensors)
      : CheckpointWriter(std::move(folder), std::move(tensors), Options()) {}
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// The tensors in the order in which the files have them: as given, but in each shard by falling
  /// alignment.
  [[nodiscard]] std::span<const TensorSpec> tensors() const noexcept { return tensors_; }
  /// Bytes of all tensors.
  [[nodiscard]] int64_t total_bytes() const noexcept { return total_bytes_; }

  /// The next bytes of the tensor `name`; any number of calls per tensor (none if it is empty).
  /// Errors: as SafetensorsWriter::write.
  void write(std::string_view name, std::span<const std::byte> bytes);

  /// A small file beside the tensors, such as config.json, or in a folder there. Errors: as
  /// AtomicFile.
  void add_file(const std::string& name, std::string_view text);

  /// Errors: invalid_argument if bytes are missing or `folder` has come to hold something; device.
  void commit();

 private:
  struct Shard {
    size_t begin = 0;  // indices into tensors_
    size_t end = 0;
    int64_t left = 0;  // bytes that it still wants
    std::unique_ptr<SafetensorsWriter> writer;
    bool written = false;
  };

  [[nodiscard]] std::string shard_name(size_t shard) const;
  [[nodiscard]] std::string index() const;
  /// Errors: invalid_argument if something else stands where the checkpoint is to be.
  void require_place() const;
  void open(size_t shard);
  void close(size_t shard);
  void put_in_place();

  std::filesystem::path folder_;
  std::filesystem::path temporary_;
  Options options_;
  std::vector<TensorSpec> tensors_;
  std::vector<Shard> shards_;
  int64_t total_bytes_ = 0;
  std::map<std::string, size_t, std::less<>> shard_of_;  // by tensor
  bool committed_ = false;
};

}  // namespace linnet::io
