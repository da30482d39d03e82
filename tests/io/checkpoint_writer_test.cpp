// A checkpoint's folder appears whole or not at all, in one file or in shards that the reader takes
// for what was written.
#include "io/checkpoint_writer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "io/checkpoint.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using io::CheckpointWriter;
using io::StoredDType;
using io::TensorSpec;
using test::expect_error;

std::vector<TensorSpec> specs() {
  return {{"a", StoredDType::bf16, {3}},
          {"b", StoredDType::u32, {4}},
          {"c", StoredDType::bf16, {0, 5}},
          {"d", StoredDType::f32, {2, 2}},
          {"e", StoredDType::bf16, {1}}};
}

/// Bytes that tell tensors apart.
std::string content(const TensorSpec& spec) {
  return std::string(static_cast<size_t>(io::stored_bytes(spec.dtype, spec.shape)), spec.name[0]);
}

void write_all(CheckpointWriter& writer) {
  for (const TensorSpec& spec : writer.tensors()) {
    const std::string bytes = content(spec);
    writer.write(spec.name, std::as_bytes(std::span(bytes)));
  }
  writer.add_file("config.json", "{}");
}

size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

void expect_readable(const std::filesystem::path& folder, size_t files) {
  const io::Checkpoint checkpoint = io::Checkpoint::open(folder);
  EXPECT_EQ(checkpoint.tensor_files().size(), files);
  EXPECT_EQ(checkpoint.tensor_count(), 5);
  for (const TensorSpec& spec : specs()) {
    const auto tensor = checkpoint.find(spec.name);
    ASSERT_TRUE(tensor) << spec.name;
    EXPECT_EQ(tensor->dtype, spec.dtype);
    EXPECT_TRUE(std::ranges::equal(tensor->shape, spec.shape)) << spec.name;
    EXPECT_EQ(tensor->bytes.text(), content(spec));
  }
}

TEST(CheckpointWriter, OneFile) {
  const test::TemporaryFolder folder;
  CheckpointWriter writer(folder.path() / "out/", specs());
  EXPECT_EQ(writer.total_bytes(), 6 + 16 + 0 + 16 + 2);
  write_all(writer);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out")) << "before commit()";
  writer.commit();
  expect_readable(folder.path() / "out", 1);
  EXPECT_EQ(entries(folder.path() / "out"), 2U);
  EXPECT_EQ(entries(folder.path()), 1U) << "nothing else is left";
}

TEST(CheckpointWriter, ShardsWithAnIndex) {
  // A shard takes what fits; one tensor alone may be larger than a shard.
  // A shard is full where the next tensor would pass its size, even by its first byte: so the
  // empty tensor joins the one of 16 bytes, but not in shards of one byte.
  const std::vector<std::pair<int64_t, size_t>> cases{{1, 5}, {16, 4}, {22, 2}, {38, 2}, {40, 1}};
  for (const auto& [bytes, files] : cases) {
    const test::TemporaryFolder folder;
    CheckpointWriter writer(folder.path() / "out", specs(), {.shard_bytes = bytes});
    write_all(writer);
    writer.commit();
    expect_readable(folder.path() / "out", files);
    EXPECT_EQ(std::filesystem::exists(folder.path() / "out" / "model.safetensors.index.json"),
              files > 1);
  }
}

TEST(CheckpointWriter, NothingIsLeftWithoutCommit) {
  const test::TemporaryFolder folder;
  {
    CheckpointWriter writer(folder.path() / "out", specs(), {.shard_bytes = 16});
    write_all(writer);
  }
  EXPECT_EQ(entries(folder.path()), 0U);
  CheckpointWriter incomplete(folder.path() / "out", specs());
  incomplete.write("b", std::as_bytes(std::span("0123456789abcdef", 16)));
  expect_error(ErrorCode::invalid_argument, "missing", [&] { incomplete.commit(); });
}

