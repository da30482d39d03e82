// From an adapter's file to what a model's projections use.
#pragma once

#include <memory>

#include "io/adapter_file.hpp"
#include "nn/adapter.hpp"

namespace linnet::nn {

/// Packs A and B as float32. Errors: invalid_argument naming a module that the model does not have,
/// or both shapes; out_of_memory.
std::shared_ptr<Adapter> load_adapter(const io::AdapterFile& file, std::string name,
                                      const std::vector<Module>& modules, const DevicePtr& device);

}  // namespace linnet::nn
