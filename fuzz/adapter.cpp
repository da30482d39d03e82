// Any bytes as an adapter's folder, adapter_config.json, a zero byte and the file of tensors: an
// Error, or an adapter whose numbers have the shapes that it says, the same shapes as are read
// without the numbers.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "check.hpp"
#include "io/adapter_file.hpp"
#include "io/safetensors.hpp"

namespace {

using namespace linnet;

void check_module(const io::AdapterModule& module, const io::AdapterModule& shape) {
  const auto size = [](const std::vector<float>& values) {
    return static_cast<int64_t>(values.size());
  };
  fuzz::check(module.rank > 0, "a rank is positive");
  fuzz::check(std::isfinite(module.scale) && module.scale >= 0, "a scale is a number");
  fuzz::check(size(module.a) == module.rank * module.inputs, "A is [r, K]");
  fuzz::check(size(module.b) == module.outputs * module.rank, "B is [N, r]");
  fuzz::check(module.name == shape.name && module.rank == shape.rank &&
                  module.inputs == shape.inputs && module.outputs == shape.outputs &&
                  module.scale == shape.scale,
              "shapes are the same with and without the numbers");
  fuzz::check(shape.a.empty() && shape.b.empty(), "shapes are read without the numbers");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  if (end == std::string_view::npos) return 0;
  try {
    const Json config = Json::parse(input.substr(0, end), "adapter_config.json");
    const std::string_view rest = input.substr(end + 1);
    const auto tensors = io::SafetensorsFile::from_bytes(
        {.view = std::as_bytes(std::span(rest)), .owner = nullptr}, "the tensors");
    const auto adapter = io::AdapterFile::parse(config, tensors);
    const auto shapes = io::AdapterFile::parse(config, tensors, io::AdapterParts::shapes);
    fuzz::check(!adapter.modules.empty(), "an adapter has modules");
    fuzz::check(!adapter.targets().empty(), "an adapter has targets");
    fuzz::check(adapter.modules.size() == shapes.modules.size(), "modules are found by shapes");
    for (size_t i = 0; i < adapter.modules.size(); ++i)
      check_module(adapter.modules[i], shapes.modules[i]);
  } catch (const Error&) {
  }
  return 0;
}
