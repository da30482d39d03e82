#include "api/hub_cache.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

namespace linnet::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr std::string_view kSnapshots = "snapshots";
// A commit has 40 characters, a branch's name hardly more.
constexpr size_t kMaxRevision = 256;
// Of snapshots that are compared when refs/main says nothing.
constexpr int kMaxSnapshots = 1000;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_name_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && part.find("--") == part.npos &&
         std::ranges::all_of(part, is_name_character);
}

bool is_folder(const fs::path& path) {
  std::error_code absent;
  return fs::is_directory(path, absent);
}

/// What refs/main holds, if that is the name of something.
std::string main_revision(const fs::path& repository) {
  const fs::path file = repository / "refs" / "main";
  std::error_code absent;
  if (!fs::is_regular_file(file, absent)) return {};
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMaxRevision + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  if (text.size() > kMaxRevision || !is_name_part(text)) return {};
  return text;
}

}  // namespace

bool is_repository(const fs::path& folder) {
  return folder.filename().string().starts_with(kPrefix) && is_folder(folder / kSnapshots);
}

std::optional<std::string> folder_name(std::string_view model) {
  const size_t slash = model.find('/');
  if (slash == model.npos)
    return is_name_part(model) ? std::optional(std::string(kPrefix) + std::string(model))
                               : std::nullopt;
  const std::string_view organisation = model.substr(0, slash);
  const std::string_view name = model.substr(slash + 1);
  if (!is_name_part(organisation) || !is_name_part(name)) return std::nullopt;
  return std::string(kPrefix) + std::string(organisation) + "--" + std::string(name);
}

std::optional<Place> place_of(const fs::path& folder) {
  const std::vector<fs::path> parts(folder.begin(), folder.end());
  for (size_t i = parts.size(); i-- > 2;) {
    const std::string repository = parts[i - 2].string();
    if (parts[i].empty() || parts[i - 1] != kSnapshots || !repository.starts_with(kPrefix))
      continue;
    Place place{.name = repository.substr(kPrefix.size()), .revision = parts[i].string()};
    for (size_t at = place.name.find("--"); at != std::string::npos; at = place.name.find("--", at))
      place.name.replace(at, 2, "/");
    for (size_t part = 0; part + 2 <= i; ++part) place.repository /= parts[part];
    for (size_t part = i + 1; part < parts.size(); ++part)
      if (!parts[part].empty()) place.name += "/" + parts[part].string();
    return place;
  }
  return std::nullopt;
}

std::string preferred_revision(const fs::path& repository) {
  const fs::path snapshots = repository / kSnapshots;
  const std::string main = main_revision(repository);
  if (!main.empty() && is_folder(snapshots / main)) return main;
  std::string newest;
  fs::file_time_type newest_time;
  std::error_code error;
  fs::directory_iterator entry(snapshots, error);
  for (int count = 0; !error && entry != fs::directory_iterator() && count < kMaxSnapshots;
       entry.increment(error), ++count) {
    std::error_code unreadable;
    if (!entry->is_directory(unreadable)) continue;
    const fs::file_time_type time = entry->last_write_time(unreadable);
    if (unreadable) continue;
    const std::string name = entry->path().filename().string();
    // Of two that were written at once, always the same.
    if (newest.empty() || time > newest_time || (time == newest_time && name > newest)) {
      newest = name;
      newest_time = time;
    }
  }
  return newest;
}

}  // namespace linnet::hub
