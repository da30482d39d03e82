// Tensors by name: what is read, what is counted, and each way in which a checkpoint can be wrong.
#include "nn/weights.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"
#include "support/test_checkpoint.hpp"

namespace linnet {
namespace {

using nn::StoredWeights;
using test::TestCheckpoint;
using test::TestTensor;

TestTensor tensor_of(const std::string& name, const std::vector<int64_t>& shape,
                     const char* dtype = "F32") {
  TestTensor result{.name = name, .dtype = dtype, .shape = shape};
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  const auto value = [](size_t i) { return static_cast<float>(i % 17) / 4 - 2; };
  if (std::string_view(dtype) == "F32") {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = value(i);
    result.set(dtype, values);
  } else if (std::string_view(dtype) == "F16") {
    std::vector<F16> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = to_f16(value(i));
    result.set(dtype, values);
  } else if (std::string_view(dtype) == "BF16") {
    std::vector<BF16> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = to_bf16(value(i));
    result.set(dtype, values);
  } else {
    const auto parsed = io::parse_stored_dtype(dtype);
    result.bytes.assign(count * static_cast<size_t>(io::bits_of(*parsed)) / 8, '\0');
  }
  return result;
}

io::Checkpoint checkpoint_of(std::vector<TestTensor> tensors) {
  TestCheckpoint checkpoint;
  checkpoint.config = nlohmann::json::object();
  checkpoint.tensors = std::move(tensors);
  return checkpoint.in_memory();
}

DevicePtr device() { return Device::cpu({.threads = 1}); }

TEST(Weights, TheThreeStoredTypesGiveTheSameMatrixAndVector) {
  const io::Checkpoint checkpoint =
      checkpoint_of({tensor_of("f32.w", {20, 33}), tensor_of("f16.w", {20, 33}, "F16"),
                     tensor_of("bf16.w", {20, 33}, "BF16"), tensor_of("f32.v", {33}),
                     tensor_of("f16.v", {33}, "F16"), tensor_of("bf16.v", {33}, "BF16")});
  for (const Compute compute : {Compute::bf16, Compute::f32}) {
    StoredWeights weights(checkpoint, device(), {.compute = compute});
    std::vector<float> expected;
    for (const std::string type : {"f32", "f16", "bf16"}) {
      const ops::PackedMatrix matrix = weights.matrix(type + ".w", 20, 33);
      const bool narrow = compute == Compute::bf16 || type == "bf16";
      EXPECT_EQ(matrix.dtype(), narrow ? DType::bf16 : DType::f32) << type;
      const auto rows = ops::embedding(matrix, std::vector<int32_t>{0, 7, 19}).to_vector<float>();
      if (expected.empty()) expected = rows;
      EXPECT_EQ(rows, expected) << type;
      EXPECT_FLOAT_EQ(rows[2], -1.5F);
      const auto vector = weights.vector(type + ".v", 33, 1).to_vector<float>();
      EXPECT_FLOAT_EQ(vector[2], -0.5F) << type;
    }
    EXPECT_EQ(weights.vector("f32.v", 33).to_vector<float>()[2], -1.5F);
    EXPECT_NO_THROW(weights.finish());
  }
}

TEST(Weights, CountsElementsBytesAndTypes) {
  const io::Checkpoint checkpoint = checkpoint_of(
      {tensor_of("a", {64, 64}, "BF16"), tensor_of("b", {100}), tensor_of("c", {8, 8}, "F16")});
  for (const bool plan_only : {true, false}) {
    const DevicePtr cpu = device();
    const int64_t before = cpu->memory().stats().active_bytes;
    std::vector<int64_t> progress;
    StoredWeights weights(checkpoint, cpu, {.plan_only = plan_only, .progress = [&](int64_t done) {
                                              progress.push_back(done);
                                            }});
    const auto a = weights.matrix("a", 64, 64);
    const Array b = weights.vector("b", 100);
    const auto c = weights.matrix("c", 8, 8);
    EXPECT_EQ(weights.elements(), 64 * 64 + 100 + 64);
    EXPECT_EQ(weights.stored_bytes(), 2 * 64 * 64 + 4 * 100 + 2 * 64);
    EXPECT_EQ(weights.main_dtype(), DType::bf16);
    EXPECT_EQ(a.defined(), !plan_only);
    EXPECT_EQ(b.defined(), !plan_only);
    if (plan_only) {
      EXPECT_EQ(cpu->memory().stats().peak_bytes, before);
      EXPECT_TRUE(progress.empty());
    } else {
      EXPECT_EQ(cpu->memory().stats().active_bytes - before, weights.packed_bytes());
      EXPECT_EQ(progress, (std::vector<int64_t>{8192, 8592, 8720}));
    }
  }
}

TEST(Weights, OfAnEmptyListTheMainTypeIsBf16) {
  const io::Checkpoint checkpoint = checkpoint_of({tensor_of("a", {2})});
  const StoredWeights weights(checkpoint, device(), {});
  EXPECT_EQ(weights.main_dtype(), DType::bf16);
  EXPECT_EQ(weights.elements(), 0);
}

TEST(Weights, NothingKeepsTheFileMapped) {
  auto owner = std::make_shared<const std::string>(
      test::safetensors_image({tensor_of("a", {32, 32}), tensor_of("b", {32})}));
  const std::weak_ptr<const std::string> alive = owner;
  ops::PackedMatrix a;
  Array b;
  {
    const std::string config = "{}";
    const io::Checkpoint checkpoint = io::Checkpoint::from_files(
        {{"config.json", {std::as_bytes(std::span(config)), nullptr}},
         {"model.safetensors", {std::as_bytes(std::span(*owner)), owner}}},
        "memory");
    owner.reset();
    StoredWeights weights(checkpoint, device(), {.compute = Compute::f32});
    a = weights.matrix("a", 32, 32);
    b = weights.vector("b", 32);
  }
  EXPECT_TRUE(alive.expired());
  EXPECT_FLOAT_EQ(b.to_vector<float>()[1], -1.75F);
}

// Once with plan_only and once in earnest: the same error.
template <class Body>
void expect_both(ErrorCode code, std::string_view part, const io::Checkpoint& checkpoint,
                 const Body& body) {
  for (const bool plan_only : {true, false}) {
    StoredWeights weights(checkpoint, device(), {.plan_only = plan_only});
    weights.set_places("model.", "lm_head");
    test::expect_error(code, part, [&] { body(weights); });
  }
}

TEST(Weights, AMissingTensorIsNamed) {
  const io::Checkpoint checkpoint = checkpoint_of({tensor_of("model.a", {4, 4})});
  expect_both(ErrorCode::not_found, "test checkpoint has no tensor model.b.weight", checkpoint,
              [](StoredWeights& weights) { weights.matrix("model.b.weight", 4, 4); });
  expect_both(ErrorCode::not_found, "no tensor model.n.weight", checkpoint,
              [](StoredWeights& weights) { weights.vector("model.n.weight", 4); });
}

TEST(Weights, AWrongShapeIsNamedWithBothShapes) {
  const io::Checkpoint checkpoint = checkpoint_of(
      {tensor_of("a", {4, 6}), tensor_of("b", {4}), tensor_of("c", {}), tensor_of("d", {2, 3, 4})});
  expect_both(ErrorCode::malformed_file, "a is [4, 6], expected [6, 4]", checkpoint,
              [](StoredWeights& weights) { weights.matrix("a", 6, 4); });
  expect_both(ErrorCode::malformed_file, "a is [4, 6], expected [24]", checkpoint,
              [](StoredWeights& weights) { weights.vector("a", 24); });
  expect_both(ErrorCode::malformed_file, "b is [4], expected [4, 1]", checkpoint,
              [](StoredWeights& weights) { weights.matrix("b", 4, 1); });
  expect_both(ErrorCode::malformed_file, "c is [], expected [1]", checkpoint,
              [](StoredWeights& weights) { weights.vector("c", 1); });
  expect_both(ErrorCode::malformed_file, "d is [2, 3, 4], expected [6, 4]", checkpoint,
              [](StoredWeights& weights) { weights.matrix("d", 6, 4); });
}

TEST(Weights, ElementTypesThatAreNoFloatsAreNamed) {
  for (const char* dtype : {"I32", "U32", "I64", "U8", "BOOL", "F64", "F8_E4M3", "I16"}) {
    const io::Checkpoint checkpoint = checkpoint_of({tensor_of("a", {4, 8}, dtype)});
    expect_both(ErrorCode::unsupported, "a is stored as " + std::string(dtype), checkpoint,
                [](StoredWeights& weights) { weights.matrix("a", 4, 8); });
  }
}

TEST(Weights, TensorsLeftOverAreNamed) {
  const io::Checkpoint checkpoint =
      checkpoint_of({tensor_of("a", {2}), tensor_of("model.x", {2}), tensor_of("model.y", {2}),
                     tensor_of("model.z", {2}), tensor_of("model.zz", {2}),
                     tensor_of("vision_tower.w", {2}), tensor_of("l.0.rotary_emb.inv_freq", {2})});
  expect_both(ErrorCode::unsupported, "7 tensors", checkpoint,
              [](StoredWeights& weights) { weights.finish(); });
  expect_both(ErrorCode::unsupported,
              "holds 4 tensors that this model type has no use for: model.x, model.y, model.z, ...",
              checkpoint, [](StoredWeights& weights) {
                weights.vector("a", 2);
                weights.ignore_prefix("vision_tower.");
                weights.ignore_infix(".rotary_emb.inv_freq");
                weights.finish();
              });
  expect_both(ErrorCode::unsupported, "holds 1 tensors that this model type has no use for: a",
              checkpoint, [](StoredWeights& weights) {
                weights.ignore_prefix("model.");
                weights.ignore_prefix("vision");
                weights.ignore_infix("inv_freq");
                weights.finish();
              });
}

TEST(Weights, ATiedHeadMustBeTheEmbedding) {
  const TestTensor embedding = tensor_of("model.embed_tokens.weight", {8, 4});
  const auto check = [](StoredWeights& weights) {
    weights.matrix("model.embed_tokens.weight", 8, 4);
    weights.accept_tied_head("model.embed_tokens.weight");
    weights.finish();
  };
  const auto passes = [&](const std::vector<TestTensor>& tensors) {
    const io::Checkpoint checkpoint = checkpoint_of(tensors);
    StoredWeights weights(checkpoint, device(), {});
    weights.set_places("model.", "lm_head");
    EXPECT_NO_THROW(check(weights));
  };
  passes({embedding});
  TestTensor head = embedding;
  head.name = "lm_head.weight";
  passes({embedding, head});
  for (const int change : {0, 1, 2}) {
    TestTensor wrong = head;
    if (change == 0) wrong.bytes[5] = static_cast<char>(wrong.bytes[5] ^ 1);
    if (change == 1) wrong = tensor_of("lm_head.weight", {8, 4}, "BF16");
    if (change == 2) wrong = tensor_of("lm_head.weight", {9, 4});
    expect_both(ErrorCode::malformed_file, "lm_head.weight differs from the embedding",
                checkpoint_of({embedding, wrong}), check);
  }
  // The same bytes in another shape are not the same matrix.
  TestTensor turned = head;
  turned.shape = {4, 8};
  expect_both(ErrorCode::malformed_file, "lm_head.weight", checkpoint_of({embedding, turned}),
              check);
}

TEST(Weights, OutOfMemoryIsAnError) {
  const io::Checkpoint checkpoint = checkpoint_of({tensor_of("a", {64, 64})});
  const DevicePtr cpu = Device::cpu({.threads = 1, .memory_limit = 1000});
  StoredWeights weights(checkpoint, cpu, {});
  test::expect_error(ErrorCode::out_of_memory, "budget", [&] { weights.matrix("a", 64, 64); });
  EXPECT_EQ(cpu->memory().stats().active_bytes, 0);
}

TEST(Weights, AnExceptionFromProgressEndsTheLoading) {
  const io::Checkpoint checkpoint = checkpoint_of({tensor_of("a", {64, 64})});
  const DevicePtr cpu = device();
  {
    StoredWeights weights(checkpoint, cpu,
                          {.progress = [](int64_t) { throw std::runtime_error("enough"); }});
    EXPECT_THROW(weights.matrix("a", 64, 64), std::runtime_error);
  }
  EXPECT_EQ(cpu->memory().stats().active_bytes, 0);
}

}  // namespace
}  // namespace linnet
