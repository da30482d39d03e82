// Adapters' folders: what they are, other forms, and weights with an adapter added.
#include <linnet/train.hpp>

#include <algorithm>
#include <unordered_map>

#include "api/companion_files.hpp"
#include "api/state.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "io/adapter_file.hpp"
#include "io/checkpoint_writer.hpp"
#include "models/registry.hpp"
#include "nn/adapter_load.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/matmul.hpp"

namespace linnet {
namespace {

std::span<const std::byte> bytes_of(const Array& x) {
  return {static_cast<const std::byte*>(x.view().data), static_cast<size_t>(x.nbytes())};
}

/// What stands before "layers." in the names of the text model's tensors.
std::string prefix_of(const models::LoadedModel& base) {
  for (const nn::TensorUse& use : base.tensors)
    if (const size_t at = use.name.find("layers."); at != std::string::npos)
      return use.name.substr(0, at);
  return "";
}

/// The adapter's modules by the name of the base's tensor. Errors: invalid_argument naming what
/// does not fit.
std::unordered_map<std::string, const io::AdapterModule*> by_tensor(
    const io::AdapterFile& adapter, const models::LoadedModel& base) {
  const std::string prefix = prefix_of(base);
  std::unordered_map<std::string, const io::AdapterModule*> result;
  for (const io::AdapterModule& module : adapter.modules) {
    const auto found = std::ranges::find(base.modules, module.name, &nn::Module::name);
    require(found != base.modules.end(), "the adapter is for {}, which the base does not have",
            module.name);
    require(found->inputs == module.inputs && found->outputs == module.outputs,
            "the adapter has {} [{}, {}], the base [{}, {}]", module.name, module.outputs,
            module.inputs, found->outputs, found->inputs);
    result[prefix + module.name + ".weight"] = &module;
  }
  return result;
}

/// W + scale B A, of W's type.
Array merged(const io::StoredTensor& tensor, const io::AdapterModule& m, const DevicePtr& device) {
  const Array w = Array::over(io::aligned_bytes(tensor.bytes, tensor.dtype), {m.outputs, m.inputs},
                              *io::to_dtype(tensor.dtype), device);
  const Array a = Array::from(m.a, {m.rank, m.inputs}, device);
  const Array b = Array::from(m.b, {m.outputs, m.rank}, device);
  const Array sum = ops::add(ops::astype(w, DType::f32), ops::mul(ops::matmul(b, a), m.scale));
  return ops::astype(sum, w.dtype());
}

}  // namespace

AdapterInfo inspect_adapter(const std::filesystem::path& folder) {
  const io::AdapterFile file = io::AdapterFile::open(folder);
  AdapterInfo info{.format = std::string(to_string(file.format)),
                   .base_model = file.base_model,
                   .rank = file.rank,
                   .alpha = file.alpha,
                   .rslora = file.rslora,
                   .targets = file.targets(),
                   .modules = static_cast<int64_t>(file.modules.size())};
  for (const io::AdapterModule& module : file.modules)
    info.parameters += static_cast<int64_t>(module.a.size() + module.b.size());
  return info;
}

void convert_adapter(const std::filesystem::path& from, const std::filesystem::path& to,
                     const std::string& format) {
  require(format == "peft" || format == "mlx", "an adapter's form is peft or mlx, not \"{}\"",
          format);
  std::error_code ignored;
  require(!std::filesystem::equivalent(from, to, ignored), "{} cannot take the place of its source",
          to.string());
  io::write_adapter(to, format == "peft" ? io::AdapterFormat::peft : io::AdapterFormat::mlx,
                    io::AdapterFile::open(from));
}

void merge_adapter(const std::filesystem::path& base, const std::filesystem::path& adapter,
                   const std::filesystem::path& to, const MergeOptions& options) {
  require(options.threads >= 0 && options.threads <= 4096, "threads {} is outside 0..4096",
          options.threads);
  const io::Checkpoint checkpoint = io::Checkpoint::open(base);
  std::error_code ignored;
  require(!std::filesystem::equivalent(base, to, ignored), "{} cannot take the place of its base",
          to.string());
  if (io::QuantizationConfig::read(checkpoint.config()).defined())
    fail(ErrorCode::unsupported,
         "{} is quantised; merge into its dense checkpoint and quantise that", checkpoint.name());
  const io::AdapterFile file = io::AdapterFile::open(adapter);
  const DevicePtr device = Device::cpu({.threads = options.threads});
  const models::LoadedModel planned = models::load(checkpoint, device, {.plan_only = true});
  nn::check_base(file, planned.tensors);
  const auto modules = by_tensor(file, planned);
  std::vector<io::TensorSpec> specs;
  for (const std::string_view name : checkpoint.tensor_names()) {
    const io::StoredTensor tensor = *checkpoint.find(name);
    specs.push_back({std::string(name), tensor.dtype, {tensor.shape.begin(), tensor.shape.end()}});
  }
  io::CheckpointWriter writer(to, std::move(specs), {.replace = options.replace});
  for (const std::string_view name : checkpoint.tensor_names()) {
    const io::StoredTensor tensor = *checkpoint.find(name);
    const auto module = modules.find(std::string(name));
    if (module == modules.end())
      writer.write(name, tensor.bytes.view);
    else
      writer.write(name, bytes_of(merged(tensor, *module->second, device)));
    release_pages(tensor.bytes);
  }
  for (const io::CheckpointFile& copied : checkpoint.files())
    if (is_companion(copied.name) || copied.name == "config.json")
      writer.add_file(copied.name, checkpoint.file(copied.name)->text());
  writer.commit();
}

}  // namespace linnet
