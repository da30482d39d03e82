// Quantised checkpoints that are wrong in one named way each: a linnet::Error that names the thing,
// before any weight is read. (Forms of config.json alone: tests/io/quantization_test.cpp.)
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using nlohmann::json;
using test::TestCheckpoint;
using test::TestTensor;

constexpr ErrorCode kMalformed = ErrorCode::malformed_file;
constexpr ErrorCode kUnsupported = ErrorCode::unsupported;
constexpr ErrorCode kNotFound = ErrorCode::not_found;

using Mutation = std::function<void(TestCheckpoint&)>;

struct Case {
  const char* what;
  ErrorCode code;
  std::string part;  // of the message
  Mutation mutate;
};

void expect_each(const std::string& folder, const std::vector<Case>& cases) {
  const TestCheckpoint good = TestCheckpoint::reference(folder);
  EXPECT_NO_THROW(test::load(good, {.threads = 1}));
  for (const Case& c : cases) {
    SCOPED_TRACE(folder + ": " + c.what);
    TestCheckpoint bad = good;
    c.mutate(bad);
    const test::WrittenCheckpoint written(bad);
    bool read = false;
    LoadOptions options{.threads = 1};
    options.progress = [&](const LoadProgress&) { read = true; };
    test::expect_error(c.code, c.part, [&] { load_model(written.path(), options); });
    EXPECT_FALSE(read) << "it is told before any weight is read";
    test::expect_error(c.code, c.part, [&] { static_cast<void>(inspect_model(written.path())); });
    test::expect_error(c.code, c.part, [&] { static_cast<void>(plan_model(written.path())); });
  }
  std::cout << cases.size() << " mutations of " << folder << "\n";
}

/// Both names of the entry: mlx-lm writes it twice.
Mutation quantization(const json& value) {
  return [=](TestCheckpoint& checkpoint) {
    checkpoint.config.erase("quantization_config");
    checkpoint.config["quantization"] = value;
  };
}

/// The entry of other writers.
Mutation method(const json& value) {
  return [=](TestCheckpoint& checkpoint) {
    checkpoint.config.erase("quantization");
    checkpoint.config["quantization_config"] = value;
  };
}

Mutation without(const std::string& name) {
  return [=](TestCheckpoint& checkpoint) { checkpoint.erase_tensor(name); };
}

/// Another shape, with as many bytes as it needs.
Mutation reshaped(const std::string& name, std::vector<int64_t> shape) {
  return [=](TestCheckpoint& checkpoint) {
    TestTensor& tensor = checkpoint.tensor(name);
    size_t bytes = tensor.dtype == "U32" ? 4 : 2;
    for (const int64_t extent : shape) bytes *= static_cast<size_t>(extent);
    tensor.shape = shape;
    tensor.bytes.resize(bytes);
  };
}

Mutation retyped(const std::string& name, const char* dtype, size_t bytes_per_element) {
  return [=](TestCheckpoint& checkpoint) {
    TestTensor& tensor = checkpoint.tensor(name);
    size_t bytes = bytes_per_element;
    for (const int64_t extent : tensor.shape) bytes *= static_cast<size_t>(extent);
    tensor.bytes.resize(bytes);
    tensor.dtype = dtype;
  };
}

// gemma3-4-64: 128 wide, feed-forward 256; so up_proj is [256, 16] words and [256, 2] scales.
constexpr const char* kModule = "model.layers.3.mlp.up_proj";

TEST(MalformedQuantized, Tensors) {
  const std::string weight = std::string(kModule) + ".weight";
  const std::string scales = std::string(kModule) + ".scales";
  const std::string biases = std::string(kModule) + ".biases";
  expect_each(
      "gemma3-4-64",
      {{"scales missing", kNotFound, scales, without(scales)},
       {"biases missing", kNotFound, "no tensor " + biases, without(biases)},
       {"words missing", kNotFound, "no tensor " + weight, without(weight)},
       {"scales of the embedding missing", kNotFound, "model.embed_tokens.scales",
        without("model.embed_tokens.scales")},
       {"biases of the embedding missing", kNotFound, "model.embed_tokens.biases",
        without("model.embed_tokens.biases")},
       {"scales for other groups", kMalformed,
        scales + " is [256, 4], expected [256, 2] for 4 bits in groups of 64",
        reshaped(scales, {256, 4})},
       {"scales transposed", kMalformed, scales + " is [2, 256]", reshaped(scales, {2, 256})},
       {"scales of a row too few", kMalformed, scales + " is [255, 2]", reshaped(scales, {255, 2})},
       {"scales flat", kMalformed, scales + " is [512]", reshaped(scales, {512})},
       {"scales empty", kMalformed, scales + " is [256, 0]", reshaped(scales, {256, 0})},
       {"a scalar for biases", kMalformed, biases + " is []", reshaped(biases, {})},
       {"biases for other groups", kMalformed, biases + " is [256, 1]", reshaped(biases, {256, 1})},
       {"words of 8 bits", kMalformed,
        weight + " is [256, 32], expected [256, 16] for 4 bits in groups of 64",
        reshaped(weight, {256, 32})},
       {"words of too many rows", kMalformed, weight + " is [257, 16]",
        reshaped(weight, {257, 16})},
       {"words empty", kMalformed, weight + " is [0, 16]", reshaped(weight, {0, 16})},
       {"words as I32", kMalformed, weight + " is stored as I32, but quantised weights are U32",
        retyped(weight, "I32", 4)},
       {"words as F32", kMalformed, weight + " is stored as F32", retyped(weight, "F32", 4)},
       {"scales of bytes", kUnsupported, scales + " is stored as U8", retyped(scales, "U8", 1)},
       {"scales of float8", kUnsupported, scales + " is stored as F8_E4M3",
        retyped(scales, "F8_E4M3", 1)},
       {"scales wider than biases", kMalformed, biases + " is stored as BF16, but " + scales,
        retyped(scales, "F32", 4)},
       {"a norm with scales", kUnsupported, "model.norm.scales",
        [](TestCheckpoint& checkpoint) {
          checkpoint.tensors.push_back({"model.norm.scales", "BF16", {2, 1}, "abcd"});
        }},
       {"one part too many", kUnsupported, std::string(kModule) + ".g_idx",
        [](TestCheckpoint& checkpoint) {
          checkpoint.tensors.push_back(
              {std::string(kModule) + ".g_idx", "I32", {2}, std::string(8, '\0')});
        }},
       {"nothing but words", kNotFound, ".scales", [](TestCheckpoint& checkpoint) {
          std::erase_if(checkpoint.tensors, [](const TestTensor& tensor) {
            return tensor.name.ends_with(".scales") || tensor.name.ends_with(".biases");
          });
        }}});
}

