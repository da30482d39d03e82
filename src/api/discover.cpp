#include <linnet/discover.hpp>
#include <linnet/model.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "api/hub_cache.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"

namespace linnet {
namespace {

namespace fs = std::filesystem;

// As io/checkpoint refuses it.
constexpr uintmax_t kMaxConfig = 64 << 20;

/// The first of config.json's "architectures", whatever else is wrong with the checkpoint.
std::string architecture_of(const fs::path& folder) {
  try {
    const fs::path file = folder / "config.json";
    std::error_code error;
    if (const uintmax_t size = fs::file_size(file, error); error || size > kMaxConfig) return {};
    const Json config = Json::parse_file(file);
    const auto names = config.find("architectures");
    if (!names) return {};
    const std::vector<Json> list = names->elements();
    return list.empty() ? std::string() : printable(list.front().as_string());
  } catch (const Error&) {
    return {};
  }
}

void inspect(FoundModel& model) {
  try {
    const ModelInfo info = inspect_model(model.path);
    model.architecture = info.architecture;
    model.parameters = info.parameters;
    model.stored_bytes = info.stored_bytes;
    model.dtype = info.dtype;
    model.quantization = info.quantization;
    model.supported = true;
  } catch (const Error& error) {
    model.problem = error.what();
    model.architecture = architecture_of(model.path);
  }
}

/// Walks breadth first: every folder once, folders behind links after all others.
class Search {
 public:
  Search(const fs::path& root, const DiscoverOptions& options) : root_(root), options_(options) {}

  std::vector<FoundModel> run() {
    std::error_code error;
    if (fs::directory_iterator(root_, error); error)
      fail(ErrorCode::not_found, "{}: {}", root_.string(), error.message());
    folders_.push_back({.path = root_, .depth = 0});
    while (!folders_.empty() || !links_.empty()) {
      std::deque<Folder>& next = folders_.empty() ? links_ : folders_;
      const Folder folder = std::move(next.front());
      next.pop_front();
      visit(folder);
    }
    std::ranges::sort(models_, {}, [](const FoundModel& model) {
      return std::tuple(std::string_view(model.name), !model.preferred,
                        std::string_view(model.revision), model.path.native());
    });
    return std::move(models_);
  }

 private:
  struct Folder {
    fs::path path;
    int depth;
  };

  void visit(const Folder& folder) {
    std::error_code error;
    const fs::path canonical = fs::canonical(folder.path, error);
    if (error || !visited_.insert(canonical.native()).second) return;
    // A broken link is a config.json that cannot be read, not none.
    if (fs::exists(fs::symlink_status(folder.path / "config.json", error))) {
      add(folder.path, canonical);
      if (folder.depth > 0) return;
    }
    if (folder.depth == options_.max_depth) return;
    // Beside its snapshots a model's folder in a cache holds blobs, as many as there are files.
    if (hub::is_repository(canonical)) {
      folders_.push_back({.path = folder.path / "snapshots", .depth = folder.depth + 1});
      return;
    }
    descend(folder);
  }

  void descend(const Folder& folder) {
    std::vector<fs::path> real;
    std::vector<fs::path> linked;
    std::error_code error;
    for (fs::directory_iterator entry(folder.path, error);
         !error && entry != fs::directory_iterator(); entry.increment(error)) {
      require(++entries_ <= options_.max_entries,
              "{} holds more than {} files and folders: search a folder inside it", root_.string(),
              options_.max_entries);
      const fs::path& path = entry->path();
      std::error_code unreadable;
      if (path.filename().native().starts_with('.') || !entry->is_directory(unreadable)) continue;
      (entry->is_symlink(unreadable) ? linked : real).push_back(path);
    }
    std::ranges::sort(real);
    std::ranges::sort(linked);
    for (fs::path& path : real) folders_.push_back({std::move(path), folder.depth + 1});
    for (fs::path& path : linked) links_.push_back({std::move(path), folder.depth + 1});
  }

  void add(const fs::path& path, const fs::path& canonical) {
    FoundModel model{.path = path};
    if (const auto place = hub::place_of(canonical)) {
      model.name = place->name;
      model.revision = place->revision;
      model.preferred = preferred_revision(place->repository) == place->revision;
    } else {
      const fs::path below = path.lexically_relative(root_);
      model.name = (below.empty() || below == "." ? canonical.filename() : below).string();
    }
    inspect(model);
    models_.push_back(std::move(model));
  }

  /// Looked up once: a repository may have many snapshots.
  const std::string& preferred_revision(const fs::path& repository) {
    const auto [found, fresh] = preferred_.try_emplace(repository.native());
    if (fresh) found->second = hub::preferred_revision(repository);
    return found->second;
  }

  fs::path root_;
  DiscoverOptions options_;
  std::deque<Folder> folders_;
  std::deque<Folder> links_;
  std::set<std::string> visited_;                 // canonical paths
  std::map<std::string, std::string> preferred_;  // by repository
  int64_t entries_ = 0;
  std::vector<FoundModel> models_;
};

/// A variable of the environment that says something.
std::optional<fs::path> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

}  // namespace

std::vector<FoundModel> discover(const fs::path& dir, const DiscoverOptions& options) {
  require(options.max_depth >= 0 && options.max_depth <= 64, "max_depth {} is outside 0..64",
          options.max_depth);
  require(options.max_entries >= 1, "max_entries {} is not positive", options.max_entries);
  return Search(dir, options).run();
}

std::vector<fs::path> default_model_dirs() {
  std::vector<fs::path> dirs;
  const auto add = [&](const fs::path& dir) {
    if (std::ranges::find(dirs, dir) == dirs.end()) dirs.push_back(dir);
  };
  if (const auto cache = variable("HF_HUB_CACHE")) add(*cache);
  if (const auto home = variable("HF_HOME")) add(*home / "hub");
  if (const auto caches = variable("XDG_CACHE_HOME"))
    add(*caches / "huggingface" / "hub");
  else if (const auto home = variable("HOME"))
    add(*home / ".cache" / "huggingface" / "hub");
  return dirs;
}

fs::path find_model(std::string_view name_or_path) {
  const std::vector<fs::path> caches = default_model_dirs();
  return find_model(name_or_path, caches);
}

fs::path find_model(std::string_view name_or_path, std::span<const fs::path> caches) {
  const fs::path folder(name_or_path);
  std::error_code error;
  if (fs::is_directory(folder, error)) return folder;
  const std::optional<std::string> name = hub::folder_name(name_or_path);
  // What is there but no folder, and what can only be a path, is not looked for elsewhere.
  if (!name || fs::exists(folder, error))
    fail(ErrorCode::not_found, "{}: {}", printable(name_or_path),
         fs::exists(folder, error) ? "is not a folder" : "there is no such folder");
  std::string searched;
  for (const fs::path& cache : caches) {
    const fs::path repository = cache / *name;
    const std::string revision = hub::preferred_revision(repository);
    if (!revision.empty()) return repository / "snapshots" / revision;
    searched += (searched.empty() ? "" : ", ") + cache.string();
  }
  fail(ErrorCode::not_found, "{} is no folder here, and no model of that name is in {}",
       printable(name_or_path),
       searched.empty() ? "a Hugging Face cache: none is known" : searched);
}

}  // namespace linnet
