// Logits, hidden states and greedy tokens against Hugging Face.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/engine.hpp"
#include "engine/kv_sequence.hpp"
#include "engine/request.hpp"
#include "support/reference.hpp"

namespace linnet {
namespace {

using engine::KvPool;
using engine::KvSequence;

struct Outcome {
  std::vector<float> logits;
  std::vector<Array> hidden;
};

Outcome run_prompt(const models::Model& model, const std::vector<int32_t>& ids) {
  KvPool pool(model.device(), model.cache_groups());
  const auto count = static_cast<int64_t>(ids.size());
  KvSequence cache(pool, count, count);
  nn::Batch batch = engine::single_batch(ids, 0, cache.extend(count, 0), true);
  Outcome run;
  batch.hidden_states = &run.hidden;
  run.logits = model.forward(batch).to_vector<float>();
  return run;
}

float largest(const std::vector<float>& values) {
  float result = 0;
  for (const float value : values) result = std::max(result, std::abs(value));
  return result;
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float result = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    result = std::max(result, std::abs(a[i] - b[i]));
  return result;
}

/// Mean over rows of KL(softmax(p) || softmax(q)).
double mean_divergence(const std::vector<float>& p, const std::vector<float>& q, size_t width) {
  double total = 0;
  const size_t rows = p.size() / width;
  for (size_t row = 0; row < rows; ++row) {
    const auto log_softmax = [&](const std::vector<float>& x) {
      std::vector<double> result(x.begin() + static_cast<std::ptrdiff_t>(row * width),
                                 x.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
      const double maximum = *std::ranges::max_element(result);
      double sum = 0;
      for (const double v : result) sum += std::exp(v - maximum);
      for (double& v : result) v -= maximum + std::log(sum);
      return result;
    };
    const auto a = log_softmax(p);
    const auto b = log_softmax(q);
    for (size_t i = 0; i < width; ++i) total += std::exp(a[i]) * (a[i] - b[i]);
  }
  return total / static_cast<double>(rows);
}

class Reference : public testing::TestWithParam<std::string> {
 protected:
  DevicePtr device_ = Device::cpu({.threads = 2});
  test::Golden golden_{GetParam()};
};

TEST_P(Reference, FloatLogitsAreWithinTenThousandthOfTheLargest) {
  const auto model = test::load_reference(GetParam(), Compute::f32, device_);
  for (const int64_t length : golden_.lengths()) {
    const Outcome run = run_prompt(*model, golden_.ids(length));
    const auto expected = golden_.logits(length);
    const float error = largest_difference(run.logits, expected) / largest(expected);
    EXPECT_LE(error, 1e-4F) << "length " << length;
    RecordProperty("relative_error_" + std::to_string(length), fmt::format("{:.2e}", error));
  }
}

TEST_P(Reference, FloatHiddenStatesAreWithinTenThousandthOfTheLargest) {
  const auto model = test::load_reference(GetParam(), Compute::f32, device_);
  for (const int64_t length : {5, 24}) {
    if (length == 5 && golden_.hidden(5, 0).empty()) continue;  // not of the quantised ones
    const Outcome run = run_prompt(*model, golden_.ids(length));
    ASSERT_EQ(run.hidden.size(), model->config().layers.size() + 1);
    for (size_t i = 0; i < run.hidden.size(); ++i) {
      const auto expected = golden_.hidden(length, i);
      ASSERT_FALSE(expected.empty());
      EXPECT_LE(largest_difference(run.hidden[i].to_vector<float>(), expected),
                1e-4F * largest(expected))
          << "length " << length << ", layer " << i;
    }
  }
}

TEST_P(Reference, GreedyTokensAreEqualWhereTheMarginExceedsTheError) {
  engine::Engine engine(test::load_reference(GetParam(), Compute::f32, device_),
                        {.context_length = 512});
  for (const int64_t length : golden_.lengths()) {
    const auto expected = golden_.greedy(length);
    engine::Request request(engine, golden_.ids(length),
                            {.max_tokens = static_cast<int64_t>(expected.ids.size())});
    const float error = 1e-4F * largest(golden_.logits(length));
    size_t compared = 0;
    while (const auto sample = request.next()) {
      if (expected.margins[compared] <= 2 * error) break;  // from here on both may differ
      ASSERT_EQ(sample->id, expected.ids[compared]) << "length " << length << ", step " << compared;
      ++compared;
    }
    EXPECT_GT(compared, 0U);
  }
}

TEST_P(Reference, Bf16StaysWithinHuggingFacesOwnDivergence) {
  const auto model = test::load_reference(GetParam(), Compute::bf16, device_);
  const auto expected = golden_.logits(70);
  const Outcome run = run_prompt(*model, golden_.ids(70));
  const auto width = static_cast<size_t>(model->config().vocab_size);
  const double divergence = mean_divergence(expected, run.logits, width);
  EXPECT_LE(divergence, 1e-4);
  RecordProperty("mean_kl", fmt::format("{:.2e}", divergence));
  std::cout << GetParam() << ": mean KL divergence of bf16 from f32 at length 70: " << divergence
            << "\n";
  for (size_t row = 0; row < 70; ++row) {
    const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(row * width);
    std::vector<float> sorted(begin, begin + static_cast<std::ptrdiff_t>(width));
    const auto best = std::ranges::max_element(sorted) - sorted.begin();
    std::ranges::nth_element(sorted, sorted.begin() + 1, std::greater<>());
    if (sorted[0] - sorted[1] <= 0.1F) continue;
    const auto ours = run.logits.begin() + static_cast<std::ptrdiff_t>(row * width);
    EXPECT_EQ(std::max_element(ours, ours + static_cast<std::ptrdiff_t>(width)) - ours, best)
        << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Reference, testing::ValuesIn(test::reference_families()),
                         [](const auto& info) { return info.param; });
INSTANTIATE_TEST_SUITE_P(Quantized, Reference, testing::ValuesIn(test::quantized_references()),
                         [](const auto& info) { return test::test_name(info.param); });

}  // namespace
}  // namespace linnet
