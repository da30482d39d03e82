#include "nn/adapter_load.hpp"

namespace linnet::nn {

std::shared_ptr<Adapter> load_adapter(const io::AdapterFile& file, std::string name,
                                      const std::vector<Module>& modules, const DevicePtr& device) {
  auto adapter = std::make_shared<Adapter>(std::move(name));
  for (const io::AdapterModule& module : file.modules)
    adapter->add(
        modules, module.name,
        {.a = ops::pack(Array::from(module.a, {module.rank, module.inputs}, device), DType::f32),
         .b = ops::pack(Array::from(module.b, {module.outputs, module.rank}, device), DType::f32),
         .scale = module.scale});
  return adapter;
}

}  // namespace linnet::nn
