#include "io/checkpoint.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"

namespace linnet::io {
namespace {

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kGenerationConfig = "generation_config.json";
constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::string_view kTemplates = "additional_chat_templates";

// Far above any published file (the index of a 671-billion-parameter model has 9 MB), and low
// enough that a wrong file is refused before it is parsed.
constexpr int64_t kMaxJson = 64 << 20;

// The largest published models have some hundred files; a folder with more than this is another.
constexpr size_t kMaxFiles = 100'000;

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kSeparators("/\\\0", 3);
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(kSeparators) == std::string_view::npos;
}

bool is_other_format(std::string_view name) {
  return name.ends_with(".gguf") || name.ends_with(".ggml") || name.ends_with(".bin") ||
         name.ends_with(".bin.index.json") || name.ends_with(".pt") || name.ends_with(".pth") ||
         name.ends_with(".ckpt") || name.ends_with(".npz") || name.ends_with(".h5") ||
         name.ends_with(".msgpack") || name.ends_with(".onnx");
}

const CheckpointFile* find_file(std::span<const CheckpointFile> files, std::string_view name) {
  const auto found = std::lower_bound(
      files.begin(), files.end(), name,
      [](const CheckpointFile& file, std::string_view wanted) { return file.name < wanted; });
  return found != files.end() && found->name == name ? &*found : nullptr;
}

void list_folder(const std::filesystem::path& folder, const std::string& prefix,
                 std::vector<CheckpointFile>& files) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  if (error) fail(ErrorCode::not_found, "{}: {}", folder.string(), error.message());
  while (entry != std::filesystem::directory_iterator()) {
    // Follows links, as a Hugging Face cache has them; a broken one is as good as absent.
    std::error_code broken;
    if (entry->is_regular_file(broken)) {
      const auto size = static_cast<int64_t>(entry->file_size(broken));
      if (!broken) files.push_back({prefix + entry->path().filename().string(), size});
      require(files.size() <= kMaxFiles, "{}: more than {} files are no checkpoint",
              folder.string(), kMaxFiles);
    }
    entry.increment(error);
    if (error) fail(ErrorCode::not_found, "{}: {}", folder.string(), error.message());
  }
}

std::vector<CheckpointFile> list_checkpoint(const std::filesystem::path& folder) {
  std::vector<CheckpointFile> files;
  list_folder(folder, "", files);
  std::error_code absent;
  if (std::filesystem::is_directory(folder / kTemplates, absent))
    list_folder(folder / kTemplates, fmt::format("{}/", kTemplates), files);
  return files;
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& folder) {
  return {folder.string(), list_checkpoint(folder),
          [folder](const CheckpointFile& file) { return map_file(folder / file.name); }};
}

Checkpoint Checkpoint::from_files(const std::vector<std::pair<std::string, Bytes>>& files,
                                  std::string name) {
  std::vector<CheckpointFile> list;
  auto contents = std::make_shared<std::map<std::string, Bytes>>();
  for (const auto& [file_name, bytes] : files) {
    list.push_back({file_name, bytes.size()});
    require(contents->emplace(file_name, bytes).second, "{}: the file {} is given twice", name,
            printable(file_name));
  }
  return {std::move(name), std::move(list),
          [contents](const CheckpointFile& file) { return contents->at(file.name); }};
}

Checkpoint::Checkpoint(std::string name, std::vector<CheckpointFile> files,
                       std::function<Bytes(const CheckpointFile&)> read)
    : name_(std::move(name)), files_(std::move(files)), read_(std::move(read)) {
  std::sort(files_.begin(), files_.end(),
            [](const CheckpointFile& a, const CheckpointFile& b) { return a.name < b.name; });
  config_ = json(kConfig);
  if (!config_) fail(ErrorCode::not_found, "{} has no {}", name_, kConfig);
  generation_config_ = json(kGenerationConfig);
  read_tensors();
}

std::optional<Json> Checkpoint::json(std::string_view name) const {
  const auto bytes = file(name);
  if (!bytes) return std::nullopt;
  if (bytes->size() > kMaxJson)
    fail(ErrorCode::malformed_file, "{} has {} bytes, more than the {} it may have", name,
         bytes->size(), kMaxJson);
  Json value = Json::parse(bytes->text(), std::string(name));
  if (!value.is_object())
    fail(ErrorCode::malformed_file, "{} is {}, expected an object", name,
         json_type_name(value.element()));
  return value;
}

