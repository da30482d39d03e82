#include "io/checkpoint_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::io {
namespace {

bool holds_something(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return false;
  return !std::filesystem::is_directory(path, error) || !std::filesystem::is_empty(path, error);
}

/// A new folder beside `folder`. `OUT/` means the same as `OUT`.
std::filesystem::path make_temporary(const std::filesystem::path& folder) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::filesystem::path path =
        fmt::format("{}.tmp-{}-{}", folder.string(), ::getpid(), attempt);
    std::error_code error;
    if (std::filesystem::create_directory(path, error)) return path;
    if (error)
      fail(ErrorCode::not_found, "cannot create a folder beside {}: {}", folder.string(),
           error.message());
  }
  fail(ErrorCode::not_found, "cannot create a folder beside {}", folder.string());
}

std::filesystem::path without_slash(std::filesystem::path path) {
  return path.has_filename() || !path.has_parent_path() ? path : path.parent_path();
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::filesystem::path folder, std::vector<TensorSpec> tensors,
                                   Options options)
    : folder_(without_slash(std::move(folder))),
      options_(std::move(options)),
      tensors_(std::move(tensors)) {
  require(!folder_.empty(), "a checkpoint needs a folder to be written to");
  require(!holds_something(folder_), "{} exists already", folder_.string());
  require(!tensors_.empty(), "{}: a checkpoint without tensors", folder_.string());
  Shard shard;
  int64_t bytes = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const int64_t size = stored_bytes(tensors_[i].dtype, tensors_[i].shape);
    if (i > shard.begin && checked_add(bytes, size) > options_.shard_bytes) {
      shard.end = i;
      shards_.push_back(std::exchange(shard, {i, i}));
      bytes = 0;
    }
    bytes = checked_add(bytes, size);
    total_bytes_ = checked_add(total_bytes_, size);
  }
  shard.end = tensors_.size();
  shards_.push_back(shard);
  // The order that SafetensorsWriter would give them.
  const auto at = [&](size_t i) { return tensors_.begin() + static_cast<int64_t>(i); };
  for (const Shard& s : shards_)
    std::stable_sort(at(s.begin), at(s.end), [](const TensorSpec& a, const TensorSpec& b) {
      return alignment_of(a.dtype) > alignment_of(b.dtype);
    });
  temporary_ = make_temporary(folder_);
  try {
    open_shard();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
    throw;
  }
}

CheckpointWriter::~CheckpointWriter() {
  if (committed_) return;
  writer_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

std::string CheckpointWriter::shard_name(size_t shard) const {
  if (shards_.size() == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards_.size());
}

void CheckpointWriter::open_shard() {
  const auto [begin, end] = shards_[shard_];
  const auto first = tensors_.begin() + static_cast<int64_t>(begin);
  const auto last = tensors_.begin() + static_cast<int64_t>(end);
  left_ = 0;
  for (auto spec = first; spec != last; ++spec) left_ += stored_bytes(spec->dtype, spec->shape);
  writer_ = std::make_unique<SafetensorsWriter>(
      temporary_ / shard_name(shard_), std::vector<TensorSpec>(first, last), options_.metadata);
}

void CheckpointWriter::close_shard() {
  writer_->commit();
  writer_.reset();
  ++shard_;
}

void CheckpointWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  while (left_ == 0 && shard_ + 1 < shards_.size()) {
    close_shard();
    open_shard();
  }
  writer_->write(name, bytes);
  left_ -= static_cast<int64_t>(bytes.size());
}

void CheckpointWriter::add_file(const std::string& name, std::string_view text) {
  AtomicFile file(temporary_ / name);
  file.write(text);
  file.commit();
}

std::string CheckpointWriter::index() const {
  // Sorted by tensor, as transformers writes it.
  std::map<std::string_view, size_t> shard_of;
  for (size_t s = 0; s < shards_.size(); ++s)
    for (size_t i = shards_[s].begin; i < shards_[s].end; ++i) {
      const bool first = shard_of.emplace(tensors_[i].name, s).second;
      require(first, "{}: the tensor {} is declared twice", folder_.string(),
              printable(tensors_[i].name));
    }
  nlohmann::ordered_json result;
  result["metadata"]["total_size"] = total_bytes_;
  auto& map = result["weight_map"] = nlohmann::ordered_json::object();
  // operator[] of ordered_json searches for the key; names are known to differ.
  auto& members = map.get_ref<nlohmann::ordered_json::object_t&>();
  for (const auto& [name, shard] : shard_of)
    members.emplace_back(std::string(name), shard_name(shard));
  return result.dump(2) + "\n";
}

void CheckpointWriter::commit() {
  require(!committed_, "{} was committed before", folder_.string());
  // Shards left without a byte (empty tensors) still become files.
  while (left_ == 0 && shard_ + 1 < shards_.size()) {
    close_shard();
    open_shard();
  }
  require(shard_ + 1 == shards_.size(), "{}: {} of {} tensor files are missing", folder_.string(),
          shards_.size() - shard_, shards_.size());
  close_shard();
  if (shards_.size() > 1) add_file("model.safetensors.index.json", index());
  require(!holds_something(folder_), "{} exists already", folder_.string());
  std::error_code error;
  std::filesystem::rename(temporary_, folder_, error);
  if (error)
    fail(ErrorCode::device, "renaming {} to {}: {}", temporary_.string(), folder_.string(),
         error.message());
  committed_ = true;
}

}  // namespace linnet::io
