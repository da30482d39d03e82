#include "api/adapter_set.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "engine/engine.hpp"
#include "nn/adapter_load.hpp"

namespace linnet {
namespace {

constexpr size_t kMaxName = 128;

/// Whether it fits the model, by its shapes alone.
void check_fits(const io::AdapterFile& shapes, const AdapterBase& base) {
  nn::check_base(shapes, base.identity);
  for (const io::AdapterModule& module : shapes.modules)
    nn::find_module(base.modules, module.name, module.outputs, module.inputs);
}

}  // namespace

void check_adapter_name(const std::string& name) {
  const bool known = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  require(known && !name.empty() && name.size() <= kMaxName,
          "an adapter's name is 1 to {} letters, digits, \".\", \"_\" and \"-\", not \"{}\"",
          kMaxName, printable(name));
}

std::shared_ptr<const nn::Adapter> read_adapter(const io::AdapterFile& file,
                                                const AdapterBase& base, std::string name,
                                                const DevicePtr& device) {
  nn::check_base(file, base.identity);
  return nn::load_adapter(file, std::move(name), base.modules, device);
}

LoadedAdapter AdapterSet::load(engine::Engine& engine, const AdapterBase& base,
                               const std::string& name, const std::filesystem::path& folder) {
  check_adapter_name(name);
  // What does not fit is refused before anything makes room for it, or is read.
  const auto shapes = io::AdapterFile::open(folder, io::AdapterParts::shapes);
  check_fits(shapes, base);
  const std::shared_ptr<void> workspace = share_workspace(engine, base);
  /// The room goes back once the adapter has gone.
  struct Hosted {
    std::shared_ptr<void> room;
    AdapterPtr adapter;
  };
  const auto hosted = std::make_shared<Hosted>();
  const int64_t bytes = nn::packed_bytes(shapes);
  hosted->room = engine.scheduler().reserve(bytes);
  const auto file = io::AdapterFile::open(folder);
  require(nn::packed_bytes(file) == bytes, "{} has changed while it was being loaded",
          folder.string());
  hosted->adapter = read_adapter(file, base, name, engine.model().device());
  Entry entry{.about = {.name = name, .folder = folder, .info = describe(file), .bytes = bytes},
              .adapter = AdapterPtr(hosted, hosted->adapter.get()),
              .workspace = workspace};
  LoadedAdapter about = entry.about;
  {
    const std::scoped_lock lock(mutex_);
    std::swap(entries_[name], entry);
  }
  return about;  // the one that was there goes without the mutex
}

/// Of passes with adapters: the same for all, and as long as there is one.
std::shared_ptr<void> AdapterSet::share_workspace(engine::Engine& engine, const AdapterBase& base) {
  {
    const std::scoped_lock lock(mutex_);
    if (auto shared = workspace_.lock()) return shared;
  }
  auto workspace = engine.scheduler().reserve(base.workspace_bytes);
  const std::scoped_lock lock(mutex_);
  if (auto shared = workspace_.lock()) return shared;
  workspace_ = workspace;
  return workspace;
}

void AdapterSet::unload(const std::string& name) {
  Entry removed;  // goes without the mutex
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_not_found(name);
  removed = std::move(found->second);
  entries_.erase(found);
}

std::vector<LoadedAdapter> AdapterSet::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LoadedAdapter> result;
  for (const auto& [name, entry] : entries_) result.push_back(entry.about);
  return result;
}

AdapterSet::AdapterPtr AdapterSet::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_not_found(name);
  return found->second.adapter;
}

void AdapterSet::fail_not_found(const std::string& name) const {
  std::string known;
  for (const auto& [other, entry] : entries_) known += (known.empty() ? "" : ", ") + other;
  fail(ErrorCode::not_found, "there is no adapter \"{}\"; loaded: {}", printable(name),
       known.empty() ? "none" : known);
}

}  // namespace linnet
