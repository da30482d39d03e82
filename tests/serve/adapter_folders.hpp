// Adapters on the disk for servers to load.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "api/state.hpp"
#include "io/adapter_file.hpp"
#include "models/registry.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {

/// Folders of adapters for the built-in model that make it say something else.
class AdapterFolders {
 public:
  AdapterFolders() {
    const auto device = Device::cpu({.threads = 1});
    modules_ = models::load(builtin_checkpoint(), device, {.plan_only = true}).modules;
  }

  std::filesystem::path write(const std::string& name, float strength) {
    io::AdapterFile file{.rank = 2, .alpha = 2};
    for (const nn::Module& m : modules_) {
      if (!m.name.ends_with("q_proj") && !m.name.ends_with("down_proj")) continue;
      io::AdapterModule module{.name = m.name, .rank = 2, .inputs = m.inputs, .outputs = m.outputs};
      for (int64_t i = 0; i < 2 * m.inputs; ++i)
        module.a.push_back(std::sin(static_cast<float>(i)));
      for (int64_t i = 0; i < 2 * m.outputs; ++i)
        module.b.push_back(strength * std::cos(static_cast<float>(i)));
      file.modules.push_back(std::move(module));
    }
    io::write_adapter(root() / name, io::AdapterFormat::peft, file);
    return root() / name;
  }
  [[nodiscard]] std::filesystem::path root() const { return folder_.path() / "adapters"; }
  [[nodiscard]] std::filesystem::path outside() const { return folder_.path() / "outside"; }

 private:
  TemporaryFolder folder_;
  std::vector<nn::Module> modules_;
};

}  // namespace linnet::test
