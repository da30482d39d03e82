#include "io/checkpoint.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "io/files.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::io {
namespace {

using test::bytes_of;
using test::expect_error;
using test::raw_file;

using Files = std::vector<std::pair<std::string, std::string>>;

// A safetensors file of u8 tensors of two bytes each.
std::string shard(const std::vector<std::string>& names) {
  std::string header = "{";
  for (size_t i = 0; i < names.size(); ++i)
    header += fmt::format(R"({}"{}":{{"dtype":"U8","shape":[2],"data_offsets":[{},{}]}})",
                          i == 0 ? "" : ",", names[i], 2 * i, 2 * i + 2);
  return raw_file(header + "}", 2 * names.size());
}

Checkpoint in_memory(const Files& files) {
  std::vector<std::pair<std::string, Bytes>> list;
  for (const auto& [name, content] : files) list.emplace_back(name, bytes_of(content));
  return Checkpoint::from_files(list, "memory");
}

void write(const std::filesystem::path& folder, const Files& files) {
  for (const auto& [name, content] : files)
    std::ofstream(folder / name, std::ios::binary) << content;
}

Files sharded() {
  return {{"config.json", R"({"model_type":"gemma3"})"},
          {"model.safetensors.index.json",
           R"({"metadata":{"total_size":1},"weight_map":)"
           R"({"a":"s-1.safetensors","b":"s-2.safetensors","c":"s-1.safetensors"}})"},
          {"s-1.safetensors", shard({"c", "a"})},
          {"s-2.safetensors", shard({"b"})},
          {"other.safetensors", "not read"}};
}

Files replaced(Files files, const std::string& name, const std::string& content) {
  for (auto& file : files)
    if (file.first == name) file.second = content;
  return files;
}

Files without(Files files, const std::string& name) {
  std::erase_if(files, [&](const auto& file) { return file.first == name; });
  return files;
}

TEST(Checkpoint, ReadsAFolderWithOneFile) {
  const test::TemporaryFolder folder;
  write(folder.path(), {{"config.json", R"({"model_type":"qwen3"})"},
                        {"generation_config.json", R"({"eos_token_id":[1,106]})"},
                        {"tokenizer.json", "{\"version\":\"1.0\"}"},
                        {"model.safetensors", shard({"x", "w"})}});
  std::filesystem::create_directory(folder.path() / "original");
  std::filesystem::create_symlink("absent", folder.path() / "broken");
  std::filesystem::create_symlink("tokenizer.json", folder.path() / "linked.json");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.name(), folder.path().string());
  EXPECT_EQ(checkpoint.config().at("model_type").as_string(), "qwen3");
  ASSERT_TRUE(checkpoint.generation_config().has_value());
  EXPECT_EQ(checkpoint.generation_config()->at("eos_token_id").elements().size(), 2U);
  EXPECT_EQ(checkpoint.file("tokenizer.json")->text(), "{\"version\":\"1.0\"}");
  EXPECT_EQ(checkpoint.file("linked.json")->text(), "{\"version\":\"1.0\"}");
  EXPECT_FALSE(checkpoint.file("tokenizer.model").has_value());
  EXPECT_FALSE(checkpoint.file("../" + folder.path().filename().string() + "/config.json"));
  EXPECT_FALSE(checkpoint.file("original").has_value());
  EXPECT_FALSE(checkpoint.file("").has_value());

  std::string names;
  for (const CheckpointFile& file : checkpoint.files()) names += file.name + " ";
  EXPECT_EQ(names,
            "config.json generation_config.json linked.json model.safetensors tokenizer.json ");
  EXPECT_EQ(checkpoint.files()[4].size, 17);

  EXPECT_EQ(checkpoint.tensor_names(), (std::vector<std::string_view>{"x", "w"}));
  EXPECT_EQ(checkpoint.tensor_count(), 2);
  const auto tensor = checkpoint.find("w");
  ASSERT_TRUE(tensor.has_value());
  EXPECT_EQ(tensor->name, "w");
  EXPECT_EQ(tensor->dtype, StoredDType::u8);
  ASSERT_EQ(tensor->shape.size(), 1U);
  EXPECT_EQ(tensor->shape[0], 2);
  EXPECT_EQ(tensor->bytes.text(), "\2\3");
  EXPECT_EQ(tensor->file, "model.safetensors");
  EXPECT_FALSE(checkpoint.find("y").has_value());
}

