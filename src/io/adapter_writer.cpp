#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "io/adapter_file.hpp"
#include "io/safetensors_writer.hpp"
#include "io/transposed.hpp"

namespace linnet::io {
namespace {

constexpr std::string_view kLayers = "layers.";

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

/// The text model's modules stand below "model", the head beside it.
std::string full_name(const AdapterModule& module) {
  return module.name == "lm_head" ? module.name : "model." + module.name;
}

double root_of(const AdapterFile& adapter, int64_t rank) {
  const auto r = static_cast<double>(rank);
  return adapter.rslora ? std::sqrt(r) : r;
}

nlohmann::ordered_json number(double value) {
  // As Python writes an int where it has one.
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::abs(value) < kExact && value == std::trunc(value)) return static_cast<int64_t>(value);
  return value;
}

/// PEFT's fields in its order (by name), with its values for what is not used.
std::string peft_config(const AdapterFile& adapter) {
  nlohmann::ordered_json alphas = nlohmann::ordered_json::object();
  nlohmann::ordered_json ranks = nlohmann::ordered_json::object();
  for (const AdapterModule& m : adapter.modules) {
    const double root = root_of(adapter, m.rank);
    if (m.rank != adapter.rank) ranks[full_name(m)] = m.rank;
    if (m.scale != static_cast<float>(adapter.alpha / root))
      alphas[full_name(m)] = number(static_cast<double>(m.scale) * root);
  }
  nlohmann::ordered_json config;
  config["alpha_pattern"] = alphas;
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
  config["lora_alpha"] = number(adapter.alpha);
  config["lora_bias"] = false;
  config["lora_dropout"] = adapter.dropout;
  config["modules_to_save"] = nullptr;
  config["peft_type"] = "LORA";
  config["r"] = adapter.rank;
  config["rank_pattern"] = ranks;
  config["revision"] = nullptr;
  config["target_modules"] = adapter.targets();
  config["task_type"] = "CAUSAL_LM";
  config["use_dora"] = false;
  config["use_rslora"] = adapter.rslora;
  return config.dump(2);
}

std::string mlx_config(const AdapterFile& adapter) {
  std::vector<std::string> keys;  // names inside a layer, or of what stands beside the layers
  for (const AdapterModule& module : adapter.modules) {
    std::string key = full_name(module);
    if (module.name.starts_with(kLayers)) {
      const size_t dot = module.name.find('.', kLayers.size());
      require(dot != std::string::npos, "the adapter's module {} is no part of a layer",
              module.name);
      key = module.name.substr(dot + 1);
    }
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  nlohmann::ordered_json config;
  config["fine_tune_type"] = "lora";
  config["lora_parameters"] = {{"dropout", adapter.dropout},
                               {"keys", keys},
                               {"rank", adapter.rank},
                               {"scale", static_cast<double>(adapter.modules.front().scale)}};
  config["model"] = adapter.base_model;
  // mlx-lm counts layers from the last one and leaves out tensors of others without a word; below
  // 1 it takes all. Where there is no tensor, its B is zero.
  config["num_layers"] = -1;
  return config.dump(4);
}

void check(const AdapterFile& adapter, AdapterFormat format) {
  require(!adapter.modules.empty(), "an adapter without modules");
  for (const AdapterModule& module : adapter.modules) {
    require(format == AdapterFormat::peft ||
                (module.rank == adapter.rank && module.scale == adapter.modules.front().scale),
            "{} has rank {} and scale {}, the adapter {} and {}: MLX's form has one of each",
            module.name, module.rank, module.scale, adapter.rank, adapter.modules.front().scale);
    require(static_cast<int64_t>(module.a.size()) == module.rank * module.inputs &&
                static_cast<int64_t>(module.b.size()) == module.rank * module.outputs,
            "{} has {} and {} numbers for [{}, {}] and [{}, {}]", module.name, module.a.size(),
            module.b.size(), module.rank, module.inputs, module.outputs, module.rank);
  }
}

}  // namespace

void write_adapter(const std::filesystem::path& folder, AdapterFormat format,
                   const AdapterFile& adapter) {
  check(adapter, format);
  const bool peft = format == AdapterFormat::peft;
  const std::filesystem::path config = folder / "adapter_config.json";
  const std::string config_text = peft ? peft_config(adapter) : mlx_config(adapter);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorCode::device, "{} cannot be made: {}", folder.string(), error.message());
  const auto a_name = [&](const AdapterModule& m) {
    return peft ? "base_model.model." + full_name(m) + ".lora_A.weight" : full_name(m) + ".lora_a";
  };
  const auto b_name = [&](const AdapterModule& m) {
    return peft ? "base_model.model." + full_name(m) + ".lora_B.weight" : full_name(m) + ".lora_b";
  };
  std::vector<const AdapterModule*> modules;
  for (const AdapterModule& module : adapter.modules) modules.push_back(&module);
  // By name, as both libraries sort them.
  std::ranges::sort(modules, {}, [](const AdapterModule* m) { return full_name(*m); });
  std::vector<TensorSpec> specs;
  for (const AdapterModule* m : modules) {
    const std::vector<int64_t> a{m->rank, m->inputs};
    const std::vector<int64_t> b{m->outputs, m->rank};
    specs.push_back({a_name(*m), StoredDType::f32, peft ? a : std::vector{a[1], a[0]}});
    specs.push_back({b_name(*m), StoredDType::f32, peft ? b : std::vector{b[1], b[0]}});
  }
  std::map<std::string, std::string> metadata{{"format", peft ? "pt" : "mlx"}};
  if (!adapter.base_checksum.empty()) metadata["linnet_base"] = adapter.base_checksum;
  SafetensorsWriter writer(folder / tensors_name(format), std::move(specs), metadata);
  for (const AdapterModule* m : modules) {
    writer.write(a_name(*m), bytes_of(peft ? m->a : transposed(m->a, m->rank, m->inputs)));
    writer.write(b_name(*m), bytes_of(peft ? m->b : transposed(m->b, m->outputs, m->rank)));
  }
  AtomicFile file(config);
  file.write(config_text);
  std::filesystem::remove(config, error);
  if (error) fail(ErrorCode::device, "{} cannot be replaced: {}", config.string(), error.message());
  writer.commit();
  file.commit();
}

}  // namespace linnet::io
