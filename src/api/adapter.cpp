// Adapters' folders: what they are, other forms, and weights with an adapter added.
#include <linnet/adapter.hpp>

#include <unordered_map>
#include <unordered_set>

#include "api/companion_files.hpp"
#include "api/state.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "io/adapter_file.hpp"
#include "io/checkpoint_writer.hpp"
#include "models/registry.hpp"
#include "nn/adapter_load.hpp"
#include "nn/stored_array.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/matmul.hpp"
#include "ops/quantize.hpp"

namespace linnet {
namespace {

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
    nn::find_module(base.modules, module.name, module.outputs, module.inputs);
    result[prefix + module.name + ".weight"] = &module;
  }
  return result;
}

/// W + scale B A, rounded once to `dtype`.
Array merged(const Array& w, const io::AdapterModule& m, DType dtype) {
  const Array a = Array::from(m.a, {m.rank, m.inputs}, w.device());
  const Array b = Array::from(m.b, {m.outputs, m.rank}, w.device());
  const Array sum = ops::add(ops::astype(w, DType::f32), ops::mul(ops::matmul(b, a), m.scale));
  return ops::astype(sum, dtype);
}

/// The merged tensors in the base's own forms, one module at a time.
class Merger {
 public:
  Merger(const io::Checkpoint& checkpoint, const models::LoadedModel& base,
         const io::AdapterFile& adapter, io::CheckpointWriter& writer, DevicePtr device)
      : checkpoint_(checkpoint),
        modules_(by_tensor(adapter, base)),
        writer_(writer),
        device_(std::move(device)) {
    for (const nn::TensorUse& use : base.tensors) uses_.emplace(use.name, &use);
    for (const auto& [name, module] : modules_)
      if (const nn::TensorUse& use = *uses_.at(name); use.stored)
        for (const char* end : {".scales", ".biases"})
          written_with_weight_.insert(std::string(use.module()) + end);
  }

  void run() {
    for (const std::string_view name : checkpoint_.tensor_names()) {
      if (written_with_weight_.contains(std::string(name))) continue;
      const io::StoredTensor tensor = *checkpoint_.find(name);
      const auto module = modules_.find(std::string(name));
      if (module == modules_.end()) {
        writer_.write(name, tensor.bytes.view);
      } else if (const nn::TensorUse& use = *uses_.at(module->first); use.stored) {
        merge_quantized(tensor, use, *module->second);
      } else {
        const Array w = nn::as_array(tensor, device_);
        writer_.write(name, merged(w, *module->second, w.dtype()).bytes());
      }
      release_pages(tensor.bytes);
    }
  }

 private:
  /// What the integers stand for, with the adapter, is rounded to the type of the scales, as the
  /// weights were that MLX quantised, and quantised as before.
  void merge_quantized(const io::StoredTensor& words, const nn::TensorUse& use,
                       const io::AdapterModule& module) {
    const std::string name(use.module());
    const io::StoredTensor scales = *checkpoint_.find(name + ".scales");
    const io::StoredTensor biases = *checkpoint_.find(name + ".biases");
    const Array w = ops::dequantize({nn::as_array(words, device_), nn::as_array(scales, device_),
                                     nn::as_array(biases, device_)},
                                    use.stored);
    const ops::QuantizedRows rows =
        ops::quantize(merged(w, module, *io::to_dtype(scales.dtype)), use.stored);
    writer_.write(use.name, rows.words.bytes());
    writer_.write(scales.name, rows.scales.bytes());
    writer_.write(biases.name, rows.biases.bytes());
    release_pages(scales.bytes);
    release_pages(biases.bytes);
  }

  const io::Checkpoint& checkpoint_;
  std::unordered_map<std::string, const io::AdapterModule*> modules_;
  std::unordered_map<std::string, const nn::TensorUse*> uses_;
  std::unordered_set<std::string> written_with_weight_;
  io::CheckpointWriter& writer_;
  DevicePtr device_;
};

}  // namespace

AdapterInfo describe(const io::AdapterFile& file) {
  AdapterInfo info{.format = std::string(to_string(file.format)),
                   .base_model = file.base_model,
                   .rank = file.rank,
                   .alpha = file.alpha,
                   .rslora = file.rslora,
                   .targets = file.targets(),
                   .modules = static_cast<int64_t>(file.modules.size())};
  for (const io::AdapterModule& module : file.modules)
    info.parameters += module.rank * (module.inputs + module.outputs);
  return info;
}

AdapterInfo inspect_adapter(const std::filesystem::path& folder) {
  return describe(io::AdapterFile::open(folder, io::AdapterParts::shapes));
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
  const io::AdapterFile file = io::AdapterFile::open(adapter);
  const DevicePtr device = Device::cpu({.threads = options.threads});
  const models::LoadedModel planned = models::load(checkpoint, device, {.plan_only = true});
  nn::check_base(file, nn::base_identity(planned.tensors));
  std::vector<io::TensorSpec> specs;
  for (const std::string_view name : checkpoint.tensor_names()) {
    const io::StoredTensor tensor = *checkpoint.find(name);
    specs.push_back({std::string(name), tensor.dtype, {tensor.shape.begin(), tensor.shape.end()}});
  }
  const bool quantized = io::QuantizationConfig::read(checkpoint.config()).defined();
  io::CheckpointWriter writer(
      to, std::move(specs),
      {.metadata = {{"format", quantized ? "mlx" : "pt"}}, .replace = options.replace});
  Merger(checkpoint, planned, file, writer, device).run();
  copy_companions(checkpoint, writer);
  writer.add_file("config.json", checkpoint.file("config.json")->text());
  writer.commit();
}

}  // namespace linnet