TEST(Checkpoint, ReadsShards) {
  const test::TemporaryFolder folder;
  write(folder.path(), sharded());
  for (const bool memory : {false, true}) {
    const Checkpoint checkpoint = memory ? in_memory(sharded()) : Checkpoint::open(folder.path());
    EXPECT_FALSE(checkpoint.generation_config().has_value());
    EXPECT_EQ(checkpoint.tensor_names(), (std::vector<std::string_view>{"c", "a", "b"}));
    EXPECT_EQ(checkpoint.find("a")->file, "s-1.safetensors");
    EXPECT_EQ(checkpoint.find("a")->bytes.text(), "\2\3");
    EXPECT_EQ(checkpoint.find("b")->file, "s-2.safetensors");
    ASSERT_EQ(checkpoint.tensor_files().size(), 2U);
    EXPECT_EQ(checkpoint.tensor_files()[1].tensors().size(), 1U);
  }
}

TEST(Checkpoint, TensorsOutliveIt) {
  Bytes kept;
  {
    Checkpoint checkpoint = in_memory(sharded());
    const Checkpoint moved = std::move(checkpoint);
    kept = moved.find("c")->bytes;
  }
  EXPECT_EQ(kept.text(), std::string_view("\0\1", 2));
}

TEST(Checkpoint, OneFileWinsOverAnIndex) {
  Files files = sharded();
  files.emplace_back("model.safetensors", shard({"only"}));
  EXPECT_EQ(in_memory(files).tensor_names(), (std::vector<std::string_view>{"only"}));
}

TEST(Checkpoint, RefusesWhatIsMissing) {
  const test::TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "nowhere",
               [&] { (void)Checkpoint::open(folder.path() / "nowhere"); });
  expect_error(ErrorCode::not_found, "config.json", [&] { (void)Checkpoint::open(folder.path()); });
  expect_error(ErrorCode::not_found, "config.json",
               [&] { (void)in_memory(without(sharded(), "config.json")); });
  expect_error(ErrorCode::not_found, "s-2.safetensors",
               [&] { (void)in_memory(without(sharded(), "s-2.safetensors")); });
  expect_error(ErrorCode::not_found, "neither model.safetensors nor", [&] {
    (void)in_memory({{"config.json", "{}"}});
  });
  for (const char* other : {"pytorch_model.bin", "pytorch_model.bin.index.json", "gemma.Q4_0.gguf",
                            "consolidated.00.pth", "weights.npz"}) {
    expect_error(ErrorCode::unsupported, "linnet reads safetensors", [&] {
      (void)in_memory({{"config.json", "{}"}, {other, "x"}});
    });
    expect_error(ErrorCode::unsupported, other, [&] {
      (void)in_memory({{"config.json", "{}"}, {other, "x"}});
    });
  }
  expect_error(ErrorCode::invalid_argument, "config.json", [&] {
    (void)in_memory({{"config.json", "{}"}, {"config.json", "{}"}});
  });
}

