// Quantised models: MLX's files, dense files quantised while loading, and the forms that both come
// in. (What is wrong with them is in malformed_quantized_test.cpp.)
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "api/model_folder.hpp"
#include "array/device.hpp"
#include "ops/quantize.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using nlohmann::json;
using test::TestCheckpoint;
using test::TestTensor;

struct Reference {
  std::string family;
  QuantizeOptions quantize;

  [[nodiscard]] std::string folder() const {
    return fmt::format("{}-{}-{}", family, quantize.bits, quantize.group_size);
  }
};

const std::vector<Reference>& references() {
  static const std::vector<Reference> all{{"gemma3", {4, 64}}, {"gemma3", {8, 32}},
                                          {"qwen3", {4, 64}},  {"qwen2", {8, 64}},
                                          {"llama3", {4, 32}}, {"llama3", {6, 64}}};
  return all;
}

std::vector<int32_t> some_ids() {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 40; ++i) ids.push_back((i * 37 + 11) % 512);
  return ids;
}

std::vector<float> logits_of(const TextModel& model) { return model.logits(some_ids()); }

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}

/// The largest difference as a share of the largest value.
float relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  float difference = 0;
  float largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, std::abs(found.at(i) - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / largest;
}

void rename(TestCheckpoint& checkpoint, const std::string& from, const std::string& to) {
  for (TestTensor& tensor : checkpoint.tensors)
    if (tensor.name.starts_with(from)) tensor.name = to + tensor.name.substr(from.size());
}

void erase_module(TestCheckpoint& checkpoint, const std::string& module) {
  for (const char* part : {".weight", ".scales", ".biases"}) checkpoint.erase_tensor(module + part);
}

/// Takes a module's tensors from another checkpoint instead of its own.
void take_module(TestCheckpoint& checkpoint, const std::string& module,
                 const TestCheckpoint& from) {
  erase_module(checkpoint, module);
  for (const TestTensor& tensor : from.tensors)
    if (tensor.name == module + ".weight" || tensor.name == module + ".scales" ||
        tensor.name == module + ".biases")
      checkpoint.tensors.push_back(tensor);
}

void set_quantization(TestCheckpoint& checkpoint, const json& value) {
  checkpoint.config["quantization"] = value;
  checkpoint.config.erase("quantization_config");
}

/// The weights that a quantised module stands for, as F32.
void dequantize_module(TestCheckpoint& checkpoint, const std::string& module, Quantization q) {
  const DevicePtr device = Device::cpu({.threads = 1});
  const auto array = [&]<class T>(const char* part, T) {
    const TestTensor& tensor = checkpoint.tensor(module + part);
    std::vector<T> values(tensor.bytes.size() / sizeof(T));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return Array::from(values, Shape(std::span(tensor.shape)), device);
  };
  const Array dense = ops::dequantize(
      {array(".weight", uint32_t{}), array(".scales", BF16{}), array(".biases", BF16{})}, q);
  TestTensor& weight = checkpoint.tensor(module + ".weight");
  weight.shape = {dense.dim(0), dense.dim(1)};
  weight.set("F32", dense.to_vector<float>());
  checkpoint.erase_tensor(module + ".scales");
  checkpoint.erase_tensor(module + ".biases");
}

/// All quantised modules of a checkpoint.
std::vector<std::string> modules_of(const TestCheckpoint& checkpoint) {
  std::vector<std::string> result;
  for (const TestTensor& tensor : checkpoint.tensors)
    if (tensor.name.ends_with(".scales"))
      result.push_back(tensor.name.substr(0, tensor.name.size() - 7));
  return result;
}

class Quantized : public testing::TestWithParam<Reference> {};

