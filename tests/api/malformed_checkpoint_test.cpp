// Checkpoints that are wrong in one named way each: every one gives a linnet::Error of the right
// code that names the thing, never a crash, a hang, a large allocation or a model half understood.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

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

/// What a table of cases is about. Tokenizer and generation_config are no part of what inspecting
/// and planning read.
enum class Scope { model, texts };

void expect_each(const std::string& family, Scope scope, const std::vector<Case>& cases) {
  const TestCheckpoint good = test::with_tokenizer(family);
  EXPECT_NO_THROW((void)test::load(good, {.threads = 1}));
  for (const Case& c : cases) {
    SCOPED_TRACE(family + ": " + c.what);
    TestCheckpoint bad = good;
    c.mutate(bad);
    const test::WrittenCheckpoint written(bad);
    bool read = false;
    LoadOptions options{.threads = 1};
    options.progress = [&](const LoadProgress&) { read = true; };
    const auto load = [&] { (void)load_model(written.path(), options); };
    test::expect_error(c.code, c.part, load);
    EXPECT_FALSE(read) << "it is told before any weight is read";
    const auto inspect = [&] { (void)inspect_model(written.path()); };
    const auto plan = [&] { (void)plan_model(written.path()); };
    if (scope == Scope::model) {
      test::expect_error(c.code, c.part, inspect);
      test::expect_error(c.code, c.part, plan);
    } else {
      EXPECT_NO_THROW(plan());
    }
  }
  std::cout << cases.size() << " mutations of " << family << "\n";
}

Mutation set(const char* key, json value) {
  return [=](TestCheckpoint& checkpoint) { checkpoint.config[key] = value; };
}

Mutation erase(const char* key) {
  return [=](TestCheckpoint& checkpoint) { checkpoint.config.erase(key); };
}

Mutation patch(json changes) {
  return [=](TestCheckpoint& checkpoint) { checkpoint.config.merge_patch(changes); };
}

Mutation file(const char* name, std::string content) {
  return [=](TestCheckpoint& checkpoint) { checkpoint.files[name] = content; };
}

TEST(MalformedCheckpoint, ConfigFile) {
  expect_each("llama3", Scope::model,
              {{"cut", kMalformed, "config.json is not valid JSON",
                file("config.json", "{\"model_type\": \"lla")},
               {"empty", kMalformed, "config.json", file("config.json", "")},
               {"an array", kMalformed, "config.json is an array", file("config.json", "[1]")},
               {"binary", kMalformed, "config.json", file("config.json", "\x80\xff\x01")},
               {"NaN for a number", kMalformed, "config.json is not valid JSON",
                [](TestCheckpoint& checkpoint) {
                  std::string text = checkpoint.config.dump();
                  const std::string eps = "\"rms_norm_eps\":1e-06";
                  text.replace(text.find(eps), eps.size(), "\"rms_norm_eps\":NaN");
                  checkpoint.files["config.json"] = text;
                }},
               {"nested without end", kMalformed, "config.json",
                file("config.json", std::string(100000, '[') + std::string(100000, ']'))}});
}

TEST(MalformedCheckpoint, ModelType) {
  expect_each("llama3", Scope::model,
              {{"missing", kMalformed, "\"model_type\"", erase("model_type")},
               {"null", kMalformed, "\"model_type\"", set("model_type", nullptr)},
               {"a number", kMalformed, "model_type is a number", set("model_type", 3)},
               {"unknown", kUnsupported, "model_type \"mamba2\"", set("model_type", "mamba2")},
               {"empty", kUnsupported, "model_type \"\"", set("model_type", "")},
               {"text_config is no object", kMalformed, "text_config is a string",
                set("text_config", "gemma")},
               {"text_config is empty", kMalformed, "text_config has no entry \"vocab_size\"",
                set("text_config", json::object())}});
}

TEST(MalformedCheckpoint, Sizes) {
  const json huge = int64_t{1} << 50;
  std::vector<Case> cases;
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings"})
    for (const json& value : {json(0), json(-1), huge, json(1e300), json("128"), json(1.5),
                              json(true), json::array({1}), json::object()})
      cases.push_back({key, kMalformed, key, set(key, value)});
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads"})
    cases.push_back({key, kMalformed, "\"" + std::string(key) + "\"", erase(key)});
  cases.push_back({"more than 64 bits", kMalformed, "hidden_size", [](TestCheckpoint& checkpoint) {
                     std::string text = checkpoint.config.dump();
                     const std::string size = "\"hidden_size\":128";
                     text.replace(text.find(size), size.size(),
                                  "\"hidden_size\":99999999999999999999999999");
                     checkpoint.files["config.json"] = text;
                   }});
  expect_each("llama3", Scope::model, cases);
}

