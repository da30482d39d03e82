// One answer: prefill and decode, any chunking, any batch, any instruction set and thread count
// give the same bits.
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "engine/engine.hpp"
#include "engine/kv_sequence.hpp"
#include "support/reference.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

using engine::KvPool;
using engine::KvSequence;

std::vector<int32_t> random_ids(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % 512);
  return ids;
}

/// Logits of every position, fed in steps of the given sizes (the last one repeats).
std::vector<float> run_in_steps(const models::Model& model, std::span<const int32_t> ids,
                                std::vector<int64_t> steps) {
  KvPool pool(model.device(), model.cache_groups());
  KvSequence cache(pool, static_cast<int64_t>(ids.size()), static_cast<int64_t>(ids.size()));
  std::vector<float> result;
  for (size_t i = 0; cache.length() < static_cast<int64_t>(ids.size()); ++i) {
    const int64_t start = cache.length();
    const int64_t count =
        std::min(steps[std::min(i, steps.size() - 1)], static_cast<int64_t>(ids.size()) - start);
    const auto chunk = ids.subspan(static_cast<size_t>(start), static_cast<size_t>(count));
    const auto rows =
        model.forward(engine::single_batch(chunk, start, cache.extend(count, 0), true))
            .to_vector<float>();
    cache.advance(count);
    result.insert(result.end(), rows.begin(), rows.end());
  }
  return result;
}

testing::AssertionResult same_bits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << a.size() << " and " << b.size();
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]))
      return testing::AssertionFailure() << "value " << i << ": " << a[i] << " and " << b[i];
  return testing::AssertionSuccess();
}

struct Param {
  std::string family;
  Compute compute;
};

class EqualBits : public testing::TestWithParam<Param> {
 protected:
  [[nodiscard]] std::unique_ptr<models::Model> load(const DevicePtr& device) const {
    return test::load_reference(GetParam().family, GetParam().compute, device);
  }
};

// 1, the edges of a window of 16, of a cache block of 32 and of an attention chunk of 128.
constexpr int64_t kLengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 150};

TEST_P(EqualBits, PrefillEqualsDecodeSteps) {
  const auto model = load(Device::cpu({.threads = 2}));
  const auto ids = random_ids(150, 1);
  const auto width = static_cast<size_t>(model->config().vocab_size);
  const auto decoded = run_in_steps(*model, ids, {1});
  for (const int64_t length : kLengths) {
    const auto prefix = std::span(ids).first(static_cast<size_t>(length));
    EXPECT_TRUE(same_bits(run_in_steps(*model, prefix, {length}),
                          std::span(decoded).first(static_cast<size_t>(length) * width)))
        << "length " << length;
  }
}

TEST_P(EqualBits, AnyChunkingOfThePrompt) {
  const auto model = load(Device::cpu({.threads = 2}));
  const auto ids = random_ids(150, 2);
  const auto whole = run_in_steps(*model, ids, {150});
  for (const std::vector<int64_t>& steps :
       std::vector<std::vector<int64_t>>{{32}, {31, 33}, {17, 1, 1, 100}, {149, 1}, {7}})
    EXPECT_TRUE(same_bits(run_in_steps(*model, ids, steps), whole)) << "steps of " << steps[0];
}

TEST_P(EqualBits, InstructionSetsAndThreads) {
  const std::vector<int> counts =
      test::kSanitized ? std::vector<int>{2} : std::vector<int>{1, 2, 3};
  const auto ids = random_ids(140, 3);
  std::vector<float> expected;
  for (const kernels::cpu::Isa isa : kernels::cpu::testable_isas())
    for (const int threads : counts) {
      const auto model = load(Device::cpu({.threads = threads}, isa));
      const auto logits = run_in_steps(*model, ids, {133, 1});
      if (expected.empty()) expected = logits;
      EXPECT_TRUE(same_bits(logits, expected))
          << kernels::cpu::to_string(isa) << ", " << threads << " threads";
    }
}

TEST_P(EqualBits, ManySequencesInOneBatch) {
  const auto model = load(Device::cpu({.threads = 2}));
  const std::vector<size_t> lengths{1, 70, 3, 33, 140, 16, 2, 17};
  std::vector<std::vector<float>> alone;
  nn::Batch batch;
  batch.sequences.resize(model->cache_groups().size());
  KvPool pool(model->device(), model->cache_groups());
  std::vector<std::unique_ptr<KvSequence>> caches;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const auto ids = random_ids(lengths[i], 10 + static_cast<unsigned>(i));
    const auto count = static_cast<int64_t>(ids.size());
    alone.push_back(run_in_steps(*model, ids, {count}));
    caches.push_back(std::make_unique<KvSequence>(pool, count, count));
    const auto groups = caches.back()->extend(count, static_cast<int64_t>(batch.ids.size()));
    for (size_t g = 0; g < groups.size(); ++g) batch.sequences[g].push_back(groups[g]);
    for (size_t p = 0; p < ids.size(); ++p) {
      batch.logit_rows.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.positions.push_back(static_cast<int64_t>(p));
      batch.ids.push_back(ids[p]);
    }
  }
  const auto together = model->forward(batch).to_vector<float>();
  size_t start = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    EXPECT_TRUE(same_bits(std::span(together).subspan(start, alone[i].size()), alone[i]))
        << "sequence " << i;
    start += alone[i].size();
  }
}

TEST_P(EqualBits, LogitsOfSomeRowsEqualThoseOfAll) {
  const auto model = load(Device::cpu({.threads = 2}));
  const auto ids = random_ids(40, 4);
  const auto width = static_cast<size_t>(model->config().vocab_size);
  const auto all = run_in_steps(*model, ids, {40});
  KvPool pool(model->device(), model->cache_groups());
  KvSequence cache(pool, 40, 40);
  nn::Batch batch = engine::single_batch(ids, 0, cache.extend(40, 0), true);
  batch.logit_rows = {3, 39};
  const auto some = model->forward(batch).to_vector<float>();
  EXPECT_TRUE(same_bits(std::span(some).first(width), std::span(all).subspan(3 * width, width)));
  EXPECT_TRUE(same_bits(std::span(some).last(width), std::span(all).last(width)));
}

std::vector<Param> params() {
  std::vector<Param> result;
  std::vector<std::string> folders = test::reference_families();
  folders.insert(folders.end(), {"gemma3-4-64", "qwen2-8-64", "llama3-4-32", "llama3-6-64"});
  for (const std::string& family : folders)
    for (const Compute compute : {Compute::bf16, Compute::f32})
      // A sanitizer sees the same code in every family; one of them in float32 is enough for it.
      if (!test::kSanitized || compute == Compute::bf16 || family == "gemma3")
        result.push_back({family, compute});
  return result;
}

INSTANTIATE_TEST_SUITE_P(Families, EqualBits, testing::ValuesIn(params()), [](const auto& info) {
  return test::test_name(info.param.family) +
         (info.param.compute == Compute::bf16 ? "_bf16" : "_f32");
});

}  // namespace
}  // namespace linnet
