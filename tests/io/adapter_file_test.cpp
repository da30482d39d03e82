// Adapters' files: PEFT's own, round trips through both forms, and what is refused by name.
#include "io/adapter_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "io/safetensors.hpp"
#include "io/safetensors_writer.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::io {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

const fs::path kReference = fs::path(LINNET_TEST_DATA) / "reference";

nlohmann::json read_json(const fs::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

void expect_same(const AdapterFile& a, const AdapterFile& b) {
  ASSERT_EQ(a.modules.size(), b.modules.size());
  EXPECT_EQ(a.rank, b.rank);
  for (size_t i = 0; i < a.modules.size(); ++i) {
    EXPECT_EQ(a.modules[i].name, b.modules[i].name);
    EXPECT_EQ(a.modules[i].scale, b.modules[i].scale);
    EXPECT_EQ(a.modules[i].a, b.modules[i].a);
    EXPECT_EQ(a.modules[i].b, b.modules[i].b);
  }
}

class PeftFolder : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(References, PeftFolder,
                         ::testing::Values("gemma3-peft-lora", "qwen3-peft-lora"),
                         [](const auto& info) { return std::string(info.param).substr(0, 5); });

TEST_P(PeftFolder, IsReadAndWrittenAsPeftDoes) {
  const fs::path source = kReference / GetParam();
  const AdapterFile adapter = AdapterFile::open(source);
  EXPECT_EQ(adapter.rank, 4);
  EXPECT_EQ(adapter.alpha, 8);
  EXPECT_EQ(adapter.modules.front().scale, 2);
  const test::TemporaryFolder folder;
  write_adapter(folder.path(), AdapterFormat::peft, adapter);
  expect_same(adapter, AdapterFile::open(folder.path()));
  // The tensors to the byte: names, order, types, shapes, numbers and metadata.
  const auto bytes = [](const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_TRUE(bytes(folder.path() / "adapter_model.safetensors") ==
              bytes(source / "adapter_model.safetensors"));
  // What both say of the configuration is the same; what linnet leaves out is off.
  const auto ours = read_json(folder.path() / "adapter_config.json");
  const auto theirs = read_json(source / "adapter_config.json");
  for (const auto& [key, value] : ours.items()) {
    ASSERT_TRUE(theirs.contains(key)) << key;
    if (key == "target_modules")
      EXPECT_EQ(std::set<std::string>(value.begin(), value.end()),
                std::set<std::string>(theirs[key].begin(), theirs[key].end()));
    else
      EXPECT_EQ(value, theirs[key]) << key;
  }
}

TEST_P(PeftFolder, GoesThroughMlxsFormAndBack) {
  const AdapterFile adapter = AdapterFile::open(kReference / GetParam());
  const test::TemporaryFolder folder;
  write_adapter(folder.path() / "mlx", AdapterFormat::mlx, adapter);
  const AdapterFile mlx = AdapterFile::open(folder.path() / "mlx");
  EXPECT_EQ(mlx.format, AdapterFormat::mlx);
  expect_same(adapter, mlx);
  const auto file = SafetensorsFile::open(folder.path() / "mlx" / "adapters.safetensors");
  const auto* a = file.find("model.layers.0.self_attn.q_proj.lora_a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{128, 4}));
  write_adapter(folder.path() / "peft", AdapterFormat::peft, mlx);
  expect_same(adapter, AdapterFile::open(folder.path() / "peft"));
}

TEST_P(PeftFolder, ShapesAreReadWithoutTheNumbers) {
  const fs::path source = kReference / GetParam();
  const test::TemporaryFolder folder;
  const AdapterFile peft = AdapterFile::open(source);
  write_adapter(folder.path(), AdapterFormat::mlx, peft);
  for (const fs::path& path : {source, folder.path()}) {
    const AdapterFile shapes = AdapterFile::open(path, AdapterParts::shapes);
    ASSERT_EQ(shapes.modules.size(), peft.modules.size());
    for (size_t i = 0; i < shapes.modules.size(); ++i) {
      const AdapterModule& module = shapes.modules[i];
      EXPECT_EQ(module.name, peft.modules[i].name);
      EXPECT_EQ(module.inputs, peft.modules[i].inputs);
      EXPECT_EQ(module.outputs, peft.modules[i].outputs);
      EXPECT_EQ(module.rank, peft.modules[i].rank);
      EXPECT_EQ(module.scale, peft.modules[i].scale);
      EXPECT_TRUE(module.a.empty() && module.b.empty());
    }
  }
}

/// A copy of a reference with the configuration changed.
template <class Change>
void expect_refused(ErrorCode code, const std::string& part, const Change& change) {
  const test::TemporaryFolder folder;
  const fs::path source = kReference / "qwen3-peft-lora";
  fs::copy(source / "adapter_model.safetensors", folder.path());
  auto config = read_json(source / "adapter_config.json");
  change(config);
  std::ofstream(folder.path() / "adapter_config.json") << config.dump();
  expect_error(code, part, [&] { static_cast<void>(AdapterFile::open(folder.path())); });
}

TEST(AdapterFile, RefusesWhatItDoesNotHonour) {
  const auto set = [](const char* key, const nlohmann::json& value) {
    return [key, value](nlohmann::json& config) { config[key] = value; };
  };
  expect_refused(ErrorCode::unsupported, "use_dora", set("use_dora", true));
  expect_refused(ErrorCode::unsupported, "bias \"all\"", set("bias", "all"));
  expect_refused(ErrorCode::unsupported, "fan_in_fan_out", set("fan_in_fan_out", true));
  expect_refused(ErrorCode::unsupported, "modules_to_save", set("modules_to_save", {"lm_head"}));
  expect_refused(ErrorCode::unsupported, "something_new", set("something_new", 3));
  expect_refused(ErrorCode::unsupported, "init_lora_weights", set("init_lora_weights", "pissa"));
  expect_refused(ErrorCode::unsupported, "IA3", set("peft_type", "IA3"));
  expect_refused(ErrorCode::malformed_file, "rank 4, the configuration says 8", set("r", 8));
  expect_refused(ErrorCode::malformed_file, "lora_alpha", set("lora_alpha", -1));
  expect_refused(ErrorCode::malformed_file, "a scale of 2.5e+299", set("lora_alpha", 1e300));
  expect_refused(ErrorCode::malformed_file, "rank 4, the configuration says 2",
                 set("rank_pattern", {{"layers.1.self_attn.q_proj", 2}}));
  expect_refused(ErrorCode::malformed_file, "the configuration says 1e+300",
                 set("rank_pattern", {{"layers.1.self_attn.q_proj", 1e300}}));
  expect_refused(ErrorCode::malformed_file, "alpha_pattern",
                 set("alpha_pattern", {{"layers.1.self_attn.q_proj", 0}}));
}

TEST(AdapterFile, PatternsAndRsloraDecideTheScale) {
  const test::TemporaryFolder folder;
  const fs::path source = kReference / "qwen3-peft-lora";
  fs::copy(source / "adapter_model.safetensors", folder.path());
  auto config = read_json(source / "adapter_config.json");
  config["use_rslora"] = true;
  config["alpha_pattern"] = {{"layers.0.self_attn.q_proj", 20}};
  std::ofstream(folder.path() / "adapter_config.json") << config.dump();
  for (const AdapterModule& module : AdapterFile::open(folder.path()).modules)
    EXPECT_EQ(module.scale, module.name == "layers.0.self_attn.q_proj" ? 10 : 4) << module.name;
}

TEST(AdapterFile, ModulesOfTheirOwnRankAndScaleGoIntoPatterns) {
  AdapterFile adapter = AdapterFile::open(kReference / "qwen3-peft-lora");
  adapter.modules[0].scale = 0.3F;
  AdapterModule& narrow = adapter.modules[1];
  narrow.rank = 3;
  narrow.a.resize(static_cast<size_t>(3 * narrow.inputs));
  narrow.b.resize(static_cast<size_t>(3 * narrow.outputs));
  for (const bool rslora : {false, true}) {
    adapter.rslora = rslora;
    const test::TemporaryFolder folder;
    write_adapter(folder.path(), AdapterFormat::peft, adapter);
    expect_same(adapter, AdapterFile::open(folder.path()));
    expect_error(ErrorCode::invalid_argument, "MLX",
                 [&] { write_adapter(folder.path() / "mlx", AdapterFormat::mlx, adapter); });
  }
}

TEST(AdapterFile, MlxsFormKeepsTheBaseAndTakesAllLayers) {
  AdapterFile adapter = AdapterFile::open(kReference / "qwen3-peft-lora");
  adapter.base_checksum = "0123";
  adapter.modules.resize(1);  // of layer 0: mlx-lm would count layers from the last
  const test::TemporaryFolder folder;
  write_adapter(folder.path(), AdapterFormat::mlx, adapter);
  EXPECT_EQ(AdapterFile::open(folder.path()).base_checksum, "0123");
  const auto config = read_json(folder.path() / "adapter_config.json");
  EXPECT_EQ(config["num_layers"], -1);
  EXPECT_EQ(config["lora_parameters"]["keys"], nlohmann::json({"self_attn.q_proj"}));
}

TEST(AdapterFile, AModuleUnderTwoNamesIsRefused) {
  const test::TemporaryFolder folder;
  fs::copy(kReference / "qwen3-peft-lora" / "adapter_config.json", folder.path());
  std::vector<TensorSpec> specs;
  for (const char* name :
       {"model.layers.0.mlp.up_proj", "language_model.model.layers.0.mlp.up_proj"}) {
    const std::string full = std::string("base_model.model.") + name;
    specs.push_back({full + ".lora_A.weight", StoredDType::f32, {4, 0}});
    specs.push_back({full + ".lora_B.weight", StoredDType::f32, {0, 4}});
  }
  SafetensorsWriter(folder.path() / "adapter_model.safetensors", specs).commit();
  expect_error(ErrorCode::malformed_file, "layers.0.mlp.up_proj twice",
               [&] { static_cast<void>(AdapterFile::open(folder.path())); });
}

TEST(AdapterFile, MissingAndTornFiles) {
  const test::TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "adapter_config.json",
               [&] { static_cast<void>(AdapterFile::open(folder.path())); });
  fs::copy(kReference / "qwen3-peft-lora", folder.path() / "torn");
  fs::resize_file(folder.path() / "torn" / "adapter_model.safetensors", 5000);
  expect_error(ErrorCode::malformed_file, "adapter_model.safetensors",
               [&] { static_cast<void>(AdapterFile::open(folder.path() / "torn")); });
}

}  // namespace
}  // namespace linnet::io
