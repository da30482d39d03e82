// From an adapter's file to what a model's projections use.
#pragma once

#include <memory>
#include <string_view>

#include "io/adapter_file.hpp"
#include "nn/adapter.hpp"
#include "nn/weights.hpp"

namespace linnet::nn {

/// What an adapter's base is recognised by, dense or quantised: a checksum over the names and
/// logical shapes of its tensors. (Their numbers are not read.)
std::string base_identity(std::span<const TensorUse> tensors);

/// Errors: invalid_argument if the file says that its base is another one than that of this
/// base_identity().
void check_base(const io::AdapterFile& file, std::string_view identity);

/// Bytes that load_adapter() takes of the device's pool.
int64_t packed_bytes(const io::AdapterFile& file);

/// Packs A and B as float32. The adapter's key is a checksum of what it
/// computes (XXH3: it tells adapters apart, it is no defence against one that was made to collide).
/// Errors: invalid_argument naming a module that the model does not have, or both shapes;
/// out_of_memory.
std::shared_ptr<Adapter> load_adapter(const io::AdapterFile& file, std::string name,
                                      const std::vector<Module>& modules, const DevicePtr& device);

}  // namespace linnet::nn
