// Finding models on the disk: what a folder holds, and where the model of a name is.
#pragma once

#include <linnet/error.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {

/// A folder with a config.json. What it says is read from headers alone.
struct FoundModel {
  /// "org/name" in a Hugging Face cache (and what follows the snapshot, if the model lies deeper);
  /// otherwise the path below the folder that was searched, or that folder's own name.
  std::string name;
  std::filesystem::path path;
  std::string revision;  ///< the snapshot's name in a Hugging Face cache; otherwise empty
  /// Whether it is what find_model gives for the name: of several snapshots of a Hugging Face
  /// cache the one that refs/main names (the newest if that is not there); true for all others.
  bool preferred = true;
  bool supported = false;    ///< whether linnet can load it
  std::string problem;       ///< why not: the text of the error
  std::string architecture;  ///< as ModelInfo; if not supported, what config.json says, or empty
  int64_t parameters = 0;    ///< this and what follows: as ModelInfo; 0 or empty if not supported
  int64_t stored_bytes = 0;
  std::string dtype;
  std::string quantization;
};

/// How far discover() looks. Values out of range are ErrorCode::invalid_argument.
struct DiscoverOptions {
  /// Folders below the one that is searched; 0: it alone. A Hugging Face cache takes 3. 0..64.
  int max_depth = 6;
  /// Files and folders that may be looked at, >= 1.
  int64_t max_entries = 100'000;
};

/// The models in a folder and below it, by name and with the preferred revision first. A folder
/// with config.json is a model, and is not searched further unless it is `dir` itself. One that
/// linnet cannot read is listed with the reason. Folders whose names begin with a dot are left out
/// below `dir`, and so are those that may not be read. Links to folders are followed, after all
/// that is no link; each folder counts once, so links may form loops. Errors: not_found if `dir`
/// cannot be read; invalid_argument if it holds more than max_entries: a part of the answer would
/// look like the whole.
std::vector<FoundModel> discover(const std::filesystem::path& dir,
                                 const DiscoverOptions& options = {});

/// The Hugging Face caches that the environment names, whether they exist or not: $HF_HUB_CACHE,
/// $HF_HOME/hub, ~/.cache/huggingface/hub ($XDG_CACHE_HOME instead of ~/.cache if it is set).
std::vector<std::filesystem::path> default_model_dirs();

/// The folder of a model: an existing folder is itself; "org/name", or "name" alone, is looked for
/// in Hugging Face caches, by default those of default_model_dirs(), in order.
/// Errors: not_found, naming the places that were searched.
std::filesystem::path find_model(std::string_view name_or_path);
std::filesystem::path find_model(std::string_view name_or_path,
                                 std::span<const std::filesystem::path> caches);

}  // namespace linnet
