// What models can be computed on, by name.
#pragma once

#include <linnet/model.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {

/// What a backend is, at the time of asking.
struct BackendInfo {
  std::string name = {};
  std::string description = {};  ///< of the hardware, such as the processor's name
  bool available = false;
  std::string reason = {};             ///< why it is not available; otherwise empty
  int64_t total_memory_bytes = 0;      ///< that it may work with; 0: not known
  int64_t available_memory_bytes = 0;  ///< of these, not in use; 0: not known
  std::string instruction_set = {};    ///< that its kernels use
  int cores = 0;
};

/// A way to load models. Both functions may be called from any thread.
struct Backend {
  std::function<BackendInfo()> info;  ///< its name is set by the registry
  /// Loads a model; LoadOptions::device is empty. Errors: as load_model.
  std::function<TextModel(const std::filesystem::path& folder, const LoadOptions& options)> load;
};

/// Backends by name: "cpu", linnet's own, and what the program adds. A value: there is no registry
/// of the process, so a library that uses linnet changes nothing for another. A program that adds
/// one gives a name to a way of its own to come to a TextModel (with other defaults, from an
/// archive). Threads: any number may read; register_backend and set_default must be alone.
class BackendRegistry {
 public:
  /// With "cpu", which is the default.
  BackendRegistry();

  /// Errors: invalid_argument if the name is taken or is not 1 to 64 of a-z 0-9 . _ - or a function
  /// is missing.
  void register_backend(const std::string& name, Backend backend);
  /// Errors: invalid_argument for an unknown name, naming those there are.
  void set_default(std::string_view name);
  [[nodiscard]] const std::string& default_name() const noexcept { return default_; }

  /// Errors: invalid_argument for an unknown name, naming those there are. A backend whose info()
  /// throws a linnet::Error is not available for that reason.
  [[nodiscard]] BackendInfo get(std::string_view name) const;
  /// All of them, by name.
  [[nodiscard]] std::vector<BackendInfo> list() const;

  /// Loads a model with the backend of that name; empty: LoadOptions::device, or else the default.
  /// Errors: invalid_argument for an unknown name, or if LoadOptions::device names another; device
  /// if the backend is not available; otherwise those of the backend.
  [[nodiscard]] TextModel load(std::string_view name, const std::filesystem::path& folder,
                               const LoadOptions& options = {}) const;

 private:
  [[nodiscard]] const Backend& require_backend(std::string_view name) const;

  std::map<std::string, Backend, std::less<>> backends_;
  std::string default_;
};

}  // namespace linnet
