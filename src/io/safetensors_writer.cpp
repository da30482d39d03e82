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
}

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  while (current_ < tensors_.size() && position_ == tensors_[current_].end) ++current_;
  if (size == 0) return;
  require(current_ < tensors_.size(), "{}: {} more bytes for {}, but every tensor is complete",
          name_, size, printable(name));
  const TensorEntry& due = tensors_[current_];
  require(due.name == name, "{}: bytes for {}, but {} is due ({} of its {} bytes are missing)",
          name_, printable(name), printable(due.name), due.end - position_, due.size());
  require(size <= due.end - position_, "{}: {} more bytes for {}, which has room for {}", name_,
          size, printable(name), due.end - position_);
  file_.write(bytes);
  position_ += size;
}

void SafetensorsWriter::commit() {
  const int64_t total = tensors_.empty() ? 0 : tensors_.back().end;
  if (position_ != total) {
    const auto due = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const TensorEntry& entry) { return entry.end > position_; });
    fail(ErrorCode::invalid_argument, "{}: {} of {} bytes are missing, from tensor {} on", name_,
         total - position_, total, printable(due->name));
  }
  file_.commit();
}

}  // namespace linnet::io
