#include "train/line_index.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"

namespace linnet::train {
namespace {

constexpr size_t kMaxLineBytes = size_t{64} << 20;

std::string_view line_at(std::string_view text, size_t begin) {
  const size_t end = text.find('\n', begin);
  std::string_view line = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

LineIndex::LineIndex(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files) add(file);
}

void LineIndex::add(const std::filesystem::path& path) {
  files_.push_back({.path = path, .bytes = map_file(path), .first = size()});
  const std::string_view text = files_.back().bytes.text();
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (int64_t number = 1; at < text.size(); ++number) {
    const size_t newline = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, newline - at);
    if (line.size() > kMaxLineBytes)
      fail(ErrorCode::malformed_file, "{}:{}: a line of {} bytes, the limit is {}",
           printable(path.string()), number, line.size(), kMaxLineBytes);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      offsets_.push_back(static_cast<int64_t>(at));
    at = newline + 1;
  }
  release_pages(files_.back().bytes);
}

const LineIndex::File& LineIndex::file_of(int64_t index) const {
  require(index >= 0 && index < size(), "line {} of {}", index, size());
  const auto after = std::upper_bound(files_.begin(), files_.end(), index,
                                      [](int64_t i, const File& file) { return i < file.first; });
  return *(after - 1);
}

std::string_view LineIndex::line(int64_t index) const {
  return line_at(file_of(index).bytes.text(), static_cast<size_t>(offsets_[index]));
}

std::string LineIndex::where(int64_t index) const {
  const File& file = file_of(index);
  const std::string_view before = file.bytes.text().substr(0, static_cast<size_t>(offsets_[index]));
  return fmt::format("{}:{}", printable(file.path.filename().string()),
                     std::count(before.begin(), before.end(), '\n') + 1);
}

}  // namespace linnet::train