TEST(MalformedCheckpoint, SizesThatContradictEachOtherOrTheTensors) {
  expect_each(
      "llama3", Scope::model,
      {{"kv heads do not divide heads", kMalformed,
        "num_attention_heads 4 is not a multiple of num_key_value_heads 3",
        set("num_key_value_heads", 3)},
       {"odd head_dim", kMalformed, "head_dim 31 is odd", set("head_dim", 31)},
       {"head_dim too large", kMalformed, "head_dim is 1024", set("head_dim", 1024)},
       {"no head_dim and none to be had", kMalformed,
        "hidden_size 128 is not a multiple of num_attention_heads 3",
        patch({{"head_dim", nullptr}, {"num_attention_heads", 3}, {"num_key_value_heads", 1}})},
       {"one layer too many", kNotFound, "no tensor model.layers.4.", set("num_hidden_layers", 5)},
       {"one layer too few", kUnsupported, "model.layers.3.", set("num_hidden_layers", 3)},
       {"one token too few", kMalformed,
        "model.embed_tokens.weight is [512, 128], expected [511, 128]", set("vocab_size", 511)},
       {"another width", kMalformed, "model.embed_tokens.weight is [512, 128], expected [512, 96]",
        set("hidden_size", 96)},
       {"another feed-forward width", kMalformed,
        "model.layers.0.mlp.gate_proj.weight is [320, 128], expected [321, 128]",
        set("intermediate_size", 321)},
       {"another number of heads", kMalformed,
        "model.layers.0.self_attn.q_proj.weight is [128, 128], expected [256, 128]",
        set("num_attention_heads", 8)},
       {"tied, but with a head of its own", kMalformed, "lm_head.weight differs from the embedding",
        set("tie_word_embeddings", true)},
       {"biases that are not there", kNotFound, "self_attn.q_proj.bias",
        set("attention_bias", true)},
       {"mlp biases that are not there", kNotFound, "mlp.gate_proj.bias", set("mlp_bias", true)}});
}

TEST(MalformedCheckpoint, OtherFields) {
  expect_each(
      "gemma3", Scope::model,
      {{"attention softcapping", kUnsupported, "attn_logit_softcapping",
        set("attn_logit_softcapping", 50.0)},
       {"final softcapping", kUnsupported, "final_logit_softcapping",
        set("final_logit_softcapping", 30.0)},
       {"bidirectional", kUnsupported, "use_bidirectional_attention",
        set("use_bidirectional_attention", true)},
       {"quantised, it says", kMalformed, "quantised to 4 bits, but no tensor has scales",
        set("quantization", {{"bits", 4}, {"group_size", 64}})},
       {"quantised by another", kUnsupported, "quantization_config: quant_method \"gptq\"",
        set("quantization_config", {{"quant_method", "gptq"}})},
       {"quantised around a text_config", kUnsupported, "quantization_config: quant_method \"fp8\"",
        [](TestCheckpoint& checkpoint) {
          const json text = checkpoint.config;
          checkpoint.config = {{"model_type", "gemma3"},
                               {"text_config", text},
                               {"quantization_config", {{"quant_method", "fp8"}}}};
        }},
       {"negative eps", kMalformed, "rms_norm_eps is -1", set("rms_norm_eps", -1.0)},
       {"eps of one", kMalformed, "rms_norm_eps is 1", set("rms_norm_eps", 1)},
       {"eps as text", kMalformed, "rms_norm_eps is a string", set("rms_norm_eps", "nan")},
       {"unknown activation", kUnsupported, "hidden_activation \"relu\"",
        set("hidden_activation", "relu")},
       {"activation as number", kMalformed, "hidden_activation is a number",
        set("hidden_activation", 1)},
       {"scalar of zero", kMalformed, "query_pre_attn_scalar is 0",
        set("query_pre_attn_scalar", 0)},
       {"negative scalar", kMalformed, "query_pre_attn_scalar is -64",
        set("query_pre_attn_scalar", -64)},
       {"tied as text", kMalformed, "tie_word_embeddings is a string",
        set("tie_word_embeddings", "yes")},
       {"untied without a head", kNotFound, "lm_head.weight", set("tie_word_embeddings", false)},
       {"too few layer types", kMalformed, "layer_types has 2 entries for 7 layers",
        set("layer_types", {"full_attention", "full_attention"})},
       {"too many layer types", kMalformed, "layer_types has 8 entries for 7 layers",
        set("layer_types", std::vector<std::string>(8, "full_attention"))},
       {"unknown layer type", kUnsupported, "layer_types.0 \"chunked_attention\"",
        set("layer_types", std::vector<std::string>(7, "chunked_attention"))},
       {"layer types of numbers", kMalformed, "layer_types.0 is a number",
        set("layer_types", std::vector<int>(7, 1))},
       {"layer types as text", kMalformed, "layer_types is a string",
        set("layer_types", "full_attention")},
       {"no window", kMalformed, "sliding_window", erase("sliding_window")},
       {"window of zero", kMalformed, "sliding_window is 0", set("sliding_window", 0)},
       {"negative window", kMalformed, "sliding_window is -16", set("sliding_window", -16)},
       {"pattern of zero", kMalformed, "sliding_window 16 with pattern 0",
        patch({{"layer_types", nullptr}, {"sliding_window_pattern", 0}})},
       {"huge window by pattern", kMalformed, "sliding_window",
        patch({{"layer_types", nullptr}, {"sliding_window", int64_t{1} << 62}})},
       {"heads of a gemma without head counts", kMalformed, "q_proj.weight",
        patch({{"num_attention_heads", nullptr}, {"num_key_value_heads", nullptr}})}});
  expect_each(
      "llama3", Scope::model,
      {{"a window", kUnsupported, "sliding_window", set("sliding_window", 4096)},
       {"bias as text", kMalformed, "attention_bias is a string", set("attention_bias", "no")}});
  expect_each("qwen2", Scope::model,
              {{"a window without size", kMalformed, "sliding_window",
                patch({{"layer_types", nullptr}, {"use_sliding_window", true}})},
               {"window layers as text", kMalformed, "max_window_layers is a string",
                patch({{"layer_types", nullptr},
                       {"use_sliding_window", true},
                       {"sliding_window", 64},
                       {"max_window_layers", "all"}})}});
}

