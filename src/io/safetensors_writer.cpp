#include "io/safetensors_writer.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::io {
namespace {

std::vector<TensorEntry> lay_out(std::vector<TensorSpec> specs, const std::string& file) {
  std::stable_sort(specs.begin(), specs.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return alignment_of(a.dtype) > alignment_of(b.dtype);
  });
  std::vector<TensorEntry> entries;
  entries.reserve(specs.size());
  std::set<std::string_view> names;
  int64_t position = 0;
  for (TensorSpec& spec : specs) {
    require(!spec.name.empty() && spec.name != "__metadata__",
            "{}: a tensor cannot be named \"{}\"", file, spec.name);
    int64_t end = 0;
    try {
      end = checked_add(position, stored_bytes(spec.dtype, spec.shape));
    } catch (const Error& error) {
      fail(ErrorCode::invalid_argument, "{}: tensor {}: {}", file, printable(spec.name),
           error.what());
    }
    entries.push_back({std::move(spec.name), spec.dtype, std::move(spec.shape), position, end});
    require(names.insert(entries.back().name).second, "{}: the tensor {} is declared twice", file,
            printable(entries.back().name));
    position = end;
  }
  return entries;
}

std::string header_of(std::span<const TensorEntry> entries,
                      const std::map<std::string, std::string>& metadata, const std::string& file) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const TensorEntry& entry : entries) {
    // operator[] of ordered_json searches for the key; names are known to differ.
    header.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(
        entry.name, nlohmann::ordered_json{{"dtype", to_string(entry.dtype)},
                                           {"shape", entry.shape},
                                           {"data_offsets", {entry.begin, entry.end}}});
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::invalid_argument, "{}: a tensor name or metadata is not UTF-8: {}", file,
         error.what());
  }
  text.resize(static_cast<size_t>(round_up(static_cast<int64_t>(text.size()), 8)), ' ');
  require(static_cast<int64_t>(text.size()) <= kMaxSafetensorsHeader,
          "{}: a header of {} bytes is over the format's limit of {}", file, text.size(),
          kMaxSafetensorsHeader);
  return text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : name_(path.filename().string()),
      tensors_(lay_out(std::move(tensors), name_)),
      file_(std::move(path)) {
  const std::string header = header_of(tensors_, metadata, name_);
  const auto length = static_cast<uint64_t>(header.size());
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
  data_begin_ = static_cast<int64_t>(sizeof(length) + header.size());
  written_.resize(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
}

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  const auto found = by_name_.find(name);
  require(found != by_name_.end(), "{}: bytes for {}, which is not one of its tensors", name_,
          printable(name));
  const TensorEntry& entry = tensors_[found->second];
  int64_t& written = written_[found->second];
  const auto size = static_cast<int64_t>(bytes.size());
  require(size <= entry.size() - written, "{}: {} more bytes for {}, which has room for {}", name_,
          size, printable(name), entry.size() - written);
  file_.write_at(data_begin_ + entry.begin + written, bytes);
  written += size;
}

void SafetensorsWriter::commit() {
  for (size_t i = 0; i < tensors_.size(); ++i)
    require(written_[i] == tensors_[i].size(), "{}: {} of the {} bytes of tensor {} are missing",
            name_, tensors_[i].size() - written_[i], tensors_[i].size(),
            printable(tensors_[i].name));
  file_.commit();
}

}  // namespace linnet::io