TEST_P(Quantized, AtLoadIsTheSameModelAsMlxsFiles) {
  const auto& [family, quantize] = GetParam();
  for (const Compute compute : {Compute::bf16, Compute::f32}) {
    const TextModel files =
        load_model(test::reference_folder(GetParam().folder()), {.compute = compute, .threads = 1});
    const TextModel dense = load_model(test::reference_folder(family),
                                       {.compute = compute, .quantize = quantize, .threads = 2});
    EXPECT_TRUE(same_bits(logits_of(files), logits_of(dense)));
    EXPECT_EQ(files.info().quantization, dense.info().quantization);
    EXPECT_EQ(files.memory().active_bytes, dense.memory().active_bytes);
  }
}

TEST_P(Quantized, SaysWhatItIs) {
  const auto& [family, quantize] = GetParam();
  const std::string name =
      fmt::format("{} bits in groups of {}", quantize.bits, quantize.group_size);
  const ModelInfo dense = inspect_model(test::reference_folder(family));
  const ModelInfo info = inspect_model(test::reference_folder(GetParam().folder()));
  EXPECT_EQ(dense.quantization, "none");
  EXPECT_EQ(info.quantization, name);
  EXPECT_EQ(info.parameters, dense.parameters);
  EXPECT_EQ(info.dtype, "bf16");
  ASSERT_EQ(info.formats.size(), 1U);
  EXPECT_EQ(info.formats[0].bits, quantize.bits);
  EXPECT_EQ(info.formats[0].group_size, quantize.group_size);
  EXPECT_EQ(info.formats[0].matrices, dense.formats.at(0).matrices);
  EXPECT_EQ(info.formats[0].parameters, dense.formats.at(0).parameters);
  EXPECT_LT(info.stored_bytes * 16, dense.stored_bytes * (quantize.bits + 2));
}

