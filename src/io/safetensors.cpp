#include "io/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"

namespace linnet::io {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor data is read in place");

constexpr int64_t kLengthBytes = 8;
constexpr std::string_view kMetadata = "__metadata__";

template <class... Args>
[[noreturn]] void malformed(std::string_view file, fmt::format_string<Args...> format,
                            Args&&... args) {
  fail(ErrorCode::malformed_file, "{}: {}", file, fmt::format(format, std::forward<Args>(args)...));
}

// simdjson gives up on a document with an integer of more than 64 bits without saying where. The
// name of the member of the outermost object in which such a run of digits stands, so that the
// message can.
std::optional<std::string_view> member_with_long_integer(std::string_view json) {
  constexpr size_t kDigits = 20;  // 2^64 has 20
  int depth = 0;
  std::string_view key;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == '"') {
      const size_t begin = ++i;
      while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
      const size_t end = std::min(i, json.size());
      const size_t next = json.find_first_not_of(" \t\r\n", end + 1);
      if (depth == 1 && next != std::string_view::npos && json[next] == ':')
        key = json.substr(begin, end - begin);
    } else if (c >= '0' && c <= '9') {
      const size_t end = std::min(json.find_first_not_of("0123456789", i), json.size());
      if (end - i >= kDigits) return key;
      i = end - 1;
    }
  }
  return std::nullopt;
}

Json parse_header(std::string_view json, const std::string& file) {
  try {
    return Json::parse(json, file + ": the header");
  } catch (const Error&) {
    if (const auto name = member_with_long_integer(json))
      malformed(file, "tensor {} has an integer of more than 64 bits in the header",
                printable(*name));
    throw;
  }
}

// Reads one tensor's entry of the header; `where_` starts every message.
class EntryReader {
 public:
  EntryReader(const std::string& file, std::string_view name, int64_t data_size)
      : file_(file), name_(name), data_size_(data_size) {}

  TensorEntry read(const simdjson::dom::element& value) {
    simdjson::dom::object fields;
    if (value.get(fields) != simdjson::SUCCESS)
      bad("is {}, expected an object", json_type_name(value));
    TensorEntry entry;
    entry.name = name_;
    bool has_dtype = false;
    bool has_shape = false;
    bool has_offsets = false;
    for (const auto [key, field] : fields) {
      if (key == "dtype") {
        once(has_dtype, key);
        entry.dtype = dtype(field);
      } else if (key == "shape") {
        once(has_shape, key);
        entry.shape = integers(field, key);
      } else if (key == "data_offsets") {
        once(has_offsets, key);
        const std::vector<int64_t> offsets = integers(field, key);
        if (offsets.size() != 2) bad("has {} data_offsets, expected 2", offsets.size());
        entry.begin = offsets[0];
        entry.end = offsets[1];
      } else {
        bad("has the unknown field \"{}\"", printable(key));
      }
    }
    if (!has_dtype) bad("has no dtype");
    if (!has_shape) bad("has no shape");
    if (!has_offsets) bad("has no data_offsets");
    check(entry);
    return entry;
  }

 private:
  template <class... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    malformed(file_, "tensor {} {}", printable(name_),
              fmt::format(format, std::forward<Args>(args)...));
  }

  void once(bool& seen, std::string_view key) const {
    if (std::exchange(seen, true)) bad("has the field \"{}\" twice", key);
  }

  StoredDType dtype(const simdjson::dom::element& field) const {
    std::string_view name;
    if (field.get(name) != simdjson::SUCCESS)
      bad("has a dtype that is {}, expected a string", json_type_name(field));
    const auto dtype = parse_stored_dtype(name);
    if (!dtype) bad("has the dtype \"{}\", which the format does not have", printable(name));
    return *dtype;
  }

  std::vector<int64_t> integers(const simdjson::dom::element& field, std::string_view key) const {
    simdjson::dom::array array;
    if (field.get(array) != simdjson::SUCCESS)
      bad("has a {} that is {}, expected an array", key, json_type_name(field));
    std::vector<int64_t> result;
    for (const simdjson::dom::element item : array) {
      uint64_t number = 0;
      int64_t negative = 0;
      if (item.get(number) == simdjson::SUCCESS) {
        if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
          bad("has the number {} in its {}, which does not fit 63 bits", number, key);
        result.push_back(static_cast<int64_t>(number));
      } else if (item.get(negative) == simdjson::SUCCESS) {
        bad("has the negative number {} in its {}", negative, key);
      } else if (item.is_number()) {
        bad("has a number that is no integer in its {}", key);
      } else {
        bad("has {} in its {}, expected integers", json_type_name(item), key);
      }
    }
    return result;
  }

  void check(const TensorEntry& entry) const {
    if (entry.begin > entry.end)
      bad("begins at byte {}, after its end {} (data_offsets)", entry.begin, entry.end);
    if (entry.end > data_size_)
      bad("ends at byte {} of a data section of {} bytes (data_offsets)", entry.end, data_size_);
    int64_t expected = 0;
    try {
      expected = stored_bytes(entry.dtype, entry.shape);
    } catch (const Error& error) {
      bad("has the dtype {} and an impossible shape: {}", to_string(entry.dtype), error.what());
    }
    if (expected != entry.size())
      bad("has {} bytes, but its shape [{}] of {} needs {}", entry.size(),
          printable(fmt::format("{}", fmt::join(entry.shape, ", "))), to_string(entry.dtype),
          expected);
  }

  const std::string& file_;
  std::string_view name_;
  int64_t data_size_;
};

