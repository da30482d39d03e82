// What a training run leaves behind.
#include <nlohmann/json.hpp>

#include "api/companion_files.hpp"
#include "api/train_state.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "io/adapter_file.hpp"
#include "io/checkpoint_writer.hpp"
#include "ops/cast.hpp"

namespace linnet {
namespace {

/// config.json with the type that the weights are stored in.
std::string stored_config(const Trainer::State& state) {
  const std::string text = state.checkpoint
                               ? std::string(state.checkpoint->file("config.json")->text())
                               : std::string(map_file(state.options.init_config).text());
  auto config = nlohmann::ordered_json::parse(text);
  for (const char* key : {"torch_dtype", "dtype"})
    if (config.contains(key)) config[key] = "bfloat16";
  return config.dump(1) + "\n";
}

/// Of the model that was trained, or of a new one's tokenizer.
void copy_files(const Trainer::State& state, io::CheckpointWriter& writer) {
  if (state.checkpoint) return copy_companions(*state.checkpoint, writer);
  for (const auto& entry : std::filesystem::directory_iterator(state.tokenizer_folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && is_companion(name))
      writer.add_file(name, map_file(entry.path()).text());
  }
}

std::filesystem::path write_model(const Trainer::State& state) {
  std::vector<io::TensorSpec> specs;
  for (const train::Parameter& parameter : state.subject->parameters()) {
    const Shape& shape = parameter.value.shape();
    specs.push_back({parameter.name, io::StoredDType::bf16, {shape.begin(), shape.end()}});
  }
  const std::filesystem::path folder = state.options.out / "model";
  io::CheckpointWriter writer(folder, std::move(specs), {.replace = true});
  for (const train::Parameter& parameter : state.subject->parameters())
    writer.write(parameter.name, ops::astype(parameter.value, DType::bf16).bytes());
  copy_files(state, writer);
  writer.add_file("config.json", stored_config(state));
  writer.commit();
  return folder;
}

std::filesystem::path write_lora(const Trainer::State& state) {
  const auto& subject = dynamic_cast<const train::LoraSubject&>(*state.subject);
  const train::LoraOptions& options = subject.options();
  io::AdapterFile file{.rank = options.rank,
                       .alpha = options.alpha,
                       .rslora = options.rslora,
                       .dropout = options.dropout,
                       .base_model = state.checkpoint->name(),
                       .base_checksum = state.base_identity};
  const std::vector<train::Parameter>& parameters = subject.parameters();
  for (size_t i = 0; i < subject.adapted().size(); ++i) {
    const nn::Module& module = subject.adapted()[i];
    file.modules.push_back({.name = module.name,
                            .rank = options.rank,
                            .inputs = module.inputs,
                            .outputs = module.outputs,
                            .a = parameters[2 * i].value.to_vector<float>(),
                            .b = parameters[2 * i + 1].value.to_vector<float>(),
                            .scale = static_cast<float>(options.scale())});
  }
  const std::filesystem::path folder = state.options.out / "adapter";
  io::write_adapter(folder, io::AdapterFormat::peft, file);
  return folder;
}

}  // namespace

std::filesystem::path write_trained(const Trainer::State& state) {
  return state.options.mode == TrainMode::lora ? write_lora(state) : write_model(state);
}

}  // namespace linnet