TEST(Checkpoint, RefusesMalformedFiles) {
  const std::string index = "model.safetensors.index.json";
  const auto weight_map = [&](const std::string& map) {
    return replaced(sharded(), index, R"({"weight_map":)" + map + "}");
  };
  struct Case {
    const char* what;
    Files files;
    const char* part;
  };
  const std::string good = R"("a":"s-1.safetensors","b":"s-2.safetensors")";
  const std::vector<Case> cases{
      {"config is empty", replaced(sharded(), "config.json", ""), "config.json"},
      {"config is cut", replaced(sharded(), "config.json", R"({"model_type":)"), "config.json"},
      {"config is an array", replaced(sharded(), "config.json", "[]"), "config.json is an array"},
      {"config is binary", replaced(sharded(), "config.json", "\xff\xfe{}"), "config.json"},
      {"config is deep",
       replaced(sharded(), "config.json", std::string(5000, '[') + std::string(5000, ']')),
       "config.json"},
      {"config is huge", replaced(sharded(), "config.json", std::string((64 << 20) + 1, ' ')),
       "67108865 bytes"},
      {"index is cut", replaced(sharded(), index, "{"), index.c_str()},
      {"index is a string", replaced(sharded(), index, "\"x\""), "expected an object"},
      {"no weight_map", replaced(sharded(), index, "{}"), "weight_map"},
      {"weight_map is null", weight_map("null"), "weight_map"},
      {"weight_map is an array", weight_map("[]"), "weight_map is an array"},
      {"weight_map is empty", weight_map("{}"), "maps no tensors"},
      {"file is a number", weight_map(R"({"a":1})"), "tensor a is a number"},
      {"file is null", weight_map(R"({"a":null})"), "tensor a is null"},
      {"file is empty", weight_map(R"({"a":""})"), "tensor a is mapped to \"\""},
      {"file is the folder", weight_map(R"({"a":"."})"), "tensor a is mapped to \".\""},
      {"file is the parent", weight_map(R"({"a":".."})"), "tensor a is mapped to \"..\""},
      {"file goes up", weight_map(R"({"a":"../s-1.safetensors"})"), "no plain file name"},
      {"file goes down", weight_map(R"({"a":"x/s-1.safetensors"})"), "no plain file name"},
      {"file is absolute", weight_map(R"({"a":"/etc/passwd"})"), "tensor a is mapped to"},
      {"file with a backslash", weight_map(R"({"a":"..\\s-1.safetensors"})"), "no plain file name"},
      {"file with a zero", weight_map(R"({"a":"s-1.safetensors\u0000.x"})"), "no plain file name"},
      {"file is no safetensors", weight_map(R"({"a":"config.json"})"), "config.json: "},
      {"tensor twice", weight_map("{" + good + R"(,"c":"s-1.safetensors","c":"s-1.safetensors"})"),
       "maps tensor c twice"},
      {"tensor not in its file",
       weight_map("{" + good + R"(,"c":"s-1.safetensors","d":"s-2.safetensors"})"),
       "maps tensor d to s-2.safetensors, which does not hold it"},
      {"tensor in another file", weight_map("{" + good + R"(,"c":"s-2.safetensors"})"),
       "s-1.safetensors holds tensor c"},
      {"tensor not in the index", weight_map("{" + good + "}"), "tensor c, which"},
      {"tensor in two files", replaced(sharded(), "s-2.safetensors", shard({"b", "a"})),
       "s-2.safetensors holds tensor a"},
      {"shard is cut", replaced(sharded(), "s-2.safetensors", "\x10"), "s-2.safetensors"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.what);
    expect_error(ErrorCode::malformed_file, bad.part, [&] { (void)in_memory(bad.files); });
  }
}

// The checkpoints beside the repository, written by transformers and by MLX.
TEST(Checkpoint, ReadsTheReferenceCheckpoints) {
  const std::filesystem::path reference = std::filesystem::path(LINNET_SHARED_DATA) / "reference";
  for (const auto& [folder, files, tensors] : std::vector<std::tuple<const char*, size_t, int64_t>>{
           {"gemma3", 1, 93}, {"qwen3", 3, 47}, {"llama3-4-32", 1, 99}}) {
    if (!std::filesystem::exists(reference / folder)) {
      std::cout << "absent, not read: " << (reference / folder).string() << '\n';
      continue;
    }
    const Checkpoint checkpoint = Checkpoint::open(reference / folder);
    EXPECT_EQ(checkpoint.tensor_files().size(), files) << folder;
    EXPECT_EQ(checkpoint.tensor_count(), tensors) << folder;
    for (const std::string_view name : checkpoint.tensor_names()) {
      const auto tensor = checkpoint.find(name);
      ASSERT_TRUE(tensor.has_value()) << name;
      EXPECT_EQ(tensor->bytes.size(), stored_bytes(tensor->dtype, tensor->shape)) << name;
    }
  }
}

}  // namespace
}  // namespace linnet::io