TEST_P(Quantized, PlansWhatItTakes) {
  const auto& [family, quantize] = GetParam();
  for (const bool at_load : {false, true}) {
    const auto folder = test::reference_folder(at_load ? family : GetParam().folder());
    LoadOptions options{.context_length = 256, .threads = 1, .prefix_cache_bytes = 0};
    if (at_load) options.quantize = quantize;
    const MemoryPlan plan = plan_model(folder, options);
    ASSERT_EQ(plan.formats.size(), 1U);
    EXPECT_EQ(plan.formats[0].bits, quantize.bits);
    options.memory_budget = plan.total_bytes;
    const TextModel model = load_model(folder, options);
    EXPECT_EQ(model.memory().active_bytes, plan.weight_bytes);
    EXPECT_EQ(model.generate(some_ids(), {.max_tokens = 216}).text(), "");
    EXPECT_LE(model.memory().peak_bytes, plan.total_bytes);
    EXPECT_EQ(model.memory().active_bytes, plan.weight_bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(References, Quantized, testing::ValuesIn(references()),
                         [](const auto& info) { return test::test_name(info.param.folder()); });

TEST(QuantizedForms, MoreBitsLessError) {
  const TestCheckpoint dense = TestCheckpoint::reference("qwen3");
  const auto original = logits_of(test::load(dense, {.compute = Compute::f32, .threads = 1}));
  for (const int group : {32, 64, 128}) {
    float last = 1e9F;
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      SCOPED_TRACE(fmt::format("{} bits, group {}", bits, group));
      const TextModel model =
          test::load(dense, {.compute = Compute::f32, .quantize = {bits, group}, .threads = 1});
      EXPECT_EQ(model.info().formats.front().bits, bits);
      const float error = relative_error(logits_of(model), original);
      EXPECT_LT(error, last);
      last = error;
    }
    EXPECT_LT(last, 0.05F);  // scales in bf16: half of a percent of 255 steps
  }
}

TEST(QuantizedForms, ModulesOfTheirOwnWidthAndDenseOnes) {
  const TestCheckpoint six = TestCheckpoint::reference("llama3-6-64");
  const TestCheckpoint dense = TestCheckpoint::reference("llama3");
  TestCheckpoint mixed = TestCheckpoint::reference("llama3-4-32");
  const Quantization wide{.bits = 6, .group_size = 64};
  const std::string layer = "model.layers.1.";
  json entries = {{"bits", 4}, {"group_size", 32}, {"mode", "affine"}};
  for (const std::string& module :
       {std::string("lm_head"), layer + "mlp.up_proj", layer + "self_attn.k_proj"}) {
    take_module(mixed, module, six);
    entries[module] = {{"bits", 6}, {"group_size", 64}};
  }
  for (const std::string& module : {layer + "self_attn.v_proj", layer + "mlp.down_proj"}) {
    take_module(mixed, module, dense);
    entries[module] = false;
  }
  take_module(mixed, "model.embed_tokens", dense);  // no scales and no entry: dense too
  entries["model.vision_tower.blocks.0"] = {{"bits", 8}, {"group_size", 32}};  // not in the file
  set_quantization(mixed, entries);

  TestCheckpoint expected = mixed;
  expected.config.erase("quantization");
  for (const std::string& module : modules_of(mixed))
    dequantize_module(expected, module,
                      entries.contains(module) ? wide : Quantization{.bits = 4, .group_size = 32});
  for (const int threads : {1, 2}) {
    const TextModel model = test::load(mixed, {.compute = Compute::f32, .threads = threads});
    const auto found = logits_of(model);
    const auto wanted =
        logits_of(test::load(expected, {.compute = Compute::f32, .threads = threads}));
    EXPECT_LT(relative_error(found, wanted), 2e-6F);
    ASSERT_EQ(model.info().formats.size(), 3U);
    EXPECT_EQ(model.info().quantization, "4 bits in groups of 32");
  }
  const ModelInfo info = test::load(mixed, {.threads = 1}).info();
  int64_t matrices = 0;
  for (const MatrixFormat& format : info.formats) {
    matrices += format.matrices;
    if (format.bits == 4) continue;
    EXPECT_EQ(format.matrices, 3);
    EXPECT_EQ(format.first, format.bits == 0 ? "model.embed_tokens.weight" : "lm_head.weight");
  }
  EXPECT_EQ(matrices, 30);

  // What is not fused holds more at once: it is planned for.
  const test::WrittenCheckpoint written(mixed);
  const MemoryPlan plan = plan_model(written.path(), {.context_length = 512, .threads = 1});
  const TextModel model = load_model(
      written.path(), {.context_length = 512, .memory_budget = plan.total_bytes, .threads = 1});
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 511; ++i) ids.push_back(i);
  EXPECT_NO_THROW(static_cast<void>(model.generate(ids, {.max_tokens = 1}).text()));
  EXPECT_LE(model.memory().peak_bytes, plan.total_bytes);
}

TEST(QuantizedForms, ScalesAsF16AndF32) {
  const TestCheckpoint original = TestCheckpoint::reference("gemma3-4-64");
  const auto expected = logits_of(test::load(original, {.threads = 1}));
  for (const std::string type : {"F32", "F16"}) {
    TestCheckpoint changed = original;
    for (TestTensor& tensor : changed.tensors) {
      if (!tensor.name.ends_with(".scales") && !tensor.name.ends_with(".biases")) continue;
      const std::vector<float> values = tensor.floats();
      if (type == "F32") {
        tensor.set("F32", values);
      } else {
        std::vector<F16> halves;
        for (const float value : values) halves.push_back(to_f16(value));
        tensor.set("F16", halves);
      }
    }
    const TextModel model = test::load(changed, {.threads = 1});
    EXPECT_EQ(model.info().dtype, type == "F32" ? "f32" : "f16");
    const auto found = logits_of(model);
    if (type == "F32")
      EXPECT_TRUE(same_bits(found, expected));
    else
      EXPECT_LT(relative_error(found, expected), 0.02F);  // F16 has no room for small scales
  }
}

TEST(QuantizedForms, BelowTheNamesOfAMultimodalModel) {
  const auto expected =
      logits_of(load_model(test::reference_folder("gemma3-4-64"), {.threads = 1}));
  for (const bool in_text_config : {false, true}) {
    TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3-4-64");
    rename(checkpoint, "model.", "language_model.model.");
    json text = checkpoint.config;
    text.erase("quantization_config");
    const json quantization = {
        {"bits", 8},
        {"group_size", 32},
        {"vision_tower.layers.0.mlp", {{"bits", 7}, {"group_size", 1}}},  // nobody asks for it
    };
    json entries = quantization;
    for (const std::string& module : modules_of(checkpoint))
      entries[module] = {{"bits", 4}, {"group_size", 64}};
    if (in_text_config) {
      text["quantization"] = entries;
      checkpoint.config = {{"model_type", "gemma3"}, {"text_config", text}};
    } else {
      text.erase("quantization");
      checkpoint.config = {
          {"model_type", "gemma3"}, {"text_config", text}, {"quantization_config", entries}};
    }
    checkpoint.tensors.push_back({"vision_tower.layers.0.mlp.weight", "U32", {1, 1}, "abcd"});
    checkpoint.tensors.push_back({"vision_tower.layers.0.mlp.scales", "BF16", {1, 1}, "ab"});
    EXPECT_TRUE(same_bits(logits_of(test::load(checkpoint, {.threads = 1})), expected));
  }
}

TEST(QuantizedForms, ATiedHeadThatIsThereAllTheSame) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3-8-32");
  const auto expected = logits_of(test::load(checkpoint, {.threads = 1}));
  for (const char* part : {".weight", ".scales", ".biases"}) {
    TestTensor copy = checkpoint.tensor(std::string("model.embed_tokens") + part);
    copy.name = std::string("lm_head") + part;
    checkpoint.tensors.push_back(copy);
  }
  EXPECT_TRUE(same_bits(logits_of(test::load(checkpoint, {.threads = 1})), expected));
  for (const char* part : {".weight", ".scales", ".biases"}) {
    TestCheckpoint other = checkpoint;
    other.tensor(std::string("lm_head") + part).bytes[5] ^= 1;
    test::expect_error(ErrorCode::malformed_file, std::string("lm_head") + part + " differs",
                       [&] { test::load(other, {.threads = 1}); });
    TestCheckpoint less = checkpoint;
    less.erase_tensor(std::string("lm_head") + part);
    if (part == std::string(".weight"))
      test::expect_error(ErrorCode::unsupported, "lm_head.",
                         [&] { test::load(less, {.threads = 1}); });
    else
      test::expect_error(ErrorCode::malformed_file, std::string("lm_head") + part + " differs",
                         [&] { test::load(less, {.threads = 1}); });
  }
}