std::optional<Bytes> Checkpoint::file(std::string_view name) const {
  const CheckpointFile* found = find_file(files_, name);
  if (found == nullptr) return std::nullopt;
  return read_(*found);
}

void Checkpoint::read_tensors() {
  if (auto single = file(kSingle)) {
    add_tensors(SafetensorsFile::from_bytes(*std::move(single), std::string(kSingle)));
  } else if (const auto index = json(kIndex)) {
    read_shards(*index);
  } else {
    for (const CheckpointFile& other : files_)
      if (is_other_format(other.name))
        fail(ErrorCode::unsupported,
             "{} has its tensors in another format ({}): linnet reads safetensors, {} or {}", name_,
             printable(other.name), kSingle, kIndex);
    fail(ErrorCode::not_found, "{} has neither {} nor {}", name_, kSingle, kIndex);
  }
}

void Checkpoint::read_shards(const Json& index) {
  const Json weight_map = index.at("weight_map");
  simdjson::dom::object members;
  if (weight_map.element().get(members) != simdjson::SUCCESS)
    fail(ErrorCode::malformed_file, "{} is {}, expected an object", weight_map.where(),
         json_type_name(weight_map.element()));

  std::map<std::string_view, std::string_view> file_of;  // tensor -> shard
  std::map<std::string_view, int64_t> shards;            // shard -> tensors mapped to it
  for (const auto [tensor, value] : members) {
    std::string_view shard;
    if (value.get(shard) != simdjson::SUCCESS)
      fail(ErrorCode::malformed_file, "{}: the file of tensor {} is {}, expected a string", kIndex,
           printable(tensor), json_type_name(value));
    if (!is_plain_name(shard))
      fail(ErrorCode::malformed_file,
           "{}: tensor {} is mapped to \"{}\", which is no plain file name", kIndex,
           printable(tensor), printable(shard));
    if (!file_of.emplace(tensor, shard).second)
      fail(ErrorCode::malformed_file, "{} maps tensor {} twice", kIndex, printable(tensor));
    ++shards[shard];
  }
  if (shards.empty()) fail(ErrorCode::malformed_file, "{} maps no tensors", kIndex);

  for (const auto& [shard, mapped] : shards) {
    auto bytes = file(shard);
    if (!bytes)
      fail(ErrorCode::not_found, "{} has no file {}, to which {} maps {} tensors", name_,
           printable(shard), kIndex, mapped);
    SafetensorsFile opened = SafetensorsFile::from_bytes(*std::move(bytes), std::string(shard));
    for (const TensorEntry& entry : opened.tensors()) {
      const auto found = file_of.find(entry.name);
      if (found == file_of.end())
        fail(ErrorCode::malformed_file, "{} holds tensor {}, which {} does not mention",
             printable(shard), printable(entry.name), kIndex);
      if (found->second != shard)
        fail(ErrorCode::malformed_file, "{} holds tensor {}, which {} maps to {}", printable(shard),
             printable(entry.name), kIndex, printable(found->second));
    }
    add_tensors(std::move(opened));
  }
  for (const auto& [tensor, shard] : file_of)
    if (!where_.contains(tensor))
      fail(ErrorCode::malformed_file, "{} maps tensor {} to {}, which does not hold it", kIndex,
           printable(tensor), printable(shard));
}

void Checkpoint::add_tensors(SafetensorsFile file) {
  const auto index = static_cast<uint32_t>(tensor_files_.size());
  uint32_t entry = 0;
  for (const TensorEntry& tensor : file.tensors())
    where_.emplace(tensor.name, Place{index, entry++});
  tensor_files_.push_back(std::move(file));
}

std::vector<std::string_view> Checkpoint::tensor_names() const {
  std::vector<std::string_view> names;
  names.reserve(where_.size());
  for (const SafetensorsFile& file : tensor_files_)
    for (const TensorEntry& entry : file.tensors()) names.push_back(entry.name);
  return names;
}

std::optional<StoredTensor> Checkpoint::find(std::string_view name) const {
  const auto found = where_.find(name);
  if (found == where_.end()) return std::nullopt;
  const SafetensorsFile& file = tensor_files_[found->second.file];
  const TensorEntry& entry = file.tensors()[found->second.entry];
  return StoredTensor{entry.name, entry.dtype, entry.shape, file.bytes(entry), file.name()};
}

}  // namespace linnet::io