std::map<std::string, std::string> read_metadata(const simdjson::dom::element& value,
                                                 const std::string& file) {
  std::map<std::string, std::string> result;
  if (value.is_null()) return result;
  simdjson::dom::object members;
  if (value.get(members) != simdjson::SUCCESS)
    malformed(file, "{} is {}, expected an object of strings", kMetadata, json_type_name(value));
  for (const auto [key, member] : members) {
    std::string_view text;
    if (member.get(text) != simdjson::SUCCESS)
      malformed(file, "{}.{} is {}, expected a string", kMetadata, printable(key),
                json_type_name(member));
    if (!result.emplace(key, text).second)
      malformed(file, "{} has the key \"{}\" twice", kMetadata, printable(key));
  }
  return result;
}

// Tensors by rising offset: each must begin where the one before ends, and the last at the end of
// data.
void check_coverage(std::span<const TensorEntry> tensors, int64_t data_size,
                    const std::string& file) {
  int64_t position = 0;
  const TensorEntry* before = nullptr;
  for (const TensorEntry& entry : tensors) {
    if (entry.begin < position)
      malformed(file, "tensor {} begins at byte {}, inside tensor {}, which ends at {}",
                printable(entry.name), entry.begin, printable(before->name), position);
    if (entry.begin > position)
      malformed(file, "tensor {} begins at byte {}, but the data before it ends at {}",
                printable(entry.name), entry.begin, position);
    position = entry.end;
    before = &entry;
  }
  if (position == data_size) return;
  if (before == nullptr)
    malformed(file, "the header names no tensor, but {} bytes of data follow", data_size);
  malformed(file, "{} bytes follow the end of the last tensor, {}", data_size - position,
            printable(before->name));
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  return from_bytes(map_file(path), path.filename().string());
}

SafetensorsFile SafetensorsFile::from_bytes(Bytes file, std::string name) {
  SafetensorsFile result;
  result.file_ = std::move(file);
  result.name_ = std::move(name);
  const std::string& origin = result.name_;
  const std::string_view text = result.file_.text();
  const int64_t size = result.file_.size();
  if (size < kLengthBytes)
    malformed(origin, "the file has {} bytes, fewer than the {} of the header's length", size,
              kLengthBytes);
  uint64_t length = 0;
  std::memcpy(&length, text.data(), sizeof(length));
  if (length > static_cast<uint64_t>(kMaxSafetensorsHeader))
    malformed(origin, "the header's length {} is over the format's limit of {} bytes", length,
              kMaxSafetensorsHeader);
  const auto header_size = static_cast<int64_t>(length);
  if (header_size > size - kLengthBytes)
    malformed(origin, "the header's length {} passes the end of the file of {} bytes", header_size,
              size);
  result.data_begin_ = kLengthBytes + header_size;
  const int64_t data_size = size - result.data_begin_;

  const std::string_view json = text.substr(kLengthBytes, length);
  if (!json.starts_with('{')) malformed(origin, "the header does not begin with '{{'");
  const Json header = parse_header(json, origin);
  simdjson::dom::object members;
  if (header.element().get(members) != simdjson::SUCCESS)
    malformed(origin, "the header is {}, expected an object", json_type_name(header.element()));
  bool has_metadata = false;
  for (const auto [key, value] : members) {
    if (key != kMetadata) {
      result.tensors_.push_back(EntryReader(origin, key, data_size).read(value));
    } else if (std::exchange(has_metadata, true)) {
      malformed(origin, "the header has {} twice", kMetadata);
    } else {
      result.metadata_ = read_metadata(value, origin);
    }
  }

  std::vector<TensorEntry>& tensors = result.tensors_;
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::vector<uint32_t>& by_name = result.by_name_;
  by_name.resize(tensors.size());  // a header of at most 10^8 bytes has far fewer than 2^32 tensors
  std::iota(by_name.begin(), by_name.end(), 0U);
  std::sort(by_name.begin(), by_name.end(),
            [&](uint32_t a, uint32_t b) { return tensors[a].name < tensors[b].name; });
  const auto twice = std::adjacent_find(
      by_name.begin(), by_name.end(),
      [&](uint32_t a, uint32_t b) { return tensors[a].name == tensors[b].name; });
  if (twice != by_name.end())
    malformed(origin, "the header has the tensor {} twice", printable(tensors[*twice].name));
  check_coverage(tensors, data_size, origin);
  return result;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](uint32_t index, std::string_view wanted) { return tensors_[index].name < wanted; });
  if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
  return &tensors_[*found];
}

Bytes SafetensorsFile::bytes(std::string_view name) const {
  const TensorEntry* entry = find(name);
  if (entry == nullptr) fail(ErrorCode::not_found, "{} has no tensor {}", name_, printable(name));
  return bytes(*entry);
}

Bytes SafetensorsFile::bytes(const TensorEntry& entry) const noexcept {
  return {file_.view.subspan(static_cast<size_t>(data_begin_ + entry.begin),
                             static_cast<size_t>(entry.size())),
          file_.owner, file_.mapped};
}

Bytes aligned_bytes(const Bytes& bytes, StoredDType dtype) {
  const auto alignment = static_cast<uintptr_t>(alignment_of(dtype));
  if (reinterpret_cast<uintptr_t>(bytes.view.data()) % alignment == 0) return bytes;
  // An array of uint64_t is aligned for every stored type.
  const auto words = static_cast<size_t>(ceil_div(bytes.size(), 8));
  const std::shared_ptr<uint64_t[]> copy = std::make_shared_for_overwrite<uint64_t[]>(words);
  std::memcpy(copy.get(), bytes.view.data(), bytes.view.size());
  return {{reinterpret_cast<const std::byte*>(copy.get()), bytes.view.size()}, copy};
}

}  // namespace linnet::io
