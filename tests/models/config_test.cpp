// config.json in its old and new forms, what a family assumes where it is silent, and what is
// refused.
#include "models/config.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "base/math.hpp"
#include "models/registry.hpp"
#include "support/expect_error.hpp"
#include "support/test_checkpoint.hpp"

namespace linnet {
namespace {

using models::DecoderConfig;
using nlohmann::json;
using test::TestCheckpoint;

DevicePtr device() { return Device::cpu({.threads = 1}); }

DecoderConfig config_of(const io::Checkpoint& checkpoint) {
  return models::load(checkpoint, device(), {.plan_only = true}).model->config();
}

DecoderConfig config_of(const std::string& family, const json& changes) {
  TestCheckpoint checkpoint = TestCheckpoint::reference(family);
  checkpoint.config.merge_patch(changes);  // null takes a field away
  return config_of(checkpoint.in_memory());
}

void expect_same(const DecoderConfig& a, const DecoderConfig& b) {
  EXPECT_EQ(a.head_dim, b.head_dim);
  EXPECT_EQ(a.max_position_embeddings, b.max_position_embeddings);
  EXPECT_EQ(a.tie_word_embeddings, b.tie_word_embeddings);
  EXPECT_EQ(a.activation, b.activation);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].window, b.layers[i].window) << "layer " << i;
    EXPECT_EQ(a.rope[a.layers[i].rope].inverse, b.rope[b.layers[i].rope].inverse) << "layer " << i;
    EXPECT_EQ(a.rope[a.layers[i].rope].magnitude, b.rope[b.layers[i].rope].magnitude);
  }
}

std::vector<int64_t> windows_of(const DecoderConfig& config) {
  std::vector<int64_t> result;
  for (const models::LayerAttention& layer : config.layers) result.push_back(layer.window);
  return result;
}

using Windows = std::vector<int64_t>;

