// What a checkpoint is, what it will take, and the options of loading.
#include <gtest/gtest.h>

#include <stdexcept>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::TestCheckpoint;
using test::WrittenCheckpoint;

class LoadFamily : public testing::TestWithParam<std::string> {};

TEST_P(LoadFamily, InspectingTellsWhatLoadingTells) {
  const auto folder = test::reference_folder(GetParam());
  const ModelInfo info = inspect_model(folder);
  const TextModel model = load_model(folder, {.threads = 1});
  EXPECT_EQ(info.name, folder.string());
  EXPECT_EQ(model.info().name, info.name);
  EXPECT_EQ(model.info().parameters, info.parameters);
  EXPECT_EQ(model.info().stored_bytes, info.stored_bytes);
  const nlohmann::json config = TestCheckpoint::reference(GetParam()).config;
  int64_t elements = 0;
  for (const test::TestTensor& tensor : TestCheckpoint::reference(GetParam()).tensors)
    elements += static_cast<int64_t>(tensor.bytes.size() / 2);
  EXPECT_EQ(info.parameters, elements);
  EXPECT_EQ(info.stored_bytes, 2 * elements);
  EXPECT_EQ(info.dtype, "bf16");
  EXPECT_EQ(info.quantization, "none");
  EXPECT_EQ(info.model_type, config["model_type"]);
  EXPECT_EQ(info.vocab_size, config["vocab_size"]);
  EXPECT_EQ(info.hidden_size, config["hidden_size"]);
  EXPECT_EQ(info.intermediate_size, config["intermediate_size"]);
  EXPECT_EQ(info.num_layers, config["num_hidden_layers"]);
  EXPECT_EQ(info.num_attention_heads, config["num_attention_heads"]);
  EXPECT_EQ(info.num_key_value_heads, config["num_key_value_heads"]);
  EXPECT_EQ(info.head_dim, GetParam() == "qwen2" ? 32 : config["head_dim"].get<int64_t>());
  EXPECT_EQ(info.max_context_length, 512);
  EXPECT_EQ(info.tied_embeddings, config["tie_word_embeddings"].get<bool>());
  EXPECT_FALSE(info.has_tokenizer);
  EXPECT_EQ(info.sliding_window, GetParam() == "gemma3" ? 16 : 0);
  EXPECT_EQ(info.sliding_layers, GetParam() == "gemma3" ? 6 : 0);
  int64_t bytes = 0;
  for (const ModelFile& file : info.files) {
    EXPECT_EQ(file.bytes, static_cast<int64_t>(std::filesystem::file_size(folder / file.name)));
    if (file.name.starts_with("model") && file.name.ends_with(".safetensors")) bytes += file.bytes;
  }
  EXPECT_GT(bytes, info.stored_bytes);
}

TEST_P(LoadFamily, WeightBytesOfThePlanAreExact) {
  for (const Compute compute : {Compute::bf16, Compute::f32}) {
    const LoadOptions options{.compute = compute, .threads = 2};
    const auto folder = test::reference_folder(GetParam());
    const MemoryPlan plan = plan_model(folder, options);
    const TextModel model = load_model(folder, options);
    EXPECT_EQ(model.memory().active_bytes, plan.weight_bytes);
    EXPECT_EQ(model.plan().weight_bytes, plan.weight_bytes);
    EXPECT_EQ(model.plan().total_bytes, plan.total_bytes);
    EXPECT_EQ(plan.total_bytes, plan.weight_bytes + plan.kv_cache_bytes + plan.workspace_bytes);
    EXPECT_EQ(plan.context_length, 512);
    EXPECT_LE(model.memory().peak_bytes, plan.total_bytes) << "loading itself";
  }
}

TEST(Load, AnAdapterIsPlannedBesideTheWeights) {
  const auto folder = test::reference_folder("qwen3");
  LoadOptions options{.threads = 2, .adapter = test::reference_folder("qwen3-peft-lora")};
  const MemoryPlan plan = plan_model(folder, options);
  EXPECT_EQ(plan.weight_bytes, plan_model(folder, {.threads = 2}).weight_bytes);
  EXPECT_GT(plan.adapter_bytes, 0);
  EXPECT_EQ(plan.total_bytes,
            plan.weight_bytes + plan.adapter_bytes + plan.kv_cache_bytes + plan.workspace_bytes);
  EXPECT_EQ(load_model(folder, options).memory().active_bytes,
            plan.weight_bytes + plan.adapter_bytes);
  options.memory_budget = plan.weight_bytes + plan.workspace_bytes;
  test::expect_error(ErrorCode::out_of_memory, "for the adapter",
                     [&] { static_cast<void>(load_model(folder, options)); });
}

INSTANTIATE_TEST_SUITE_P(Families, LoadFamily, testing::ValuesIn(test::reference_families()),
                         [](const auto& info) { return info.param; });

TEST(Load, TheTensorsOfATowerAreNoParameters) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  const int64_t expected = inspect_model(test::reference_folder("gemma3")).parameters;
  const nlohmann::json text = checkpoint.config;
  checkpoint.config = {{"model_type", "gemma3"}, {"text_config", text}};
  for (test::TestTensor& tensor : checkpoint.tensors) tensor.name = "language_model." + tensor.name;
  checkpoint.tensors.push_back(
      {"vision_tower.patch.weight", "F32", {1000}, std::string(4000, '\0')});
  const WrittenCheckpoint written(checkpoint);
  const ModelInfo info = inspect_model(written.path());
  EXPECT_EQ(info.parameters, expected);
  EXPECT_EQ(info.stored_bytes, 2 * expected);
  EXPECT_EQ(info.architecture, "Gemma3ForConditionalGeneration");
}

