// Noise checkpoints: what is written loads as the model it stands for, and its logits are finite.
#include "models/synth.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.hpp"
#include "engine/kv_sequence.hpp"
#include "models/registry.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using models::SynthFamily;
using models::SynthShape;
using test::expect_error;

/// A real shape with its sizes made small.
SynthShape small(std::string_view name) {
  SynthShape shape = models::find_synth_shape(name);
  shape.vocab_size = 512;
  shape.hidden_size = 128;
  shape.intermediate_size = 256;
  shape.num_hidden_layers = 7;
  shape.num_attention_heads = 4;
  shape.num_key_value_heads = 2;
  shape.head_dim = 32;
  return shape;
}

std::vector<float> logits_of(const io::Checkpoint& checkpoint) {
  const models::LoadedModel loaded =
      models::load(checkpoint, Device::cpu({.threads = 1}), {.compute = Compute::bf16});
  engine::KvPool pool(loaded.model->device(), loaded.model->cache_groups());
  engine::KvSequence cache(pool, 4, 4);
  const std::vector<int32_t> ids{5, 6, 7, 500};
  return loaded.model->forward(engine::single_batch(ids, 0, cache.extend(4, 0), true))
      .to_vector<float>();
}

TEST(Synth, SmallCheckpointsOfEveryFamilyRun) {
  for (const char* name :
       {"gemma3-1b", "gemma3-4b", "qwen3-0.6b", "qwen3-8b", "llama3-1b", "llama3-8b"}) {
    const test::TemporaryFolder folder;
    models::write_synth(small(name), folder.path() / "out");
    const auto logits = logits_of(io::Checkpoint::open(folder.path() / "out"));
    ASSERT_EQ(logits.size(), 4U * 512U) << name;
    double squares = 0;
    for (const float logit : logits) squares += static_cast<double>(logit) * logit;
    const double deviation = std::sqrt(squares / static_cast<double>(logits.size()));
    EXPECT_GT(deviation, 0.01) << name;
    EXPECT_LT(deviation, 10.0) << name;
  }
}

TEST(Synth, SameSeedSameBytesInAnyShards) {
  const test::TemporaryFolder folder;
  const SynthShape shape = small("qwen3-0.6b");
  models::write_synth(shape, folder.path() / "one");
  models::write_synth(shape, folder.path() / "same", {.shard_bytes = 300000});
  models::write_synth(shape, folder.path() / "other", {.seed = 1});
  const auto one = io::Checkpoint::open(folder.path() / "one");
  const auto same = io::Checkpoint::open(folder.path() / "same");
  const auto other = io::Checkpoint::open(folder.path() / "other");
  EXPECT_EQ(one.tensor_files().size(), 1U);
  EXPECT_GT(same.tensor_files().size(), 2U);
  EXPECT_EQ(same.tensor_count(), one.tensor_count());
  for (const std::string_view name : one.tensor_names()) {
    EXPECT_EQ(one.find(name)->bytes.text(), same.find(name)->bytes.text()) << name;
    EXPECT_NE(one.find(name)->bytes.text(), other.find(name)->bytes.text()) << name;
  }
}

TEST(Synth, QuantisedTensorsHaveTheLayoutOfMlx) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const test::TemporaryFolder folder;
    models::write_synth(small("gemma3-1b"), folder.path() / "out", {.quantization = {bits, 32}});
    const auto checkpoint = io::Checkpoint::open(folder.path() / "out");
    EXPECT_EQ(checkpoint.config().at("quantization").at("bits").as_integer(), bits);
    EXPECT_EQ(checkpoint.config().at("quantization").at("group_size").as_integer(), 32);
    const auto expect = [&](const char* name, io::StoredDType dtype, std::vector<int64_t> shape) {
      const auto tensor = checkpoint.find(name);
      ASSERT_TRUE(tensor) << name;
      EXPECT_EQ(tensor->dtype, dtype) << name;
      EXPECT_TRUE(std::ranges::equal(tensor->shape, shape)) << name;
    };
    using io::StoredDType;
    expect("model.embed_tokens.weight", StoredDType::u32, {512, 128 * bits / 32});
    expect("model.layers.6.mlp.down_proj.weight", StoredDType::u32, {128, 256 * bits / 32});
    expect("model.layers.6.mlp.down_proj.scales", StoredDType::bf16, {128, 8});
    expect("model.layers.6.mlp.down_proj.biases", StoredDType::bf16, {128, 8});
    expect("model.layers.0.self_attn.q_norm.weight", StoredDType::bf16, {32});
  }
}

/// Parameters and, as published, the sizes that a reader of the model cards would look up.
TEST(Synth, RealShapesHaveTheirParameters) {
  const std::vector<std::pair<std::string_view, int64_t>> published{
      {"gemma3-1b", 999885952},  {"gemma3-4b", 3880263168}, {"qwen3-0.6b", 596049920},
      {"qwen3-4b", 4022468096},  {"qwen3-8b", 8190735360},  {"llama3-1b", 1235814400},
      {"llama3-8b", 8030261248},
  };
  ASSERT_EQ(models::synth_shapes().size(), published.size());
  for (const auto& [name, parameters] : published) {
    int64_t elements = 0;
    for (const io::TensorSpec& spec : models::synth_tensors(models::find_synth_shape(name), {}))
      elements += io::stored_bytes(spec.dtype, spec.shape) / 2;
    EXPECT_EQ(elements, parameters) << name;
  }
}

TEST(Synth, RefusesByName) {
  expect_error(ErrorCode::not_found, "gemma3-1b, gemma3-4b",
               [] { models::find_synth_shape("gemma4"); });
  const test::TemporaryFolder folder;
  const auto write = [&](const Quantization& quantization, int64_t width) {
    SynthShape shape = small("llama3-1b");
    shape.hidden_size = width;
    models::write_synth(shape, folder.path() / "out", {.quantization = quantization});
  };
  expect_error(ErrorCode::invalid_argument, "7 bits", [&] { write({7, 64}, 128); });
  expect_error(ErrorCode::invalid_argument, "groups of 48", [&] { write({4, 48}, 128); });
  expect_error(ErrorCode::invalid_argument, "no multiple of the group size 128", [&] {
    write({4, 128}, 192);
  });
  // An error from the progress callback leaves nothing behind.
  expect_error(ErrorCode::cancelled, "enough", [&] {
    models::write_synth(
        small("llama3-1b"), folder.path() / "out",
        {.progress = [](int64_t, int64_t) { fail(ErrorCode::cancelled, "enough"); }});
  });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace linnet