TEST(Config, OldAndNewFormsSayTheSame) {
  struct Case {
    const char* what;
    const char* family;
    json new_form;
    json old_form;
  };
  const json llama3 = {{"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 64},
                       {"rope_type", "llama3"}};
  json llama3_typed = llama3;  // the oldest name of rope_type
  llama3_typed["type"] = "llama3";
  llama3_typed.erase("rope_type");
  json llama3_with_theta = llama3;
  llama3_with_theta["rope_theta"] = 500000.0;
  const json linear = {{"factor", 8.0}, {"rope_type", "linear"}};
  json linear_with_theta = linear;
  linear_with_theta["rope_theta"] = 1000000.0;
  const json yarn = {
      {"factor", 4.0}, {"original_max_position_embeddings", 128}, {"rope_type", "yarn"}};
  json yarn_with_theta = yarn;
  yarn_with_theta["rope_theta"] = 1e6;
  const std::vector<Case> cases{
      {"gemma3",
       "gemma3",
       json::object(),
       {{"rope_parameters", nullptr},
        {"rope_theta", 1000000.0},
        {"rope_local_base_freq", 10000.0},
        {"layer_types", nullptr},
        {"sliding_window_pattern", 6},
        {"_sliding_window_pattern", nullptr}}},
      {"gemma3 with the pattern under its private name and every base left to the defaults",
       "gemma3",
       json::object(),
       {{"rope_parameters", nullptr}, {"layer_types", nullptr}}},
      {"gemma3 with linear scaling of the full layers",
       "gemma3",
       {{"rope_parameters", {{"full_attention", linear_with_theta}}}},
       {{"rope_parameters", nullptr}, {"rope_scaling", linear}, {"rope_theta", 1000000}}},
      {"qwen3",
       "qwen3",
       {{"rope_parameters", {{"rope_theta", 1e6}}}},
       {{"rope_parameters", nullptr}, {"rope_theta", 1000000}, {"layer_types", nullptr}}},
      {"qwen3 with a null rope_scaling",
       "qwen3",
       {{"rope_parameters", {{"rope_theta", 1e4}}}},
       {{"rope_parameters", nullptr}, {"layer_types", nullptr}}},
      {"qwen3 with yarn",
       "qwen3",
       {{"rope_parameters", yarn_with_theta}},
       {{"rope_parameters", nullptr}, {"rope_scaling", yarn}, {"rope_theta", 1e6}}},
      {"qwen2",
       "qwen2",
       json::object(),
       {{"rope_parameters", nullptr}, {"rope_theta", 1e4}, {"layer_types", nullptr}}},
      {"qwen2 with a window over the upper layers",
       "qwen2",
       {{"sliding_window", 64},
        {"layer_types",
         {"full_attention", "full_attention", "full_attention", "sliding_attention"}}},
       {{"sliding_window", 64},
        {"layer_types", nullptr},
        {"use_sliding_window", true},
        {"max_window_layers", 3}}},
      {"llama3",
       "llama3",
       json::object(),
       {{"rope_parameters", nullptr}, {"rope_scaling", llama3}, {"rope_theta", 500000.0}}},
      {"llama3, oldest name",
       "llama3",
       {{"rope_parameters", llama3_with_theta}},
       {{"rope_parameters", nullptr}, {"rope_scaling", llama3_typed}, {"rope_theta", 500000}}},
      {"llama3 without head_dim", "llama3", json::object(), {{"head_dim", nullptr}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    expect_same(config_of(c.family, c.new_form), config_of(c.family, c.old_form));
  }
}

TEST(Config, LayerPatternsOfGemma3) {
  const json old = {{"layer_types", nullptr}, {"_sliding_window_pattern", nullptr}};
  EXPECT_EQ(windows_of(config_of("gemma3", old)), (Windows{16, 16, 16, 16, 16, 0, 16}));
  json third = old;
  third["sliding_window_pattern"] = 3;
  EXPECT_EQ(windows_of(config_of("gemma3", third)), (Windows{16, 16, 0, 16, 16, 0, 16}));
  json full = old;
  full["sliding_window_pattern"] = 1;
  EXPECT_EQ(windows_of(config_of("gemma3", full)), (Windows(7, 0)));
  json default_window = old;
  default_window["sliding_window"] = nullptr;
  EXPECT_EQ(windows_of(config_of("gemma3", default_window))[0], 4096);
}

TEST(Config, WindowsOfQwen) {
  const auto windows = [](const json& changes) { return windows_of(config_of("qwen2", changes)); };
  // sliding_window alone does nothing, as in transformers.
  EXPECT_EQ(windows({{"layer_types", nullptr}, {"sliding_window", 64}}), (Windows(4, 0)));
  const auto upper = [&](const json& first) {
    return windows({{"layer_types", nullptr},
                    {"sliding_window", 64},
                    {"use_sliding_window", true},
                    {"max_window_layers", first}});
  };
  EXPECT_EQ(upper(0), (Windows(4, 64)));
  EXPECT_EQ(upper(2), (Windows{0, 0, 64, 64}));
  EXPECT_EQ(upper(nullptr), (Windows(4, 0))) << "28 layers are full by default";
  EXPECT_EQ(upper(-3), (Windows(4, 64)));
}

// The ropes themselves, against their formulas.
TEST(Config, RopeFrequencies) {
  const auto plain = [](double theta, int64_t head_dim) {
    std::vector<float> result;
    for (int64_t i = 0; i < head_dim / 2; ++i)
      result.push_back(static_cast<float>(
          std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim))));
    return result;
  };
  const auto near = [](const std::vector<float>& a, std::vector<float> b, float factor = 1) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i] / (b[i] / factor), 1, 1e-6) << i;
  };
  const DecoderConfig gemma = config_of("gemma3", json::object());
  near(gemma.rope[gemma.layers[5].rope].inverse, plain(1e6, 64));
  near(gemma.rope[gemma.layers[0].rope].inverse, plain(1e4, 64));
  const DecoderConfig linear = config_of(
      "gemma3",
      {{"rope_parameters", nullptr}, {"rope_scaling", {{"type", "linear"}, {"factor", 8}}}});
  near(linear.rope[linear.layers[5].rope].inverse, plain(1e6, 64), 8);
  near(linear.rope[linear.layers[0].rope].inverse, plain(1e4, 64));
  const DecoderConfig yarn = config_of(
      "qwen3",
      {{"rope_parameters",
        {{"rope_type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 128}}}});
  EXPECT_NEAR(yarn.rope[0].magnitude, 0.1 * std::log(4.0) + 1, 1e-6);
  EXPECT_NEAR(yarn.rope[0].inverse.front(), 1, 1e-6);
  EXPECT_NEAR(yarn.rope[0].inverse.back(), plain(1e4, 64).back() / 4, 1e-6);
  // Without a factor it is what the context grew by: 512 / 128.
  const DecoderConfig grown = config_of(
      "qwen3",
      {{"rope_parameters", {{"rope_type", "yarn"}, {"original_max_position_embeddings", 128}}}});
  expect_same(yarn, grown);
}

// The text_config that google/gemma-3-4b-it carries, over a checkpoint of its size (8 GB of address
// space, of which only the header is ever touched): the tensors of the real model fit its defaults.
TEST(Config, BareTextConfigOfGemma3With4BillionParameters) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> tensors{
      {"language_model.model.embed_tokens.weight", {262208, 2560}},
      {"language_model.model.norm.weight", {2560}},
      {"vision_tower.vision_model.embeddings.patch_embedding.weight", {1152, 3, 14, 14}},
      {"multi_modal_projector.mm_input_projection_weight", {1152, 2560}}};
  for (int i = 0; i < 34; ++i) {
    const std::string layer = fmt::format("language_model.model.layers.{}.", i);
    for (const char* norm : {"input_layernorm", "post_attention_layernorm",
                             "pre_feedforward_layernorm", "post_feedforward_layernorm"})
      tensors.push_back({layer + norm + ".weight", {2560}});
    tensors.push_back({layer + "self_attn.q_norm.weight", {256}});
    tensors.push_back({layer + "self_attn.k_norm.weight", {256}});
    tensors.push_back({layer + "self_attn.q_proj.weight", {2048, 2560}});
    tensors.push_back({layer + "self_attn.k_proj.weight", {1024, 2560}});
    tensors.push_back({layer + "self_attn.v_proj.weight", {1024, 2560}});
    tensors.push_back({layer + "self_attn.o_proj.weight", {2560, 2048}});
    tensors.push_back({layer + "mlp.gate_proj.weight", {10240, 2560}});
    tensors.push_back({layer + "mlp.up_proj.weight", {10240, 2560}});
    tensors.push_back({layer + "mlp.down_proj.weight", {2560, 10240}});
  }
  json header = json::object();
  uint64_t offset = 0;
  for (const auto& [name, shape] : tensors) {
    uint64_t bytes = 2;
    for (const int64_t extent : shape) bytes *= static_cast<uint64_t>(extent);
    header[name] = {
        {"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  const size_t size = sizeof(length) + text.size() + offset;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::shared_ptr<const void> owner(
      memory, [size](const void* address) { ::munmap(const_cast<void*>(address), size); });
  std::memcpy(memory, &length, sizeof(length));
  std::memcpy(static_cast<char*>(memory) + sizeof(length), text.data(), text.size());
  const std::string config = R"({"architectures": ["Gemma3ForConditionalGeneration"],
    "boi_token_index": 255999, "eoi_token_index": 256000, "eos_token_id": [1, 106],
    "image_token_index": 262144, "initializer_range": 0.02, "mm_tokens_per_image": 256,
    "model_type": "gemma3",
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
      "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
      "sliding_window": 1024},
    "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0",
    "vision_config": {"hidden_size": 1152, "image_size": 896, "model_type": "siglip_vision_model"}
  })";
  const io::Checkpoint checkpoint = io::Checkpoint::from_files(
      {{"config.json", {std::as_bytes(std::span(config)), nullptr}},
       {"model.safetensors", {{static_cast<const std::byte*>(memory), size}, owner}}},
      "gemma-3-4b");
  const models::LoadedModel planned = models::load(checkpoint, device(), {.plan_only = true});
  const DecoderConfig& c = planned.model->config();
  EXPECT_EQ(c.vocab_size, 262208);
  EXPECT_EQ(c.num_attention_heads, 8);
  EXPECT_EQ(c.num_key_value_heads, 4);
  EXPECT_EQ(c.head_dim, 256);
  EXPECT_EQ(c.max_position_embeddings, 131072);
  EXPECT_EQ(c.rms_norm_eps, 1e-6);
  EXPECT_TRUE(c.tie_word_embeddings);
  EXPECT_EQ(c.activation, ops::Activation::gelu_tanh);
  ASSERT_EQ(c.layers.size(), 34U);
  for (size_t i = 0; i < 34; ++i) EXPECT_EQ(c.layers[i].window, (i + 1) % 6 == 0 ? 0 : 1024);
  EXPECT_NEAR(c.rope[c.layers[5].rope].inverse.front(), 1.0 / 8, 1e-7);
  EXPECT_NEAR(c.rope[c.layers[0].rope].inverse.front(), 1, 1e-7);
  EXPECT_NEAR(c.rope[c.layers[5].rope].inverse.back() * 8, std::pow(1e6, -254.0 / 256), 1e-12);
  EXPECT_NEAR(c.rope[c.layers[0].rope].inverse.back(), std::pow(1e4, -254.0 / 256), 1e-9);
  EXPECT_EQ(planned.elements, 3880263168) << "the text model alone";
  EXPECT_EQ(planned.main_dtype, DType::bf16);
}

TEST(Config, DefaultsOfTheOtherFamilies) {
  const auto without = [](const char* family, std::initializer_list<const char*> keys) {
    json changes = json::object();
    for (const char* key : keys) changes[key] = nullptr;
    return config_of(family, changes);
  };
  EXPECT_EQ(without("llama3", {"max_position_embeddings"}).max_position_embeddings, 2048);
  EXPECT_EQ(without("qwen2", {"max_position_embeddings"}).max_position_embeddings, 32768);
  EXPECT_EQ(without("qwen3", {"max_position_embeddings"}).max_position_embeddings, 32768);
  EXPECT_EQ(without("llama3", {"hidden_act"}).activation, ops::Activation::silu);
  EXPECT_EQ(without("gemma3", {"hidden_activation"}).activation, ops::Activation::gelu_tanh);
  EXPECT_EQ(without("llama3", {"rms_norm_eps"}).rms_norm_eps, 1e-6);
  EXPECT_FALSE(without("llama3", {"tie_word_embeddings"}).tie_word_embeddings);
  EXPECT_TRUE(without("gemma3", {"tie_word_embeddings"}).tie_word_embeddings);
  // Integers that were written as floats.
  EXPECT_EQ(config_of("llama3", {{"hidden_size", 128.0}}).hidden_size, 128);
}

TEST(Config, ActivationsByAllTheirNames) {
  const auto activation = [](const char* name) {
    return config_of("llama3", {{"hidden_act", name}}).activation;
  };
  EXPECT_EQ(activation("silu"), ops::Activation::silu);
  EXPECT_EQ(activation("swish"), ops::Activation::silu);
  EXPECT_EQ(activation("gelu"), ops::Activation::gelu);
  EXPECT_EQ(activation("gelu_pytorch_tanh"), ops::Activation::gelu_tanh);
  test::expect_error(ErrorCode::unsupported, "hidden_act \"relu2\"", [&] { activation("relu2"); });
}

TEST(Config, FamiliesByModelType) {
  for (const models::Family& family : models::families()) EXPECT_NE(family.load, nullptr);
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  EXPECT_EQ(models::family_of(checkpoint.in_memory()).architecture, "Gemma3ForCausalLM");
  checkpoint.config["model_type"] = "gpt2";
  test::expect_error(ErrorCode::unsupported,
                     "model_type \"gpt2\" is not one of gemma3_text, gemma3, qwen3, qwen2, llama",
                     [&] { (void)models::family_of(checkpoint.in_memory()); });
}

}  // namespace
}  // namespace linnet
