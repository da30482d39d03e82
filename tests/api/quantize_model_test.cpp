// Quantising on disk: MLX's own files to the bit, whole or not at all.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using nlohmann::json;
using test::TestCheckpoint;
using test::TestTensor;

std::vector<std::string> entries(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

/// The same tensors, in any order and number of files.
void expect_same_tensors(const std::filesystem::path& found, const std::filesystem::path& wanted) {
  const io::Checkpoint a = io::Checkpoint::open(found);
  const io::Checkpoint b = io::Checkpoint::open(wanted);
  EXPECT_EQ(a.tensor_count(), b.tensor_count());
  for (const std::string_view name : b.tensor_names()) {
    SCOPED_TRACE(name);
    const auto x = a.find(name);
    const auto y = b.find(name);
    ASSERT_TRUE(x);
    EXPECT_EQ(x->dtype, y->dtype);
    EXPECT_TRUE(std::ranges::equal(x->shape, y->shape));
    EXPECT_TRUE(x->bytes.text() == y->bytes.text());
  }
}

json config_of(const std::filesystem::path& folder) {
  std::ifstream file(folder / "config.json");
  return json::parse(file);
}

struct Reference {
  std::string family;
  QuantizeOptions quantize;
};

class QuantizeModel : public testing::TestWithParam<Reference> {};

TEST_P(QuantizeModel, WritesMlxsTensorsToTheBit) {
  const auto& [family, quantize] = GetParam();
  const test::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  const auto reference =
      test::reference_folder(fmt::format("{}-{}-{}", family, quantize.bits, quantize.group_size));
  std::vector<int64_t> done;
  int64_t total = 0;
  quantize_model(test::reference_folder(family), out,
                 {.quantize = quantize, .threads = 2, .progress = [&](const LoadProgress& p) {
                    done.push_back(p.done_bytes);
                    total = p.total_bytes;
                  }});
  expect_same_tensors(out, reference);
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.back(), total);
  EXPECT_EQ(total, inspect_model(test::reference_folder(family)).stored_bytes);

  const json entry = {
      {"bits", quantize.bits}, {"group_size", quantize.group_size}, {"mode", "affine"}};
  json expected = config_of(test::reference_folder(family));
  expected["quantization"] = expected["quantization_config"] = entry;
  EXPECT_EQ(config_of(out), expected);
  EXPECT_EQ(entries(out),
            (std::vector<std::string>{"config.json", "golden.json", "model.safetensors"}));
  EXPECT_EQ(entries(folder.path()), std::vector<std::string>{"out"});
  const auto file = io::SafetensorsFile::open(out / "model.safetensors");
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "mlx"}}));

  // Quantised on disk or while loading: one model.
  const std::vector<int32_t> ids{5, 17, 99, 400, 3};
  const auto on_disk = load_model(out, {.threads = 1}).logits(ids);
  const auto at_load =
      load_model(test::reference_folder(family), {.quantize = quantize, .threads = 1}).logits(ids);
  EXPECT_TRUE(std::ranges::equal(on_disk, at_load));
}

INSTANTIATE_TEST_SUITE_P(References, QuantizeModel,
                         testing::Values(Reference{"gemma3", {4, 64}}, Reference{"gemma3", {8, 32}},
                                         Reference{"qwen3", {4, 64}}, Reference{"qwen2", {8, 64}},
                                         Reference{"llama3", {4, 32}},
                                         Reference{"llama3", {6, 64}}),
                         [](const auto& info) {
                           return fmt::format("{}_{}_{}", info.param.family,
                                              info.param.quantize.bits,
                                              info.param.quantize.group_size);
                         });

TEST(QuantizeModelOnDisk, InShardsOfAnySize) {
  const auto source = test::reference_folder("llama3");
  for (const int64_t bytes : {int64_t{1}, int64_t{40'000}, int64_t{300'000}}) {
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    quantize_model(source, out, {.quantize = {4, 32}, .shard_bytes = bytes, .threads = 1});
    expect_same_tensors(out, test::reference_folder("llama3-4-32"));
    EXPECT_GT(io::Checkpoint::open(out).tensor_files().size(), 1U);
    EXPECT_TRUE(std::filesystem::exists(out / "model.safetensors.index.json"));
  }
}