TEST(QuantizeAtLoad, LeavesWhatDoesNotDivideDense) {
  // Qwen 3's feed-forward width is 320: down_proj has no groups of 128.
  const LoadOptions options{.quantize = {4, 128}, .threads = 1};
  const MemoryPlan plan = plan_model(test::reference_folder("qwen3"), options);
  const TextModel model = load_model(test::reference_folder("qwen3"), options);
  for (const auto& formats : {plan.formats, model.info().formats}) {
    ASSERT_EQ(formats.size(), 2U);
    EXPECT_EQ(formats[0].bits, 4);
    EXPECT_EQ(formats[0].group_size, 128);
    EXPECT_EQ(formats[0].matrices, 26);
    EXPECT_EQ(formats[1].bits, 0);
    EXPECT_EQ(formats[1].matrices, 4);
    EXPECT_EQ(formats[1].first, "model.layers.0.mlp.down_proj.weight");
  }
  EXPECT_EQ(model.memory().active_bytes, plan.weight_bytes);
  EXPECT_EQ(inspect_model(test::reference_folder("qwen3")).formats.size(), 1U);
}

TEST(QuantizeAtLoad, TakesF16AndF32Files) {
  const TestCheckpoint original = TestCheckpoint::reference("llama3");
  const QuantizeOptions quantize{8, 32};
  const auto expected = logits_of(test::load(original, {.quantize = quantize, .threads = 1}));
  for (const std::string type : {"F32", "F16"}) {
    TestCheckpoint changed = original;
    for (TestTensor& tensor : changed.tensors) {
      const std::vector<float> values = tensor.floats();
      if (type == "F32") {
        tensor.set("F32", values);
      } else {
        std::vector<F16> halves;
        for (const float value : values) halves.push_back(to_f16(value));
        tensor.set("F16", halves);
      }
    }
    // Scales are kept in the file's type, so they differ in their last bits.
    const auto found = logits_of(test::load(changed, {.quantize = quantize, .threads = 1}));
    EXPECT_LT(relative_error(found, expected), 0.05F);
  }
}