TEST(MalformedQuantized, Config) {
  const auto of = [](int bits, int group) { return json{{"bits", bits}, {"group_size", group}}; };
  const auto with = [&](const char* module, const json& entry) {
    json result = of(4, 64);
    result[module] = entry;
    return quantization(result);
  };
  expect_each(
      "gemma3-4-64",
      {{"7 bits", kUnsupported, "7 bits in groups of 64", quantization(of(7, 64))},
       {"1 bit", kUnsupported, "1 bits in groups of 64", quantization(of(1, 64))},
       {"groups of 48", kUnsupported, "4 bits in groups of 48", quantization(of(4, 48))},
       {"groups of 16", kUnsupported, "4 bits in groups of 16", quantization(of(4, 16))},
       {"a bit more than the file has", kMalformed, "model.embed_tokens.weight is [512, 16]",
        quantization(of(5, 64))},
       {"other groups than the file has", kMalformed,
        "model.embed_tokens.scales is [512, 2], expected [512, 4] for 4 bits in groups of 32",
        quantization(of(4, 32))},
       {"nothing said about it", kMalformed, "model.embed_tokens.scales is there, but config.json",
        [](TestCheckpoint& checkpoint) {
          checkpoint.config.erase("quantization");
          checkpoint.config.erase("quantization_config");
        }},
       {"a module of 7 bits", kUnsupported, "quantization.model.layers.3.mlp.up_proj: 7 bits",
        with(kModule, of(7, 64))},
       {"a module of other bits than its file", kMalformed, "for 8 bits in groups of 64",
        with(kModule, of(8, 64))},
       {"a module that is dense, with scales", kMalformed,
        "quantization.model.layers.3.mlp.up_proj is false, but", with(kModule, false)},
       {"a module in mxfp4", kUnsupported, "mode \"mxfp4\"",
        with(kModule, {{"bits", 4}, {"group_size", 32}, {"mode", "mxfp4"}})},
       {"mxfp4", kUnsupported, "mode \"mxfp4\"",
        quantization({{"bits", 4}, {"group_size", 32}, {"mode", "mxfp4"}})},
       {"nvfp4", kUnsupported, "mode \"nvfp4\"",
        quantization({{"bits", 4}, {"group_size", 16}, {"mode", "nvfp4"}})},
       {"mxfp8", kUnsupported, "mode \"mxfp8\"",
        quantization({{"bits", 8}, {"group_size", 32}, {"mode", "mxfp8"}})},
       {"gptq", kUnsupported, "quant_method \"gptq\"",
        method({{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 128}})},
       {"awq", kUnsupported, "quant_method \"awq\"",
        method({{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}})},
       {"fp8", kUnsupported, "quant_method \"fp8\"",
        method({{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}})}});
}

TEST(MalformedQuantized, InputsThatTheGroupsDoNotDivide) {
  // Qwen 3's feed-forward width is 320.
  const auto groups_of_128 = [](TestCheckpoint& checkpoint) {
    json value = {{"bits", 4}, {"group_size", 64}};
    value["model.layers.0.mlp.down_proj"] = {{"bits", 4}, {"group_size", 128}};
    quantization(value)(checkpoint);
  };
  expect_each("qwen3-4-64",
              {{"no multiple", kMalformed,
                "model.layers.0.mlp.down_proj.weight has 320 inputs, no multiple of the group size "
                "128",
                groups_of_128}});
  // A dense checkpoint whose config says that it is quantised.
  expect_each("qwen3", {{"all dense", kMalformed, "no tensor has scales",
                         quantization({{"bits", 4}, {"group_size", 64}})}});
}

TEST(MalformedQuantized, MatricesOfPackedWordsThatGrowBeyondTheFile) {
  // Sizes in config.json alone: nothing is allocated for them.
  expect_each(
      "llama3-4-32",
      {{"a vocabulary of a billion", kMalformed, "vocab_size is 1000000000",
        [](TestCheckpoint& checkpoint) { checkpoint.config["vocab_size"] = 1'000'000'000; }},
       {"a vocabulary of 16 million", kMalformed, "model.embed_tokens.weight is [512, 16]",
        [](TestCheckpoint& checkpoint) { checkpoint.config["vocab_size"] = 1 << 24; }},
       {"a feed-forward of a million", kMalformed, "mlp.",
        [](TestCheckpoint& checkpoint) { checkpoint.config["intermediate_size"] = 1 << 20; }}});
}

}  // namespace
}  // namespace linnet
