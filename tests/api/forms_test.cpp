// The forms in which the same model comes: config.json old and new, nested or not, tensors under
// their three prefixes, in one file or shards, stored in three types. Equal to the bit.
#include <gtest/gtest.h>

#include "api/model_folder.hpp"
#include "io/safetensors_writer.hpp"

namespace linnet {
namespace {

using nlohmann::json;
using test::TestCheckpoint;
using test::TestTensor;

std::vector<float> logits_of(const TextModel& model) {
  return model.logits(test::random_ids(75, 9));  // past gemma3's window and two blocks
}

std::vector<float> logits_of(const TestCheckpoint& checkpoint, Compute compute = Compute::bf16) {
  return logits_of(test::load(checkpoint, {.compute = compute, .threads = 2}));
}

/// gemma3's config.json as published checkpoints have it.
json old_gemma3_config(json config) {
  config.erase("rope_parameters");
  config.erase("layer_types");
  config.erase("_sliding_window_pattern");
  config.erase("dtype");
  config["rope_theta"] = 1000000.0;
  config["rope_local_base_freq"] = 10000.0;
  config["rope_scaling"] = nullptr;
  config["sliding_window_pattern"] = 6;
  config["torch_dtype"] = "bfloat16";
  config["cache_implementation"] = "hybrid";
  return config;
}

TEST(Forms, OldConfigOfGemma3) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  const auto expected = logits_of(checkpoint);
  checkpoint.config = old_gemma3_config(checkpoint.config);
  EXPECT_EQ(logits_of(checkpoint), expected);
  checkpoint.config["sliding_window_pattern"] = 3;
  EXPECT_NE(logits_of(checkpoint), expected) << "the pattern is read";
  checkpoint.config["sliding_window_pattern"] = 6;
  checkpoint.config["rope_local_base_freq"] = 20000.0;
  EXPECT_NE(logits_of(checkpoint), expected);
}

TEST(Forms, OldConfigsOfTheOthers) {
  for (const char* family : {"qwen3", "qwen2"}) {
    TestCheckpoint checkpoint = TestCheckpoint::reference(family);
    const auto expected = logits_of(checkpoint);
    checkpoint.config.erase("rope_parameters");
    checkpoint.config.erase("layer_types");
    checkpoint.config["rope_theta"] = 10000.0;
    checkpoint.config["rope_scaling"] = nullptr;
    EXPECT_EQ(logits_of(checkpoint), expected) << family;
    checkpoint.config["rope_theta"] = 1000000.0;
    EXPECT_NE(logits_of(checkpoint), expected) << family;
  }
  TestCheckpoint llama = TestCheckpoint::reference("llama3");
  const auto expected = logits_of(llama);
  json scaling = llama.config["rope_parameters"];
  scaling.erase("rope_theta");
  llama.config.erase("rope_parameters");
  llama.config["rope_scaling"] = scaling;
  llama.config["rope_theta"] = 500000.0;
  EXPECT_EQ(logits_of(llama), expected);
  llama.config.erase("head_dim");  // 128 / 4
  EXPECT_EQ(logits_of(llama), expected);
  llama.config.erase("rope_scaling");
  EXPECT_NE(logits_of(llama), expected) << "the scaling is not ignored";
}

/// A multimodal checkpoint around the text model: prefix of its tensors, names of the tower's.
TestCheckpoint multimodal(const std::string& prefix, const std::string& towers, bool old_config) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  json text = old_config ? old_gemma3_config(checkpoint.config) : checkpoint.config;
  checkpoint.config = {{"model_type", "gemma3"},
                       {"architectures", {"Gemma3ForConditionalGeneration"}},
                       {"eos_token_id", {1, 106}},
                       {"text_config", text},
                       {"vision_config", {{"hidden_size", 1152}, {"model_type", "siglip"}}}};
  for (TestTensor& tensor : checkpoint.tensors) {
    const std::string_view name = tensor.name;
    tensor.name = prefix + std::string(name.substr(std::string_view("model.").size()));
  }
  checkpoint.tensors.push_back({towers + "vision_tower.vision_model.post_layernorm.weight",
                                "F32",
                                {64},
                                std::string(256, '\x7f')});
  checkpoint.tensors.push_back(
      {towers + "multi_modal_projector.mm_soft_emb_norm.weight", "I32", {2}, std::string(8, 'x')});
  return checkpoint;
}

TEST(Forms, TextModelsInsideOfMultimodalCheckpoints) {
  const auto expected = logits_of(TestCheckpoint::reference("gemma3"));
  for (const bool old_config : {false, true}) {
    EXPECT_EQ(logits_of(multimodal("language_model.model.", "", old_config)), expected);
    EXPECT_EQ(logits_of(multimodal("model.language_model.", "model.", old_config)), expected);
  }
}

TEST(Forms, ATiedHeadMayBeWrittenOut) {
  for (const std::string family : {"gemma3", "qwen2"}) {
    TestCheckpoint checkpoint = TestCheckpoint::reference(family);
    const auto expected = logits_of(checkpoint);
    TestTensor head = checkpoint.tensor("model.embed_tokens.weight");
    head.name = "lm_head.weight";
    checkpoint.tensors.push_back(head);
    EXPECT_EQ(logits_of(checkpoint), expected) << family << ", tied";
    checkpoint.config["tie_word_embeddings"] = false;
    EXPECT_EQ(logits_of(checkpoint), expected) << family << ", two copies";
    auto values = checkpoint.tensor("lm_head.weight").floats();
    std::vector<BF16> negated;
    for (const float value : values) negated.push_back(to_bf16(-value));
    checkpoint.tensor("lm_head.weight").set("BF16", negated);
    auto opposite = logits_of(checkpoint);
    for (float& value : opposite) value = -value;
    EXPECT_EQ(opposite, expected) << family << ", a head of its own";
  }
}