TEST(Load, PlansGrowWithTheContext) {
  const auto folder = test::reference_folder("llama3");
  const auto plan = [&](int64_t context, Compute compute = Compute::bf16) {
    return plan_model(folder, {.compute = compute, .context_length = context});
  };
  EXPECT_EQ(plan(100).context_length, 100);
  EXPECT_EQ(plan(256).kv_cache_bytes, 8 * plan(32).kv_cache_bytes);
  EXPECT_EQ(plan(256, Compute::f32).kv_cache_bytes, 2 * plan(256).kv_cache_bytes);
  EXPECT_EQ(plan(256).weight_bytes, plan(32).weight_bytes);
  EXPECT_LT(plan(32).workspace_bytes, plan(512).workspace_bytes);
  // One full layer of seven in gemma3: the others stop at the window and one chunk.
  TestCheckpoint gemma = test::with_tokenizer("gemma3", 100000);
  const WrittenCheckpoint written(gemma);
  const auto kv = [&](int64_t context) {
    return plan_model(written.path(), {.context_length = context}).kv_cache_bytes;
  };
  const int64_t block = kv(32) / 7;  // of one layer, about (the pool rounds)
  EXPECT_NEAR(static_cast<double>(kv(64000) - kv(32000)), static_cast<double>(1000 * block),
              static_cast<double>(130 * block));
}

TEST(Load, ContextLengthIsWhatARequestMayReach) {
  const TextModel model =
      load_model(test::reference_folder("qwen2"), {.context_length = 40, .threads = 1});
  EXPECT_EQ(model.plan().context_length, 40);
  EXPECT_EQ(model.info().max_context_length, 512);
  const auto ids = test::random_ids(30, 1);
  Generation generation = model.generate(ids, {.max_tokens = 100, .logit_bias = {{1, -1e9F}}});
  EXPECT_EQ(test::ids_of(std::move(generation)).size(), 10U);
  test::expect_error(ErrorCode::invalid_argument, "41 tokens, the context takes 40",
                     [&] { (void)model.generate(test::random_ids(41, 1)); });
}

TEST(Load, ProgressCountsToTheEnd) {
  for (const bool nested : {false, true}) {
    TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
    if (nested) {  // what is not read does not count
      checkpoint.tensors.push_back(
          {"vision_tower.patch.weight", "F32", {1000}, std::string(4000, '\0')});
    }
    std::vector<LoadProgress> steps;
    LoadOptions options{.threads = 1};
    options.progress = [&](const LoadProgress& progress) { steps.push_back(progress); };
    const TextModel model = test::load(checkpoint, options);
    ASSERT_GT(steps.size(), 50U);
    for (size_t i = 1; i < steps.size(); ++i) {
      EXPECT_GT(steps[i].done_bytes, steps[i - 1].done_bytes);
      EXPECT_EQ(steps[i].total_bytes, steps[0].total_bytes);
    }
    EXPECT_EQ(steps.back().done_bytes, steps.back().total_bytes);
    EXPECT_EQ(steps.back().total_bytes, model.info().stored_bytes);
  }
}

TEST(Load, AnExceptionFromProgressEndsTheLoading) {
  int calls = 0;
  LoadOptions options{.threads = 1};
  options.progress = [&](const LoadProgress&) {
    if (++calls == 3) throw std::runtime_error("enough");
  };
  EXPECT_THROW((void)load_model(test::reference_folder("qwen2"), options), std::runtime_error);
  EXPECT_EQ(calls, 3);
}

TEST(Load, OptionsOutOfRangeAreNamed) {
  const auto fails = [](const LoadOptions& options, std::string_view part) {
    test::expect_error(ErrorCode::invalid_argument, part,
                       [&] { (void)load_model(test::reference_folder("qwen2"), options); });
  };
  fails({.context_length = -1}, "context_length -1 is outside 0..512");
  fails({.context_length = 513}, "context_length 513 is outside 0..512");
  fails({.memory_budget = -5}, "memory_budget -5");
  fails({.threads = -1}, "threads -1");
  fails({.threads = 5000}, "threads 5000");
}

TEST(Load, WhatIsNotThereIsNotFound) {
  const test::TemporaryFolder empty;
  for (const auto& path : {empty.path() / "nowhere", empty.path()}) {
    const std::string part = path.string();
    test::expect_error(ErrorCode::not_found, part, [&] { (void)load_model(path); });
    test::expect_error(ErrorCode::not_found, part, [&] { (void)inspect_model(path); });
    test::expect_error(ErrorCode::not_found, part, [&] { (void)plan_model(path); });
  }
  test::expect_error(ErrorCode::not_found, "config.json",
                     [&] { (void)load_model(test::reference_folder("qwen2") / "config.json"); });
}

// A loaded model needs its folder no more.
TEST(Load, TheFolderMayGoAway) {
  std::optional<WrittenCheckpoint> written(test::with_tokenizer("gemma3"));
  const TextModel model = load_model(written->path(), {.threads = 1});
  const auto ids = test::random_ids(20, 1);
  const std::vector<float> before = model.logits(ids);
  written.reset();
  EXPECT_EQ(model.logits(ids), before);
  EXPECT_EQ(model.encode("ab").size(), 3U);
}

}  // namespace
}  // namespace linnet
