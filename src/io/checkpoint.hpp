// A Hugging Face checkpoint: a folder (or the same files in memory) with config.json, perhaps
// generation_config.json and tokenizer files, and the tensors in model.safetensors or in the shards
// that model.safetensors.index.json lists. As in transformers, model.safetensors wins where both
// are there.
//
// Everything is verified when it is opened: each header (see io/safetensors.hpp), and for shards
// that the index names plain files of the folder, that each tensor is in the file it is mapped to,
// and that no shard holds a tensor that the index does not map to it. (The index's
// metadata.total_size is not compared: published files have it wrong.) No tensor data is read.
//
// Threads: immutable after opening; any number of readers. Tensor bytes stay valid while the
// Checkpoint or any StoredTensor's `bytes` of the same file lives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "io/safetensors.hpp"

namespace linnet::io {

/// A tensor of a checkpoint. The views are valid while the Checkpoint lives; `bytes` keeps itself
/// alive.
struct StoredTensor {
  std::string_view name;
  StoredDType dtype = StoredDType::u8;
  std::span<const int64_t> shape;
  Bytes bytes;            // at any address: read in place what aligned_bytes(bytes, dtype) gives
  std::string_view file;  // the file that holds it
};

/// A file of a checkpoint and its size.
struct CheckpointFile {
  std::string name;
  int64_t size = 0;
};

class Checkpoint {
 public:
  /// Opens a folder. Errors: not_found if the folder, config.json, the tensors or a shard of the
  /// index are absent; unsupported if the tensors are there in another format only; malformed_file
  /// for a file that contradicts its format or the index.
  static Checkpoint open(const std::filesystem::path& folder);

  /// The same for files in memory, by name; `name` stands for the folder in messages.
  /// Errors: as open(); invalid_argument if a name is given twice.
  static Checkpoint from_files(const std::vector<std::pair<std::string, Bytes>>& files,
                               std::string name);

  Checkpoint(Checkpoint&&) noexcept = default;
  Checkpoint& operator=(Checkpoint&&) noexcept = default;

  /// The folder's path, or the name given to from_files.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// config.json, an object.
  [[nodiscard]] const Json& config() const noexcept { return *config_; }
  /// generation_config.json, an object, if there is one.
  [[nodiscard]] const std::optional<Json>& generation_config() const noexcept {
    return generation_config_;
  }
  /// The bytes of a file of files(), such as tokenizer.json; nothing if there is none of that name.
  /// Errors: as map_file, if the file went away since.
  [[nodiscard]] std::optional<Bytes> file(std::string_view name) const;

  /// All regular files of the folder, by name, and those of its additional_chat_templates/ with
  /// that before their names.
  [[nodiscard]] std::span<const CheckpointFile> files() const noexcept { return files_; }
  /// The safetensors files that hold the tensors, by name.
  [[nodiscard]] std::span<const SafetensorsFile> tensor_files() const noexcept {
    return tensor_files_;
  }
  /// Names of all tensors, in the order of tensor_files() and of their offsets.
  [[nodiscard]] std::vector<std::string_view> tensor_names() const;
  [[nodiscard]] int64_t tensor_count() const noexcept {
    return static_cast<int64_t>(where_.size());
  }
  /// The tensor of that name; nothing if there is none.
  [[nodiscard]] std::optional<StoredTensor> find(std::string_view name) const;

 private:
  struct Place {
    uint32_t file;   // index into tensor_files_
    uint32_t entry;  // index into its tensors()
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  Checkpoint(std::string name, std::vector<CheckpointFile> files,
             std::function<Bytes(const CheckpointFile&)> read);
  [[nodiscard]] std::optional<Json> json(std::string_view name) const;
  void read_tensors();
  void read_shards(const Json& index);
  void add_tensors(SafetensorsFile file);

  std::string name_;
  std::vector<CheckpointFile> files_;  // by name
  std::function<Bytes(const CheckpointFile&)> read_;
  std::optional<Json> config_;
  std::optional<Json> generation_config_;
  std::vector<SafetensorsFile> tensor_files_;
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> where_;
};

}  // namespace linnet::io