TEST(Forms, OneFileOrShards) {
  const TextModel shards = load_model(test::reference_folder("qwen3"), {.threads = 2});
  EXPECT_EQ(logits_of(shards), logits_of(TestCheckpoint::reference("qwen3")));
}

// Through the library's own writer, whose order and padding differ from other writers'.
TEST(Forms, WrittenByOurOwnWriter) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("llama3");
  const auto expected = logits_of(checkpoint);
  const test::TemporaryFolder folder;
  std::vector<io::TensorSpec> specs;
  for (const TestTensor& tensor : checkpoint.tensors)
    specs.push_back({tensor.name, *io::parse_stored_dtype(tensor.dtype), tensor.shape});
  io::SafetensorsWriter writer(folder.path() / "model.safetensors", specs, {{"format", "pt"}});
  for (const io::TensorEntry& entry : writer.tensors())
    writer.write(entry.name, std::as_bytes(std::span(checkpoint.tensor(entry.name).bytes)));
  writer.commit();
  checkpoint.tensors.clear();
  checkpoint.write(folder.path());
  EXPECT_EQ(logits_of(load_model(folder.path(), {.threads = 2})), expected);
}

TEST(Forms, OldRotaryBuffersAreLeftAlone) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("llama3");
  const auto expected = logits_of(checkpoint);
  for (int i = 0; i < 4; ++i)
    checkpoint.tensors.push_back({fmt::format("model.layers.{}.self_attn.rotary_emb.inv_freq", i),
                                  "F32",
                                  {16},
                                  std::string(64, '\0')});
  EXPECT_EQ(logits_of(checkpoint), expected);
}

// Weights that all three types hold exactly: whatever the file has, the answer is the same.
TEST(Forms, StoredTypes) {
  for (const std::string family : {"gemma3", "qwen3", "qwen2", "llama3"}) {
    TestCheckpoint bf16 = TestCheckpoint::reference(family);
    for (TestTensor& tensor : bf16.tensors) {
      std::vector<BF16> values;
      for (const float value : tensor.floats())
        values.push_back(to_bf16(std::abs(value) < 0x1p-14F ? 0.0F : value));
      tensor.set("BF16", values);
    }
    TestCheckpoint f16 = bf16;
    TestCheckpoint f32 = bf16;
    TestCheckpoint mixed = bf16;
    for (size_t i = 0; i < bf16.tensors.size(); ++i) {
      const std::vector<float> values = bf16.tensors[i].floats();
      std::vector<F16> halves;
      for (const float value : values) {
        halves.push_back(to_f16(value));
        ASSERT_EQ(to_float(halves.back()), value);
      }
      f16.tensors[i].set("F16", halves);
      f32.tensors[i].set("F32", values);
      if (i % 3 == 0) mixed.tensors[i] = f16.tensors[i];
      if (i % 3 == 1) mixed.tensors[i] = f32.tensors[i];
    }
    for (const Compute compute : {Compute::bf16, Compute::f32}) {
      const auto expected = logits_of(bf16, compute);
      EXPECT_EQ(logits_of(f16, compute), expected) << family;
      EXPECT_EQ(logits_of(f32, compute), expected) << family;
      EXPECT_EQ(logits_of(mixed, compute), expected) << family;
    }
    const test::WrittenCheckpoint written(f16);
    EXPECT_EQ(inspect_model(written.path()).dtype, "f16");
  }
}

TEST(Forms, RopeScalingsLoadAndDiffer) {
  const json plain = {{"rope_type", "default"}, {"rope_theta", 10000.0}};
  json linear = plain;
  linear["rope_type"] = "linear";
  linear["factor"] = 4.0;
  json llama3 = plain;
  llama3.merge_patch({{"rope_type", "llama3"},
                      {"factor", 8.0},
                      {"low_freq_factor", 1.0},
                      {"high_freq_factor", 4.0},
                      {"original_max_position_embeddings", 64}});
  json yarn = plain;
  yarn.merge_patch(
      {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 128}});
  for (const std::string family : {"qwen3", "qwen2", "llama3"}) {
    TestCheckpoint checkpoint = TestCheckpoint::reference(family);
    std::vector<std::vector<float>> seen;
    for (const json& rope : {plain, linear, llama3, yarn}) {
      checkpoint.config["rope_parameters"] = rope;
      seen.push_back(logits_of(checkpoint));
      for (size_t i = 0; i + 1 < seen.size(); ++i)
        EXPECT_NE(seen[i], seen.back()) << family << ", " << rope.dump();
    }
    // The first position is not turned by any of them; yarn alone scales it.
    const auto first = [](const std::vector<float>& logits) {
      return std::vector<float>(logits.begin(), logits.begin() + 512);
    };
    EXPECT_EQ(first(seen[1]), first(seen[0])) << family;
    EXPECT_EQ(first(seen[2]), first(seen[0])) << family;
  }
}

}  // namespace
}  // namespace linnet