TEST(MalformedCheckpoint, Rope) {
  const auto rope = [](json changes) { return patch({{"rope_parameters", std::move(changes)}}); };
  expect_each(
      "llama3", Scope::model,
      {{"unknown type", kUnsupported, "rope type \"longrope\"", rope({{"rope_type", "longrope"}})},
       {"type as number", kMalformed, "rope_parameters.rope_type is a number",
        rope({{"rope_type", 2}})},
       {"theta of zero", kMalformed, "theta 0", rope({{"rope_theta", 0}})},
       {"negative theta", kMalformed, "theta -10000", rope({{"rope_theta", -10000}})},
       {"theta as text", kMalformed, "rope_theta is a string", rope({{"rope_theta", "1e6"}})},
       {"no factor", kMalformed, "\"factor\"", rope({{"factor", nullptr}})},
       {"factor of zero", kMalformed, "factor 0", rope({{"factor", 0}})},
       {"negative factor", kMalformed, "factor -8", rope({{"factor", -8}})},
       {"no low_freq_factor", kMalformed, "\"low_freq_factor\"",
        rope({{"low_freq_factor", nullptr}})},
       {"low above high", kMalformed, "low_freq_factor 4 and high_freq_factor 4",
        rope({{"low_freq_factor", 4}})},
       {"no original length", kMalformed, "\"original_max_position_embeddings\"",
        rope({{"original_max_position_embeddings", nullptr}})},
       {"original length of zero", kMalformed, "original_max_position_embeddings is 0",
        rope({{"original_max_position_embeddings", 0}})},
       {"yarn with betas of zero", kMalformed, "beta_fast 0",
        rope({{"rope_type", "yarn"}, {"beta_fast", 0}})},
       {"yarn without any length", kMalformed, "original_max_position_embeddings is 0",
        rope({{"rope_type", "yarn"}, {"original_max_position_embeddings", 0}})},
       {"linear without factor", kMalformed, "\"factor\"",
        rope({{"rope_type", "linear"}, {"factor", nullptr}})},
       {"half a rotation", kUnsupported, "partial_rotary_factor",
        rope({{"partial_rotary_factor", 0.5}})},
       {"half a rotation, outside", kUnsupported, "partial_rotary_factor",
        set("partial_rotary_factor", 0.25)},
       {"rope_parameters as text", kMalformed, "rope_parameters is a string",
        set("rope_parameters", "llama3")},
       {"old form, unknown type", kUnsupported, "rope type \"dynamic\"",
        patch({{"rope_parameters", nullptr},
               {"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}})},
       {"old form as number", kMalformed, "rope_scaling is a number",
        patch({{"rope_parameters", nullptr}, {"rope_scaling", 8}})}});
  expect_each("gemma3", Scope::model,
              {{"no entry for one kind of layer", kMalformed, "\"sliding_attention\"",
                rope({{"sliding_attention", nullptr}})},
               {"an entry as number", kMalformed, "full_attention is a number",
                rope({{"full_attention", 10000}})},
               {"local base of zero", kMalformed, "theta 0",
                patch({{"rope_parameters", nullptr}, {"rope_local_base_freq", 0}})}});
}

TEST(MalformedCheckpoint, Tensors) {
  const auto reshaped = [](const char* name, std::vector<int64_t> shape) {
    return [=](TestCheckpoint& checkpoint) {
      TestTensor& tensor = checkpoint.tensor(name);
      size_t bytes = 2;
      for (const int64_t extent : shape) bytes *= static_cast<size_t>(extent);
      tensor.shape = shape;
      tensor.bytes.resize(bytes);
    };
  };
  const auto retyped = [](const char* name, const char* dtype, size_t bytes_per_element) {
    return [=](TestCheckpoint& checkpoint) {
      TestTensor& tensor = checkpoint.tensor(name);
      tensor.bytes.resize(tensor.bytes.size() / 2 * bytes_per_element);
      tensor.dtype = dtype;
    };
  };
  const auto without = [](const char* name) {
    return [=](TestCheckpoint& checkpoint) { checkpoint.erase_tensor(name); };
  };
  const auto with = [](const char* name) {
    return [=](TestCheckpoint& checkpoint) {
      checkpoint.tensors.push_back({name, "BF16", {2}, std::string(4, '\0')});
    };
  };
  const char* up = "model.layers.3.mlp.up_proj.weight";
  const char* norm = "model.layers.2.post_feedforward_layernorm.weight";
  expect_each(
      "gemma3", Scope::model,
      {{"a matrix missing", kNotFound, up, without(up)},
       {"a norm missing", kNotFound, norm, without(norm)},
       {"the embedding missing", kNotFound, "model.embed_tokens.weight",
        without("model.embed_tokens.weight")},
       {"the last norm missing", kNotFound, "model.norm.weight", without("model.norm.weight")},
       {"all but the embedding missing", kNotFound, "model.norm.weight",
        [](TestCheckpoint& checkpoint) { checkpoint.tensors.resize(1); }},
       {"one too many", kUnsupported, "model.layers.0.self_attn.q_proj.lora_A.weight",
        with("model.layers.0.self_attn.q_proj.lora_A.weight")},
       {"one too many outside of the model", kUnsupported, "score.weight", with("score.weight")},
       {"a tower nobody knows", kUnsupported, "audio_tower.conv.weight",
        with("audio_tower.conv.weight")},
       {"quantised parts", kMalformed, "model.layers.0.mlp.up_proj.scales",
        with("model.layers.0.mlp.up_proj.scales")},
       {"transposed", kMalformed, std::string(up) + " is [128, 256], expected [256, 128]",
        reshaped(up, {128, 256})},
       {"one row too few", kMalformed, std::string(up) + " is [255, 128]",
        reshaped(up, {255, 128})},
       {"one axis too many", kMalformed, std::string(up) + " is [256, 128, 1]",
        reshaped(up, {256, 128, 1})},
       {"flat", kMalformed, std::string(up) + " is [32768]", reshaped(up, {32768})},
       {"a scalar", kMalformed, std::string(norm) + " is []", reshaped(norm, {})},
       {"empty", kMalformed, std::string(norm) + " is [0]", reshaped(norm, {0})},
       {"a norm of another size", kMalformed, std::string(norm) + " is [127], expected [128]",
        reshaped(norm, {127})},
       {"integers", kUnsupported, std::string(up) + " is stored as I32", retyped(up, "I32", 4)},
       {"a norm of integers", kUnsupported, std::string(norm) + " is stored as I64",
        retyped(norm, "I64", 8)},
       {"bytes", kUnsupported, std::string(up) + " is stored as U8", retyped(up, "U8", 1)},
       {"float8", kUnsupported, std::string(up) + " is stored as F8_E4M3",
        retyped(up, "F8_E4M3", 1)},
       {"double", kUnsupported, std::string(up) + " is stored as F64", retyped(up, "F64", 8)},
       {"a tied head that differs", kMalformed, "lm_head.weight", [](TestCheckpoint& checkpoint) {
          TestTensor head = checkpoint.tensor("model.embed_tokens.weight");
          head.name = "lm_head.weight";
          head.bytes[1000] = static_cast<char>(head.bytes[1000] ^ 1);
          checkpoint.tensors.push_back(head);
        }}});
  expect_each("llama3", Scope::model,
              {{"the head missing", kNotFound, "lm_head.weight", without("lm_head.weight")},
               {"the head too small", kMalformed, "lm_head.weight is [511, 128]",
                reshaped("lm_head.weight", {511, 128})}});
  expect_each("qwen2", Scope::model,
              {{"a bias missing", kNotFound, "model.layers.1.self_attn.k_proj.bias",
                without("model.layers.1.self_attn.k_proj.bias")}});
  expect_each("qwen3", Scope::model,
              {{"a norm of heads missing", kNotFound, "model.layers.1.self_attn.k_norm.weight",
                without("model.layers.1.self_attn.k_norm.weight")}});
}

/// Rewrites the header of model.safetensors; its length follows unless `length` says otherwise.
Mutation header(const std::function<void(json&)>& change) {
  return [=](TestCheckpoint& checkpoint) {
    std::string image = checkpoint.contents().at("model.safetensors");
    uint64_t length = 0;
    std::memcpy(&length, image.data(), sizeof(length));
    json parsed = json::parse(image.substr(8, length));
    change(parsed);
    const std::string text = parsed.dump();
    const uint64_t size = text.size();
    std::string result(8, '\0');
    std::memcpy(result.data(), &size, sizeof(size));
    checkpoint.files["model.safetensors"] = result + text + image.substr(8 + length);
  };
}

Mutation image(const std::function<void(std::string&)>& change) {
  return [=](TestCheckpoint& checkpoint) {
    std::string bytes = checkpoint.contents().at("model.safetensors");
    change(bytes);
    checkpoint.files["model.safetensors"] = bytes;
  };
}

TEST(MalformedCheckpoint, SafetensorsFile) {
  const char* name = "model.norm.weight";
  const auto length = [](uint64_t value) {
    return image([=](std::string& bytes) { std::memcpy(bytes.data(), &value, sizeof(value)); });
  };
  const auto replaced = [](const char* from, const char* to) {
    return image([=](std::string& bytes) {
      const size_t at = bytes.find(from);
      bytes.replace(at, std::strlen(from), to);
    });
  };
  std::vector<Case> cases{
      {"empty", kMalformed, "model.safetensors", file("model.safetensors", "")},
      {"seven bytes", kMalformed, "model.safetensors: the file has 7 bytes",
       image([](std::string& bytes) { bytes.resize(7); })},
      {"cut inside the header", kMalformed, "passes the end of the file",
       image([](std::string& bytes) { bytes.resize(1000); })},
      {"cut inside the data", kMalformed, "model.safetensors",
       image([](std::string& bytes) { bytes.resize(bytes.size() - 1); })},
      {"one byte more", kMalformed, "1 bytes follow",
       image([](std::string& bytes) { bytes += 'x'; })},
      {"header length of zero", kMalformed, "model.safetensors", length(0)},
      {"header length past the end", kMalformed, "passes the end of the file", length(50000000)},
      {"header length of 2^63", kMalformed, "over the format's limit", length(uint64_t{1} << 63)},
      {"header length of 2^64 - 1", kMalformed, "over the format's limit", length(~uint64_t{0})},
      {"header is no JSON", kMalformed, "model.safetensors",
       image([](std::string& bytes) { bytes[9] = '}'; })},
      {"header is an array", kMalformed, "model.safetensors",
       image([](std::string& bytes) { bytes[8] = '['; })},
      {"unknown dtype", kMalformed, name,
       header([=](json& tensors) { tensors[name]["dtype"] = "BF17"; })},
      {"dtype as number", kMalformed, name,
       header([=](json& tensors) { tensors[name]["dtype"] = 16; })},
      {"no dtype", kMalformed, name, header([=](json& tensors) { tensors[name].erase("dtype"); })},
      {"no shape", kMalformed, name, header([=](json& tensors) { tensors[name].erase("shape"); })},
      {"no offsets", kMalformed, name,
       header([=](json& tensors) { tensors[name].erase("data_offsets"); })},
      {"shape of 2^63", kMalformed, name,
       header([=](json& tensors) { tensors[name]["shape"] = {uint64_t{1} << 63}; })},
      {"shape whose product wraps round", kMalformed, name, header([=](json& tensors) {
         tensors[name]["shape"] = {int64_t{1} << 32, int64_t{1} << 32, 128};
       })},
      {"negative shape", kMalformed, name,
       header([=](json& tensors) { tensors[name]["shape"] = {-128}; })},
      {"shape and offsets disagree", kMalformed, name,
       header([=](json& tensors) { tensors[name]["shape"] = {127}; })},
      {"shape as text", kMalformed, name,
       header([=](json& tensors) { tensors[name]["shape"] = "128"; })},
      {"offsets turned round", kMalformed, name, header([=](json& tensors) {
         json& offsets = tensors[name]["data_offsets"];
         std::swap(offsets[0], offsets[1]);
       })},
      {"offsets past the end", kMalformed, "model.", header([=](json& tensors) {
         for (json& offset : tensors[name]["data_offsets"])
           offset = offset.get<int64_t>() + 100000000;
       })},
      {"negative offset", kMalformed, name,
       header([=](json& tensors) { tensors[name]["data_offsets"][0] = -256; })},
      {"overlap", kMalformed, name, header([=](json& tensors) {
         tensors[name]["data_offsets"] =
             tensors["model.layers.0.input_layernorm.weight"]["data_offsets"];
       })},
      {"a hole", kMalformed, "model.", header([=](json& tensors) { tensors.erase(name); })},
      {"a tensor that is a number", kMalformed, name,
       header([=](json& tensors) { tensors[name] = 5; })},
      {"a field nobody knows", kMalformed, name,
       header([=](json& tensors) { tensors[name]["offset"] = 0; })},
      {"the same key twice", kMalformed, "model.layers.0.input_layernorm.weight",
       replaced("\"model.layers.1.input_layernorm.weight\"",
                "\"model.layers.0.input_layernorm.weight\"")},
  };
  expect_each("gemma3", Scope::model, cases);
}

TEST(MalformedCheckpoint, Files) {
  const auto no_tensors = [](TestCheckpoint& checkpoint) { checkpoint.tensors.clear(); };
  expect_each("llama3", Scope::model,
              {{"no tensors", kNotFound, "neither model.safetensors nor", no_tensors},
               {"another format", kUnsupported, "pytorch_model.bin",
                [&](TestCheckpoint& checkpoint) {
                  no_tensors(checkpoint);
                  checkpoint.files["pytorch_model.bin"] = "x";
                }},
               {"a folder instead", kNotFound, "neither model.safetensors nor",
                [&](TestCheckpoint& checkpoint) {
                  no_tensors(checkpoint);
                  checkpoint.files["model.safetensors.txt"] = "";
                }}});
}

TEST(MalformedCheckpoint, Index) {
  // The tensors in two shards; the cases change the map or the shards.
  const auto sharded = [](const std::function<void(TestCheckpoint&, json&)>& change) {
    return [=](TestCheckpoint& checkpoint) {
      json map = json::object();
      std::vector<TestTensor> shards[2];
      for (const TestTensor& tensor : checkpoint.tensors) {
        const size_t shard = tensor.name.find("layers.2") != std::string::npos ? 1 : 0;
        map[tensor.name] = shard == 0 ? "a.safetensors" : "b.safetensors";
        shards[shard].push_back(tensor);
      }
      checkpoint.tensors.clear();
      checkpoint.files["a.safetensors"] = test::safetensors_image(shards[0]);
      checkpoint.files["b.safetensors"] = test::safetensors_image(shards[1]);
      json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
      change(checkpoint, index);
      checkpoint.files.emplace("model.safetensors.index.json", index.dump());
    };
  };
  TestCheckpoint good = test::with_tokenizer("llama3");
  sharded([](TestCheckpoint&, json&) {})(good);
  EXPECT_NO_THROW((void)test::load(good, {.threads = 1}));
  const char* name = "model.layers.2.mlp.up_proj.weight";
  const auto mapped = [&](json to) {
    return sharded([=](TestCheckpoint&, json& index) { index["weight_map"][name] = to; });
  };
  expect_each(
      "llama3", Scope::model,
      {{"no JSON", kMalformed, "model.safetensors.index.json",
        sharded([](TestCheckpoint& checkpoint, json&) {
          checkpoint.files["model.safetensors.index.json"] = "{";
        })},
       {"no map", kMalformed, "weight_map",
        sharded([](TestCheckpoint&, json& index) { index.erase("weight_map"); })},
       {"an empty map", kMalformed, "maps no tensors",
        sharded([](TestCheckpoint&, json& index) { index["weight_map"] = json::object(); })},
       {"another shard, not there", kMalformed, name, mapped("c.safetensors")},
       {"a shard outside of the folder", kMalformed, name, mapped("../b.safetensors")},
       {"an absolute path", kMalformed, name, mapped("/etc/passwd")},
       {"a shard as number", kMalformed, name, mapped(2)},
       {"the other shard", kMalformed, name, mapped("a.safetensors")},
       {"a tensor not in the map", kMalformed, name,
        sharded([=](TestCheckpoint&, json& index) { index["weight_map"].erase(name); })},
       {"a tensor in no shard", kMalformed, "model.extra",
        sharded([](TestCheckpoint&, json& index) {
          index["weight_map"]["model.extra"] = "a.safetensors";
        })},
       {"a shard cut off", kMalformed, "b.safetensors",
        sharded([](TestCheckpoint& checkpoint, json&) {
          std::string& shard = checkpoint.files["b.safetensors"];
          shard.resize(shard.size() / 2);
        })},
       {"a shard missing", kNotFound, "b.safetensors",
        sharded(
            [](TestCheckpoint& checkpoint, json&) { checkpoint.files.erase("b.safetensors"); })},
       {"a shard that is no safetensors", kMalformed, "config.json", mapped("config.json")}});
}

TEST(MalformedCheckpoint, EndOfSequence) {
  const auto generation = [](const json& eos) {
    return file("generation_config.json", json{{"eos_token_id", eos}}.dump());
  };
  expect_each(
      "gemma3", Scope::texts,
      {{"outside of the vocabulary", kMalformed, "generation_config.json: eos_token_id is 512",
        generation(512)},
       {"negative", kMalformed, "eos_token_id is -1", generation(-1)},
       {"a list with one outside", kMalformed, "eos_token_id.1 is 99999", generation({1, 99999})},
       {"a list with text", kMalformed, "eos_token_id.1 is a string", generation({1, "<eos>"})},
       {"a list in a list", kMalformed, "eos_token_id.0 is an array",
        generation(json::array({json::array({1})}))},
       {"text", kMalformed, "eos_token_id is a string", generation("<eos>")},
       {"a fraction", kMalformed, "eos_token_id", generation(1.5)},
       {"larger than any id", kMalformed, "eos_token_id", generation(int64_t{1} << 40)},
       {"of config.json", kMalformed, "config.json: eos_token_id is 512",
        set("eos_token_id", 512)}});
  expect_each("gemma3", Scope::model,
              {{"no JSON", kMalformed, "generation_config.json is not valid JSON",
                file("generation_config.json", "{\"eos")},
               {"an array", kMalformed, "generation_config.json is an array",
                file("generation_config.json", "[]")}});
}

TEST(MalformedCheckpoint, Tokenizer) {
  const auto tokenizer = [](const std::function<void(json&)>& change) {
    return [=](TestCheckpoint& checkpoint) {
      json parsed = json::parse(checkpoint.files.at("tokenizer.json"));
      change(parsed);
      checkpoint.files["tokenizer.json"] = parsed.dump();
    };
  };
  const auto model = [&](const char* key, json value) {
    return tokenizer([=](json& parsed) { parsed["model"][key] = value; });
  };
  const auto vocabulary = [&](const char* token, json id) {
    return tokenizer([=](json& parsed) { parsed["model"]["vocab"][token] = id; });
  };
  const auto part = [&](const char* key, json value) {
    return tokenizer([=](json& parsed) { parsed[key] = value; });
  };
  expect_each(
      "gemma3", Scope::texts,
      {{"cut", kMalformed, "tokenizer.json is not valid JSON", file("tokenizer.json", "{\"ver")},
       {"empty", kMalformed, "tokenizer.json", file("tokenizer.json", "")},
       {"an array", kMalformed, "tokenizer.json", file("tokenizer.json", "[]")},
       {"no model", kMalformed, "\"model\"",
        tokenizer([](json& parsed) { parsed.erase("model"); })},
       {"another model", kUnsupported, "\"Unigram\"", model("type", "Unigram")},
       {"no vocabulary", kMalformed, "\"vocab\"",
        tokenizer([](json& parsed) { parsed["model"].erase("vocab"); })},
       {"vocabulary as list", kMalformed, "model.vocab", model("vocab", json::array())},
       {"the same id twice", kMalformed, "both have the id 261", vocabulary("b", 261)},
       {"an id left out", kMalformed, "512 tokens", vocabulary("b", 512)},
       {"a negative id", kMalformed, "\"b\" has the id -1", vocabulary("b", -1)},
       {"a huge id", kMalformed, "\"b\" has the id", vocabulary("b", int64_t{1} << 40)},
       {"an id as text", kMalformed, "the id of \"b\"", vocabulary("b", "262")},
       {"unknown token not there", kMalformed, "unk_token", model("unk_token", "<nothing>")},
       {"a merge of one", kMalformed, "merges.0", model("merges", {"ab"})},
       {"a merge of strangers", kMalformed, "\"xyz\" is not in the vocabulary",
        model("merges", {"a xyz"})},
       {"a merge into nothing", kMalformed, "\"ab\" is not in the vocabulary",
        model("merges", {"a b"})},
       {"a merge as number", kMalformed, "merges.0", model("merges", {7})},
       {"merges as text", kMalformed, "model.merges", model("merges", "a b")},
       {"dropout", kUnsupported, "dropout", model("dropout", 0.1)},
       {"added token with another id", kMalformed, "\"<bos>\"",
        tokenizer([](json& parsed) { parsed["added_tokens"][2]["id"] = 7; })},
       {"added token without content", kMalformed, "added_tokens.2",
        tokenizer([](json& parsed) { parsed["added_tokens"][2].erase("content"); })},
       {"added tokens as text", kMalformed, "added_tokens", part("added_tokens", "<bos>")},
       {"unknown normalizer", kUnsupported, "normalizer type \"Magic\"",
        part("normalizer", {{"type", "Magic"}})},
       {"unknown pre-tokenizer", kUnsupported, "pre_tokenizer type \"Magic\"",
        part("pre_tokenizer", {{"type", "Magic"}})},
       {"a regex that is none", kMalformed, "regex",
        part("pre_tokenizer", {{"type", "Split"},
                               {"pattern", {{"Regex", "(unclosed"}}},
                               {"behavior", "Isolated"},
                               {"invert", false}})},
       {"unknown decoder", kUnsupported, "decoder type \"Magic\"",
        part("decoder", {{"type", "Magic"}})},
       {"unknown post-processor", kUnsupported, "post_processor type \"Magic\"",
        part("post_processor", {{"type", "Magic"}})},
       {"a template with an id of no token", kMalformed, "post_processor",
        tokenizer([](json& parsed) {
          parsed["post_processor"]["special_tokens"]["<bos>"]["ids"] = {99999};
        })},
       {"tokenizer_config.json cut", kMalformed, "tokenizer_config.json",
        file("tokenizer_config.json", "{")},
       {"a bos that is no token", kMalformed, "bos_token",
        file("tokenizer_config.json", R"({"bos_token": "<nobody>"})")}});
}

// Bytes changed at random in the files that are parsed: an error or a model, nothing else.
TEST(MalformedCheckpoint, RandomBytes) {
  uint32_t state = 1;
  const auto random = [&](size_t below) {
    state = state * 1664525U + 1013904223U;
    return static_cast<size_t>((uint64_t{state} * below) >> 32);
  };
  TestCheckpoint good = test::with_tokenizer("gemma3");
  good.files["generation_config.json"] = R"({"eos_token_id": [1, 106], "temperature": 1.0})";
  good.files["tokenizer_config.json"] = R"({"bos_token": "<bos>", "add_bos_token": true})";
  const auto files = good.contents();
  const std::vector<std::string> names{"config.json", "generation_config.json", "model.safetensors",
                                       "tokenizer.json", "tokenizer_config.json"};
  int loaded = 0;
  constexpr int kRounds = test::rounds(400, 150);
  for (int round = 0; round < kRounds; ++round) {
    TestCheckpoint bad;
    bad.files = files;
    const std::string& name = names[random(names.size())];
    std::string& bytes = bad.files[name];
    // Of the tensors only the header: other weights are no less weights.
    const size_t reach = name == "model.safetensors" ? 8000 : bytes.size();
    for (size_t changes = 1 + random(3); changes > 0; --changes) {
      const size_t at = random(std::min(reach, bytes.size()));
      switch (random(4)) {
        case 0: bytes[at] = static_cast<char>(random(256)); break;
        case 1: bytes[at] = "0123456789-.eE\"{}[],:"[random(21)]; break;
        case 2: bytes.erase(at, 1 + random(8)); break;
        default:
          bytes.insert(at, bytes.substr(random(std::min(reach, bytes.size())), 1 + random(20)));
          break;
      }
    }
    try {
      const TextModel model = test::load(bad, {.threads = 1});
      ++loaded;
      (void)model.generate("ab c", {.max_tokens = 2}).text();
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::out_of_memory) << name << ": " << error.what();
      EXPECT_FALSE(std::string_view(error.what()).empty());
    }
  }
  std::cout << loaded << " of " << kRounds << " changed checkpoints still load\n";
}

}  // namespace
}  // namespace linnet
