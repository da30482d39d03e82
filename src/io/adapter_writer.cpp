#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "io/adapter_file.hpp"
#include "io/safetensors_writer.hpp"

namespace linnet::io {
namespace {

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

/// PEFT's fields in its order (by name), with its values for what is not used.
std::string peft_config(const AdapterFile& adapter) {
  nlohmann::ordered_json config;
  config["alpha_pattern"] = nlohmann::ordered_json::object();
  config["auto_mapping"] = nullptr;
  config["base_model_name_or_path"] = adapter.base_model;
  config["bias"] = "none";
  config["exclude_modules"] = nullptr;
  config["fan_in_fan_out"] = false;
  config["inference_mode"] = true;
  config["init_lora_weights"] = true;
  config["layer_replication"] = nullptr;
  config["layers_pattern"] = nullptr;
  config["layers_to_transform"] = nullptr;
  config["lora_alpha"] = adapter.alpha;
  if (adapter.alpha == static_cast<double>(static_cast<int64_t>(adapter.alpha)))
    config["lora_alpha"] = static_cast<int64_t>(adapter.alpha);
  config["lora_bias"] = false;
  config["lora_dropout"] = adapter.dropout;
  config["modules_to_save"] = nullptr;
  config["peft_type"] = "LORA";
  config["r"] = adapter.rank;
  config["rank_pattern"] = nlohmann::ordered_json::object();
  config["revision"] = nullptr;
  config["target_modules"] = adapter.targets();
  config["task_type"] = "CAUSAL_LM";
  config["use_dora"] = false;
  config["use_rslora"] = adapter.rslora;
  return config.dump(2);
}

std::string mlx_config(const AdapterFile& adapter) {
  int64_t layers = 0;
  std::vector<std::string> keys;
  for (const AdapterModule& module : adapter.modules) {
    constexpr std::string_view kLayers = "layers.";
    if (!module.name.starts_with(kLayers)) continue;
    const size_t dot = module.name.find('.', kLayers.size());
    layers = std::max<int64_t>(layers, std::stoll(module.name.substr(kLayers.size())) + 1);
    const std::string key = module.name.substr(dot + 1);
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  nlohmann::ordered_json config;
  config["fine_tune_type"] = "lora";
  config["lora_parameters"] = {{"dropout", adapter.dropout},
                               {"keys", keys},
                               {"rank", adapter.rank},
                               {"scale", static_cast<double>(adapter.modules.front().scale)}};
  config["model"] = adapter.base_model;
  config["num_layers"] = layers;
  return config.dump(4);
}

std::vector<float> transposed(const std::vector<float>& from, int64_t rows, int64_t columns) {
  std::vector<float> to(from.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      to[static_cast<size_t>(j * rows + i)] = from[static_cast<size_t>(i * columns + j)];
  return to;
}

void check(const AdapterFile& adapter) {
  require(!adapter.modules.empty(), "an adapter without modules");
  for (const AdapterModule& module : adapter.modules) {
    require(module.rank == adapter.rank && module.scale == adapter.modules.front().scale,
            "{} has rank {} and scale {}, the adapter {} and {}", module.name, module.rank,
            module.scale, adapter.rank, adapter.modules.front().scale);
    require(static_cast<int64_t>(module.a.size()) == module.rank * module.inputs &&
                static_cast<int64_t>(module.b.size()) == module.rank * module.outputs,
            "{} has {} and {} numbers for [{}, {}] and [{}, {}]", module.name, module.a.size(),
            module.b.size(), module.rank, module.inputs, module.outputs, module.rank);
  }
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

void write_adapter(const std::filesystem::path& folder, AdapterFormat format,
                   const AdapterFile& adapter) {
  check(adapter);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorCode::device, "{} cannot be made: {}", folder.string(), error.message());
  const bool peft = format == AdapterFormat::peft;
  const auto a_name = [&](const AdapterModule& m) {
    return peft ? "base_model.model.model." + m.name + ".lora_A.weight"
                : "model." + m.name + ".lora_a";
  };
  const auto b_name = [&](const AdapterModule& m) {
    return peft ? "base_model.model.model." + m.name + ".lora_B.weight"
                : "model." + m.name + ".lora_b";
  };
  std::vector<const AdapterModule*> modules;
  for (const AdapterModule& module : adapter.modules) modules.push_back(&module);
  // By name, as both libraries sort them.
  std::ranges::sort(modules, {}, [](const AdapterModule* m) { return std::string_view(m->name); });
  std::vector<TensorSpec> specs;
  for (const AdapterModule* m : modules) {
    const std::vector<int64_t> a{m->rank, m->inputs};
    const std::vector<int64_t> b{m->outputs, m->rank};
    specs.push_back({a_name(*m), StoredDType::f32, peft ? a : std::vector{a[1], a[0]}});
    specs.push_back({b_name(*m), StoredDType::f32, peft ? b : std::vector{b[1], b[0]}});
  }
  std::map<std::string, std::string> metadata{{"format", peft ? "pt" : "mlx"}};
  if (!adapter.base_checksum.empty()) metadata["linnet_base"] = adapter.base_checksum;
  SafetensorsWriter writer(folder / (peft ? "adapter_model.safetensors" : "adapters.safetensors"),
                           std::move(specs), metadata);
  for (const AdapterModule* m : modules) {
    writer.write(a_name(*m), bytes_of(peft ? m->a : transposed(m->a, m->rank, m->inputs)));
    writer.write(b_name(*m), bytes_of(peft ? m->b : transposed(m->b, m->outputs, m->rank)));
  }
  writer.commit();
  write_text(folder / "adapter_config.json", peft ? peft_config(adapter) : mlx_config(adapter));
}

}  // namespace linnet::io
