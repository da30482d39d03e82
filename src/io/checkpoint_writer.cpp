#include "io/checkpoint_writer.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

/// So that the names in it last as well as the files' bytes.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
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
  require(!tensors_.empty(), "{}: a checkpoint without tensors", folder_.string());
  require_place();
  const auto begin_shard = [&](size_t first) { shards_.emplace_back().begin = first; };
  begin_shard(0);
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const int64_t size = stored_bytes(tensors_[i].dtype, tensors_[i].shape);
    if (i > shards_.back().begin && checked_add(shards_.back().left, size) > options_.shard_bytes)
      begin_shard(i);
    shards_.back().end = i + 1;
    shards_.back().left = checked_add(shards_.back().left, size);
    total_bytes_ = checked_add(total_bytes_, size);
    require(shard_of_.emplace(tensors_[i].name, shards_.size() - 1).second,
            "{}: the tensor {} is declared twice", folder_.string(), printable(tensors_[i].name));
  }
  // The order that SafetensorsWriter would give them.
  const auto at = [&](size_t i) { return tensors_.begin() + static_cast<int64_t>(i); };
  for (const Shard& shard : shards_)
    std::stable_sort(at(shard.begin), at(shard.end), [](const TensorSpec& a, const TensorSpec& b) {
      return alignment_of(a.dtype) > alignment_of(b.dtype);
    });
  temporary_ = make_temporary(folder_);
  try {
    open(0);  // what is wrong with the tensors shows now
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
    throw;
  }
}

CheckpointWriter::~CheckpointWriter() {
  shards_.clear();
  if (committed_) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

void CheckpointWriter::require_place() const {
  std::error_code ignored;
  if (options_.replace && std::filesystem::is_regular_file(folder_ / "config.json", ignored))
    return;
  require(!holds_something(folder_), "{} exists already{}", folder_.string(),
          options_.replace ? " and is no checkpoint: it is left alone" : "");
}

std::string CheckpointWriter::shard_name(size_t shard) const {
  if (shards_.size() == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards_.size());
}

void CheckpointWriter::open(size_t shard) {
  const auto first = tensors_.begin() + static_cast<int64_t>(shards_[shard].begin);
  const auto last = tensors_.begin() + static_cast<int64_t>(shards_[shard].end);
  shards_[shard].writer = std::make_unique<SafetensorsWriter>(
      temporary_ / shard_name(shard), std::vector<TensorSpec>(first, last), options_.metadata);
}

void CheckpointWriter::close(size_t shard) {
  Shard& s = shards_[shard];
  if (!s.writer && !s.written) open(shard);  // nothing came; commit() may find that right
  if (s.writer) s.writer->commit();
  s.writer.reset();
  s.written = true;
}

void CheckpointWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  const auto found = shard_of_.find(name);
  require(found != shard_of_.end(), "{}: bytes for {}, which is not one of its tensors",
          folder_.string(), printable(name));
  if (bytes.empty()) return;
  Shard& shard = shards_[found->second];
  require(!shard.written, "{}: {} more bytes for {}, which is complete", folder_.string(),
          bytes.size(), printable(name));
  if (!shard.writer) open(found->second);
  shard.writer->write(name, bytes);
  shard.left -= static_cast<int64_t>(bytes.size());
  if (shard.left == 0) close(found->second);
}

void CheckpointWriter::add_file(const std::string& name, std::string_view text) {
  const std::filesystem::path path = temporary_ / name;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail(ErrorCode::device, "{}: {}", path.parent_path().string(), error.message());
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string CheckpointWriter::index() const {
  nlohmann::ordered_json result;
  result["metadata"]["total_size"] = total_bytes_;
  auto& map = result["weight_map"] = nlohmann::ordered_json::object();
  // Sorted by tensor, as transformers writes it. operator[] of ordered_json searches for the key;
  // names are known to differ.
  auto& members = map.get_ref<nlohmann::ordered_json::object_t&>();
  for (const auto& [name, shard] : shard_of_) members.emplace_back(name, shard_name(shard));
  return result.dump(2) + "\n";
}

void CheckpointWriter::put_in_place() {
  sync_folder(temporary_);
  std::error_code error;
  if (!options_.replace || !holds_something(folder_)) {
    std::filesystem::rename(temporary_, folder_, error);
  } else if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, folder_.c_str(),
                         RENAME_EXCHANGE) == 0) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);  // the old one, by now
  } else {
    // A file system that cannot exchange: for a moment there is neither.
    const std::filesystem::path old = temporary_.string() + "-old";
    std::filesystem::rename(folder_, old, error);
    if (!error) std::filesystem::rename(temporary_, folder_, error);
    std::error_code ignored;
    if (error)
      std::filesystem::rename(old, folder_, ignored);
    else
      std::filesystem::remove_all(old, ignored);
  }
  if (error)
    fail(ErrorCode::device, "renaming {} to {}: {}", temporary_.string(), folder_.string(),
         error.message());
}

void CheckpointWriter::commit() {
  require(!committed_, "{} was committed before", folder_.string());
  for (size_t shard = 0; shard < shards_.size(); ++shard) close(shard);
  if (shards_.size() > 1) add_file("model.safetensors.index.json", index());
  require_place();
  put_in_place();
  committed_ = true;
}

}  // namespace linnet::io
