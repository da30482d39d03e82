#include "api/adapter_set.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "engine/engine.hpp"
#include "nn/adapter_load.hpp"

namespace linnet {
namespace {

constexpr size_t kMaxName = 128;

void check_name(const std::string& name) {
  const bool known = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  require(known && !name.empty() && name.size() <= kMaxName,
          "an adapter's name is 1 to {} letters, digits, \".\", \"_\" and \"-\", not \"{}\"",
          kMaxName, printable(name));
}

}  // namespace

std::shared_ptr<const nn::Adapter> read_adapter(const io::AdapterFile& file,
                                                const AdapterBase& base, std::string name,
                                                const DevicePtr& device) {
  nn::check_base(file, base.identity);
  return nn::load_adapter(file, std::move(name), base.modules, device);
}

LoadedAdapter AdapterSet::load(engine::Engine& engine, const AdapterBase& base,
                               const std::string& name, const std::filesystem::path& folder) {
  check_name(name);
  const io::AdapterFile file = io::AdapterFile::open(folder);
  /// The room goes back once the adapter has gone.
  struct Hosted {
    std::shared_ptr<void> room;
    AdapterPtr adapter;
  };
  LoadedAdapter about{
      .name = name, .folder = folder, .info = describe(file), .bytes = nn::packed_bytes(file)};
  const auto hosted = std::make_shared<Hosted>();
  hosted->room = engine.reserve(about.bytes);
  hosted->adapter = read_adapter(file, base, name, engine.model().device());
  std::shared_ptr<void> workspace;
  AdapterPtr replaced;  // goes without the mutex
  {
    const std::scoped_lock lock(mutex_);
    workspace = workspace_;
  }
  if (!workspace && base.workspace_bytes > 0) workspace = engine.reserve(base.workspace_bytes);
  const std::scoped_lock lock(mutex_);
  if (!workspace_) workspace_ = std::move(workspace);
  Entry& entry = entries_[name];
  replaced = std::move(entry.adapter);
  entry = {.about = about, .adapter = AdapterPtr(hosted, hosted->adapter.get())};
  return about;
}

void AdapterSet::unload(const std::string& name) {
  AdapterPtr removed;  // goes without the mutex
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_not_found(name);
  removed = std::move(found->second.adapter);
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