TEST(QuantizeAtLoad, RefusesWhatCannotBe) {
  const auto refused = [](QuantizeOptions quantize, const char* family, std::string_view part) {
    for (const bool plan : {false, true})
      test::expect_error(ErrorCode::invalid_argument, part, [&] {
        const LoadOptions options{.quantize = quantize, .threads = 1};
        if (plan)
          static_cast<void>(plan_model(test::reference_folder(family), options));
        else
          static_cast<void>(load_model(test::reference_folder(family), options));
      });
  };
  refused({7, 64}, "llama3", "7 bits in groups of 64");
  refused({-1, 64}, "llama3", "-1 bits in groups of 64");
  refused({4, 0}, "llama3", "4 bits in groups of 0");
  refused({4, 16}, "llama3", "4 bits in groups of 16");
  refused({4, 64}, "llama3-4-32", "quantised already, to 4 bits in groups of 32");
  EXPECT_NO_THROW(static_cast<void>(
      load_model(test::reference_folder("llama3"), {.quantize = {0, 7}, .threads = 1})));

  TestCheckpoint spoilt = TestCheckpoint::reference("llama3");
  TestTensor& weight = spoilt.tensor("model.layers.2.mlp.up_proj.weight");
  const BF16 nan{.bits = 0x7fc0};
  std::memcpy(weight.bytes.data() + 2 * 128 * 77, &nan, sizeof(nan));
  test::expect_error(ErrorCode::invalid_argument, "model.layers.2.mlp.up_proj.weight", [&] {
    test::load(spoilt, {.quantize = {4, 64}, .threads = 1});
  });
  test::expect_error(ErrorCode::invalid_argument, "row 77", [&] {
    test::load(spoilt, {.quantize = {4, 64}, .threads = 1});
  });
}

TEST(QuantizeAtLoad, HoldsLittleBesideWhatIsPacked) {
  const ModelInfo info = inspect_builtin_model();
  const int64_t largest = 2 * info.vocab_size * info.hidden_size;  // the embedding, in BF16
  for (const int bits : {3, 4, 8}) {
    const TextModel model = load_builtin_model({.quantize = {bits, 64}, .threads = 2});
    const MemoryUsage memory = model.memory();
    EXPECT_EQ(memory.active_bytes, model.plan().weight_bytes);
    EXPECT_LE(memory.peak_bytes, memory.active_bytes + memory.active_bytes / 20 + largest);
  }
}

TEST(QuantizeAtLoad, TheBuiltInModel) {
  const TextModel model = load_builtin_model({.quantize = {8, 32}, .threads = 1});
  const TextModel dense = load_builtin_model({.threads = 1});
  EXPECT_LT(model.memory().active_bytes, dense.memory().active_bytes * 6 / 10);
  EXPECT_EQ(model.generate("Once upon a time", {.max_tokens = 12}).text(),
            dense.generate("Once upon a time", {.max_tokens = 12}).text());
}

}  // namespace
}  // namespace linnet
