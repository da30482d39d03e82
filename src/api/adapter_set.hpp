// The adapters that a model has beside its weights, by the names that requests choose them by.
#pragma once

#include <linnet/adapter.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/adapter_file.hpp"
#include "nn/adapter.hpp"
#include "nn/weights.hpp"

namespace linnet {

namespace engine {
class Engine;
}

/// What adapters of a model are checked against.
struct AdapterBase {
  std::string identity;             ///< nn::base_identity() of its tensors
  std::vector<nn::Module> modules;  ///< that can be adapted
  int64_t workspace_bytes = 0;      ///< that passes take for adapters, beside what was planned
};

/// Errors: as TextModel::load_adapter, but for its name.
std::shared_ptr<const nn::Adapter> read_adapter(const io::AdapterFile& file,
                                                const AdapterBase& base, std::string name,
                                                const DevicePtr& device);

/// Errors: invalid_argument if it is no name as TextModel::load_adapter takes it.
void check_adapter_name(const std::string& name);

/// What a file says, as inspect_adapter().
AdapterInfo describe(const io::AdapterFile& file);

/// All functions may be called from any thread.
class AdapterSet {
 public:
  using AdapterPtr = std::shared_ptr<const nn::Adapter>;

  /// As TextModel::load_adapter.
  LoadedAdapter load(engine::Engine& engine, const AdapterBase& base, const std::string& name,
                     const std::filesystem::path& folder);
  /// As TextModel::unload_adapter.
  void unload(const std::string& name);
  [[nodiscard]] std::vector<LoadedAdapter> list() const;
  /// Errors: not_found naming those that are there.
  [[nodiscard]] AdapterPtr find(const std::string& name) const;

 private:
  struct Entry {
    LoadedAdapter about;
    AdapterPtr adapter;
    std::shared_ptr<void> workspace;
  };
  std::shared_ptr<void> share_workspace(engine::Engine& engine, const AdapterBase& base);
  [[noreturn]] void fail_not_found(const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::weak_ptr<void> workspace_;
};

}  // namespace linnet