TEST(QuantizeModelOnDisk, NothingIsLeftOfWorkThatStops) {
  for (int stop_at = 1; stop_at < 45; stop_at += 7) {
    const test::TemporaryFolder folder;
    int calls = 0;
    const auto stop = [&](const LoadProgress&) {
      if (++calls == stop_at) throw std::runtime_error("enough");
    };
    EXPECT_THROW(quantize_model(test::reference_folder("gemma3"), folder.path() / "out",
                                {.threads = 1, .progress = stop}),
                 std::runtime_error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
}

TEST(QuantizeModelOnDisk, TakesCompanionsAndLeavesTheRest) {
  TestCheckpoint checkpoint = test::with_tokenizer("gemma3");
  for (const char* name :
       {"tokenizer_config.json", "generation_config.json", "special_tokens_map.json",
        "chat_template.jinja", "tokenizer.model", "merges.txt", "modeling_x.py", "LICENSE"})
    checkpoint.files[name] = name == std::string("generation_config.json") ? "{}" : name;
  for (const char* name : {"pytorch_model.bin", "model.gguf", "consolidated.safetensors",
                           "pytorch_model.bin.index.json", "README.md", ".gitattributes"})
    checkpoint.files[name] = name;
  const test::WrittenCheckpoint source(checkpoint);
  const test::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  quantize_model(source.path(), out, {.threads = 1});
  EXPECT_EQ(entries(out),
            (std::vector<std::string>{"LICENSE", "chat_template.jinja", "config.json",
                                      "generation_config.json", "merges.txt", "model.safetensors",
                                      "modeling_x.py", "special_tokens_map.json", "tokenizer.json",
                                      "tokenizer.model", "tokenizer_config.json"}));
  std::ifstream file(out / "tokenizer.json");
  EXPECT_EQ(json::parse(file), test::small_tokenizer());
}

TEST(QuantizeModelOnDisk, OfAMultimodalCheckpointTheTextModel) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  for (TestTensor& tensor : checkpoint.tensors) tensor.name = "language_model." + tensor.name;
  checkpoint.tensors.push_back({"vision_tower.w", "BF16", {2}, "abcd"});
  checkpoint.config = {{"model_type", "gemma3"},
                       {"text_config", checkpoint.config},
                       {"vision_config", {{"hidden_size", 8}}}};
  const test::WrittenCheckpoint source(checkpoint);
  const test::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  quantize_model(source.path(), out, {.threads = 1});
  const io::Checkpoint written = io::Checkpoint::open(out);
  EXPECT_TRUE(written.find("language_model.model.layers.0.mlp.up_proj.scales"));
  EXPECT_FALSE(written.find("vision_tower.w"));
  EXPECT_FALSE(config_of(out).contains("vision_config"));
  const std::vector<int32_t> ids{5, 17, 99};
  EXPECT_TRUE(std::ranges::equal(
      load_model(out, {.threads = 1}).logits(ids),
      load_model(test::reference_folder("gemma3-4-64"), {.threads = 1}).logits(ids)));
}

TEST(QuantizeModelOnDisk, KeepsTheTypesOfTheSource) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("llama3");
  for (TestTensor& tensor : checkpoint.tensors) tensor.set("F32", tensor.floats());
  const test::WrittenCheckpoint source(checkpoint);
  const test::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  quantize_model(source.path(), out, {.quantize = {8, 64}, .threads = 1});
  const io::Checkpoint written = io::Checkpoint::open(out);
  EXPECT_EQ(written.find("model.norm.weight")->dtype, io::StoredDType::f32);
  EXPECT_EQ(written.find("lm_head.scales")->dtype, io::StoredDType::f32);
  EXPECT_EQ(inspect_model(out).dtype, "f32");
}

TEST(QuantizeModelOnDisk, DropsTheCopyOfATiedHead) {
  TestCheckpoint checkpoint = TestCheckpoint::reference("gemma3");
  TestTensor head = checkpoint.tensor("model.embed_tokens.weight");
  head.name = "lm_head.weight";
  checkpoint.tensors.push_back(head);
  const test::WrittenCheckpoint source(checkpoint);
  const test::TemporaryFolder folder;
  quantize_model(source.path(), folder.path() / "out", {.threads = 1});
  expect_same_tensors(folder.path() / "out", test::reference_folder("gemma3-4-64"));
}

TEST(QuantizeModelOnDisk, LeavesWhatDoesNotDivideDense) {
  const test::TemporaryFolder folder;
  const auto out = folder.path() / "out";
  quantize_model(test::reference_folder("qwen3"), out, {.quantize = {4, 128}, .threads = 1});
  const ModelInfo info = inspect_model(out);
  ASSERT_EQ(info.formats.size(), 2U);
  EXPECT_EQ(info.formats[0].matrices, 26);
  EXPECT_EQ(info.formats[1].bits, 0);
  EXPECT_EQ(info.formats[1].first, "model.layers.0.mlp.down_proj.weight");
  const std::vector<int32_t> ids{5, 17, 99};
  EXPECT_TRUE(std::ranges::equal(
      load_model(out, {.threads = 1}).logits(ids),
      load_model(test::reference_folder("qwen3"), {.quantize = {4, 128}, .threads = 1})
          .logits(ids)));
}

