// The layout of a Hugging Face cache: models--org--name/{refs/main, blobs/*, snapshots/REVISION/*},
// the files of a snapshot being links to blobs, refs/main the revision that the branch was at.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace linnet::hub {

/// Whether the folder is a model's folder in such a cache.
bool is_repository(const std::filesystem::path& folder);

/// "models--org--name" for "org/name"; nothing if that cannot be a model's name there.
std::optional<std::string> folder_name(std::string_view model);

/// Where a folder lies in such a cache, by its path alone.
struct Place {
  std::filesystem::path repository;
  std::string name;  // "org/name", and what follows the snapshot
  std::string revision;
};
std::optional<Place> place_of(const std::filesystem::path& folder);

/// The snapshot to use: that of refs/main if it is there, else the one that was written last; empty
/// if there is none.
std::string preferred_revision(const std::filesystem::path& repository);

}  // namespace linnet::hub