TEST(CheckpointWriter, RefusesWhatIsThere) {
  const test::TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  std::filesystem::create_directory(out);
  CheckpointWriter writer(out, specs());  // an empty folder is nothing to lose
  write_all(writer);
  std::ofstream(out / "notes.txt") << "mine";
  expect_error(ErrorCode::invalid_argument, "exists already", [&] { writer.commit(); });
  expect_error(ErrorCode::invalid_argument, "exists already",
               [&] { CheckpointWriter(out, specs()); });
  expect_error(ErrorCode::invalid_argument, "exists already",
               [&] { CheckpointWriter(out / "notes.txt", specs()); });
  expect_error(ErrorCode::not_found, "cannot create a folder",
               [&] { CheckpointWriter(folder.path() / "no" / "where", specs()); });
}

TEST(CheckpointWriter, RefusesTensorsItDoesNotHave) {
  const test::TemporaryFolder folder;
  CheckpointWriter writer(folder.path() / "out", specs());
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  expect_error(ErrorCode::invalid_argument, "x, which is not one of its tensors",
               [&] { writer.write("x", bytes("123456")); });
  expect_error(ErrorCode::invalid_argument, "room for 6",
               [&] { writer.write("a", bytes("1234567")); });
  expect_error(ErrorCode::invalid_argument, "declared twice", [&] {
    CheckpointWriter(folder.path() / "twice",
                     {{"a", StoredDType::u8, {1}}, {"a", StoredDType::u8, {1}}});
  });
  EXPECT_EQ(entries(folder.path()), 1U) << "the open writer's folder alone";
}

TEST(CheckpointWriter, ATensorInTwoShardsIsRefused) {
  const test::TemporaryFolder folder;
  expect_error(ErrorCode::invalid_argument, "declared twice", [&] {
    CheckpointWriter(folder.path() / "out",
                     {{"a", StoredDType::u8, {1}}, {"a", StoredDType::u8, {1}}},
                     {.shard_bytes = 1});
  });
  EXPECT_EQ(entries(folder.path()), 0U);
}

TEST(CheckpointWriter, TakesTensorsByTurnsAcrossShards) {
  for (const int64_t bytes : {1, 16, 22, 40}) {
    const test::TemporaryFolder folder;
    CheckpointWriter writer(folder.path() / "out", specs(), {.shard_bytes = bytes});
    std::vector<TensorSpec> all = specs();
    std::ranges::reverse(all);
    for (const size_t half : {0, 1})
      for (const TensorSpec& spec : all) {
        const std::string text = content(spec);
        const size_t middle = text.size() / 2;
        writer.write(spec.name, std::as_bytes(half == 0 ? std::span(text).first(middle)
                                                        : std::span(text).subspan(middle)));
      }
    expect_error(ErrorCode::invalid_argument, "which is complete",
                 [&] { writer.write("a", std::as_bytes(std::span("x", 1))); });
    writer.add_file("config.json", "{}");
    writer.commit();
    expect_readable(folder.path() / "out", bytes == 40 ? 1 : bytes == 22 ? 2 : bytes == 16 ? 4 : 5);
  }
}

TEST(CheckpointWriter, ReplacesACheckpointAndNothingElse) {
  const test::TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  const CheckpointWriter::Options replace{.replace = true};
  std::filesystem::create_directory(out);
  std::ofstream(out / "notes.txt") << "mine";
  expect_error(ErrorCode::invalid_argument, "is no checkpoint",
               [&] { CheckpointWriter(out, specs(), replace); });
  std::ofstream(out / "config.json") << "old";
  {
    CheckpointWriter writer(out, specs(), replace);
    write_all(writer);
  }
  EXPECT_TRUE(std::filesystem::exists(out / "notes.txt")) << "until commit()";
  CheckpointWriter writer(out, specs(), replace);
  write_all(writer);
  writer.commit();
  expect_readable(out, 1);
  EXPECT_EQ(entries(out), 2U);
  EXPECT_EQ(entries(folder.path()), 1U);
  // Where nothing is, there is nothing to replace.
  CheckpointWriter first(folder.path() / "first", specs(), replace);
  write_all(first);
  first.commit();
  expect_readable(folder.path() / "first", 1);
}

}  // namespace
}  // namespace linnet