TEST(QuantizeModelOnDisk, ReplacesOnlyWhatItMay) {
  const test::TemporaryFolder folder;
  const auto source = test::reference_folder("llama3");
  const auto out = folder.path() / "out";
  quantize_model(source, out, {.quantize = {6, 64}, .threads = 1});
  test::expect_error(ErrorCode::invalid_argument, "exists already",
                     [&] { quantize_model(source, out, {.threads = 1}); });
  quantize_model(source, out, {.quantize = {4, 32}, .replace = true, .threads = 1});
  expect_same_tensors(out, test::reference_folder("llama3-4-32"));
  EXPECT_EQ(entries(folder.path()), std::vector<std::string>{"out"});

  std::filesystem::create_directory(folder.path() / "mine");
  std::ofstream(folder.path() / "mine" / "notes.txt") << "mine";
  test::expect_error(ErrorCode::invalid_argument, "no checkpoint", [&] {
    quantize_model(source, folder.path() / "mine", {.replace = true, .threads = 1});
  });
  const test::WrittenCheckpoint own(TestCheckpoint::reference("llama3"));
  for (const auto& same : {own.path(), own.path() / "."})
    test::expect_error(ErrorCode::invalid_argument, "cannot take the place of its source",
                       [&] { quantize_model(own.path(), same, {.replace = true, .threads = 1}); });
}

TEST(QuantizeModelOnDisk, RefusesWhatCannotBe) {
  const test::TemporaryFolder folder;
  const auto refused = [&](ErrorCode code, std::string_view part,
                           const std::filesystem::path& source,
                           const QuantizeModelOptions& options) {
    test::expect_error(code, part, [&] { quantize_model(source, folder.path() / "out", options); });
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  };
  const auto llama = test::reference_folder("llama3");
  using enum ErrorCode;
  refused(invalid_argument, "0 bits", llama, {.quantize = {0, 64}});
  refused(invalid_argument, "7 bits", llama, {.quantize = {7, 64}});
  refused(invalid_argument, "groups of 256", llama, {.quantize = {4, 256}});
  refused(invalid_argument, "shard_bytes 0", llama, {.shard_bytes = 0});
  refused(invalid_argument, "threads -1", llama, {.threads = -1});
  refused(invalid_argument, "quantised already", test::reference_folder("llama3-4-32"), {});
  refused(not_found, "nowhere", folder.path() / "nowhere", {});
  test::expect_error(not_found, "cannot create a folder", [&] {
    quantize_model(llama, folder.path() / "no" / "where", {.threads = 1});
  });

  TestCheckpoint spoilt = TestCheckpoint::reference("llama3");
  TestTensor& weight = spoilt.tensor("lm_head.weight");
  const BF16 infinity{.bits = 0x7f80};
  std::memcpy(weight.bytes.data() + 2 * 128 * 500, &infinity, sizeof(infinity));
  const test::WrittenCheckpoint written(spoilt);
  refused(invalid_argument, "lm_head.weight, rows 0 to 511: quantize: row 500", written.path(),
          {.threads = 1});
  // Sizes that no group divides.
  TestCheckpoint narrow = TestCheckpoint::reference("llama3");
  narrow.config.merge_patch({{"hidden_size", 16},
                             {"intermediate_size", 16},
                             {"head_dim", 4},
                             {"num_attention_heads", 4},
                             {"num_key_value_heads", 2},
                             {"num_hidden_layers", 1},
                             {"vocab_size", 4}});
  narrow.tensors.clear();
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) {
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    narrow.tensors.push_back({name, "BF16", shape, std::string(2 * count, '\0')});
  };
  add("model.embed_tokens.weight", {4, 16});
  add("lm_head.weight", {4, 16});
  add("model.norm.weight", {16});
  const std::string layer = "model.layers.0.";
  for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
    add(layer + norm + ".weight", {16});
  add(layer + "self_attn.q_proj.weight", {16, 16});
  add(layer + "self_attn.k_proj.weight", {8, 16});
  add(layer + "self_attn.v_proj.weight", {8, 16});
  add(layer + "self_attn.o_proj.weight", {16, 16});
  for (const char* name : {"gate_proj", "up_proj", "down_proj"})
    add(layer + "mlp." + name + ".weight", {16, 16});
  const test::WrittenCheckpoint small(narrow);
  EXPECT_NO_THROW(static_cast<void>(load_model(small.path(), {.threads = 1})));
  refused(invalid_argument, "no matrix of", small.path(), {.threads = 1});
}

}  // namespace
}  // namespace linnet
