#include "nn/adapter_load.hpp"

#include <algorithm>

#include "base/checksum.hpp"

namespace linnet::nn {

std::string base_identity(std::span<const TensorUse> tensors) {
  std::vector<std::string> lines;
  for (const TensorUse& use : tensors) {
    // Without what stands before the text model's names in a multimodal checkpoint.
    const size_t layers = use.name.find("layers.");
    const std::string name =
        layers == std::string::npos
            ? use.name.substr(use.name.find_last_of('.', use.name.size() - 8) + 1)
            : use.name.substr(layers);
    lines.push_back(fmt::format("{} [{}, {}]\n", name, use.outputs, use.inputs));
  }
  std::ranges::sort(lines);
  Checksum checksum;
  for (const std::string& line : lines) checksum.add(std::as_bytes(std::span(line)));
  return checksum.hex();
}

void check_base(const io::AdapterFile& file, std::string_view identity) {
  require(file.base_checksum.empty() || file.base_checksum == identity,
          "the adapter was trained beside another model ({})", file.base_model);
}

int64_t packed_bytes(const io::AdapterFile& file) {
  int64_t bytes = 0;
  for (const io::AdapterModule& m : file.modules)
    bytes +=
        MemoryPool::class_bytes(ops::PackedMatrix::packed_bytes(DType::f32, m.rank, m.inputs)) +
        MemoryPool::class_bytes(ops::PackedMatrix::packed_bytes(DType::f32, m.outputs, m.rank));
  return bytes;
}

namespace {

std::string key_of(const io::AdapterFile& file) {
  Checksum checksum;
  for (const io::AdapterModule& m : file.modules) {
    checksum.add(fmt::format("{} {} {}x{}\n", m.name, m.rank, m.outputs, m.inputs));
    checksum.add(std::as_bytes(std::span(&m.scale, 1)));
    checksum.add(std::as_bytes(std::span(m.a)));
    checksum.add(std::as_bytes(std::span(m.b)));
  }
  return checksum.hex();
}

}  // namespace

std::shared_ptr<Adapter> load_adapter(const io::AdapterFile& file, std::string name,
                                      const std::vector<Module>& modules, const DevicePtr& device) {
  auto adapter = std::make_shared<Adapter>(std::move(name), key_of(file));
  for (const io::AdapterModule& module : file.modules)
    adapter->add(
        modules, module.name,
        {.a = ops::pack(Array::from(module.a, {module.rank, module.inputs}, device), DType::f32),
         .b = ops::pack(Array::from(module.b, {module.outputs, module.rank}, device), DType::f32),
         .scale = module.scale});
  return adapter;
}

}  // namespace linnet::nn
