// The sampler against a slow reference that follows the order of include/linnet/options.hpp.
#include "engine/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

using engine::Sample;
using engine::Sampler;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

DevicePtr one_thread() { return Device::cpu({.threads = 1}); }

Array row(const std::vector<float>& logits, const DevicePtr& device) {
  return Array::from(logits, {1, static_cast<int64_t>(logits.size())}, device);
}

std::vector<float> random_logits(size_t count, unsigned seed, double spread = 2) {
  std::mt19937 random(seed);
  std::vector<float> result(count);
  for (float& value : result)
    value = static_cast<float>(spread * (static_cast<double>(random()) / 0x1p32 * 6 - 3));
  return result;
}

/// One greedy choice with these logits after a prompt.
int32_t greedy(const std::vector<float>& logits, GenerateOptions options,
               const std::vector<int32_t>& prompt = {}) {
  options.temperature = 0;
  return Sampler(options, prompt).sample(row(logits, one_thread())).id;
}

/// Logits after penalties and bias.
std::vector<double> adjusted(const std::vector<float>& logits, const GenerateOptions& options,
                             const std::vector<int32_t>& prompt,
                             const std::vector<int32_t>& generated) {
  std::vector<double> result(logits.begin(), logits.end());
  std::set<int32_t> seen(prompt.begin(), prompt.end());
  seen.insert(generated.begin(), generated.end());
  const double penalty = options.repetition_penalty;
  for (const int32_t id : seen) {
    double& value = result[static_cast<size_t>(id)];
    value = value < 0 ? value * penalty : value / penalty;
  }
  std::map<int32_t, int> counts;
  for (const int32_t id : generated) ++counts[id];
  for (const auto& [id, count] : counts)
    result[static_cast<size_t>(id)] -=
        static_cast<double>(options.frequency_penalty) * count + options.presence_penalty;
  for (const auto& [id, bias] : options.logit_bias) result[static_cast<size_t>(id)] += bias;
  return result;
}

/// The distribution that a draw must have, step by step in double.
std::vector<double> distribution(const std::vector<double>& logits,
                                 const GenerateOptions& options) {
  const size_t count = logits.size();
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> p(count);
  for (size_t i = 0; i < count; ++i) p[i] = std::exp((logits[i] - largest) / options.temperature);
  const auto normalise = [&] {
    const double total = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& value : p) value /= total;
  };
  normalise();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return p[a] > p[b]; });
  if (options.top_k > 0) {
    for (size_t i = static_cast<size_t>(options.top_k); i < count; ++i) p[order[i]] = 0;
    normalise();
  }
  if (options.top_p < 1) {
    double before = 0;
    for (const size_t i : order) {
      const double value = p[i];
      if (before >= options.top_p) p[i] = 0;
      before += value;
    }
    normalise();
  }
  const double floor = options.min_p * *std::ranges::max_element(p);
  for (double& value : p)
    if (value < floor) value = 0;
  normalise();
  return p;
}

/// Draws with many seeds: exactly the tokens of the distribution come, about as often as they must.
void expect_distribution(const std::vector<float>& logits, GenerateOptions options, int draws,
                         const std::vector<int32_t>& prompt = {}) {
  const DevicePtr device = one_thread();
  const Array values = row(logits, device);
  const std::vector<double> p = distribution(adjusted(logits, options, prompt, {}), options);
  std::vector<int> seen(logits.size());
  for (int i = 0; i < draws; ++i) {
    options.seed = static_cast<uint64_t>(i);
    ++seen[static_cast<size_t>(Sampler(options, prompt).sample(values).id)];
  }
  double statistic = 0;
  double degrees = -1;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * draws;
    EXPECT_TRUE(p[i] > 0 || seen[i] == 0) << "token " << i << " must not come";
    EXPECT_TRUE(expected < 25 || seen[i] > 0) << "token " << i << " never came";
    if (expected < 5) continue;
    statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
    degrees += 1;
  }
  // Five standard deviations of a chi-square variable.
  EXPECT_LE(statistic, degrees + 5 * std::sqrt(2 * std::max(degrees, 1.0)));
}

TEST(Sampler, GreedyTakesTheLargestAndTiesGoToTheLowerId) {
  EXPECT_EQ(greedy({1, 3, 2}, {}), 1);
  EXPECT_EQ(greedy({1, 3, 3, 3}, {}), 1);
  EXPECT_EQ(greedy({-2, -2, -5}, {}), 0);
  EXPECT_EQ(greedy({-0.0F, 0.0F}, {}), 0);
  for (const size_t first : {size_t{0}, size_t{7}, size_t{16}, size_t{500}, size_t{999}}) {
    std::vector<float> logits = random_logits(1000, 1);
    logits[first] = logits[999] = 100;
    EXPECT_EQ(greedy(logits, {}), static_cast<int32_t>(first));
  }
  // Filters and the seed have no part in it.
  EXPECT_EQ(greedy({1, 3, 3}, {.top_k = 1, .top_p = 0.1F, .min_p = 1, .seed = 9}), 1);
}

// As transformers' RepetitionPenaltyLogitsProcessor: seen tokens of prompt and answer alike, once
// each, divided if positive and multiplied if negative.
TEST(Sampler, RepetitionPenaltyIsHuggingFaces) {
  const GenerateOptions options{.repetition_penalty = 1.5F};
  EXPECT_EQ(greedy({2, 1.3F, -9}, options, {0}), 0);  // 2 / 1.5 = 1.333
  EXPECT_EQ(greedy({2, 1.35F, -9}, options, {0}), 1);
  EXPECT_EQ(greedy({2, 1.35F, -9}, options, {0, 0, 0}), 1);
  EXPECT_EQ(greedy({2, 1.3F, -9}, options, {0, 0, 0}), 0);  // however often it was there
  EXPECT_EQ(greedy({-2, -3.1F, -9}, options, {0}), 0);      // -2 * 1.5 = -3
  EXPECT_EQ(greedy({-2, -2.9F, -9}, options, {0}), 1);
  EXPECT_EQ(greedy({2, 2.9F, 0}, {.repetition_penalty = 0.5F}, {0}), 0);  // below 1 it attracts
  Sampler sampler(options, {});
  const Array values = row({2, 1.35F, -9}, one_thread());
  EXPECT_EQ(sampler.sample(values).id, 0);
  EXPECT_EQ(sampler.sample(values).id, 1) << "the answer counts too";
  EXPECT_EQ(sampler.sample(values).id, 0) << "1.35 / 1.5 < 2 / 1.5";
}

TEST(Sampler, FrequencyAndPresencePenaltiesCountTheAnswerAlone) {
  EXPECT_EQ(greedy({2, 1}, {.frequency_penalty = 1.5F}, {0, 0, 0}), 0);
  EXPECT_EQ(greedy({2, 1}, {.presence_penalty = 1.5F}, {0, 0, 0}), 0);
  const auto logits = random_logits(20, 2, 0.4);
  for (const GenerateOptions& options :
       {GenerateOptions{.frequency_penalty = 0.3F}, GenerateOptions{.presence_penalty = 0.7F},
        GenerateOptions{.frequency_penalty = 0.2F, .presence_penalty = 0.5F},
        GenerateOptions{.frequency_penalty = -0.1F, .presence_penalty = 0.3F},
        GenerateOptions{.repetition_penalty = 1.3F, .frequency_penalty = 0.1F}}) {
    const std::vector<int32_t> prompt{3, 3, 5};
    Sampler sampler(options, prompt);
    const Array values = row(logits, one_thread());
    std::vector<int32_t> generated;
    for (int step = 0; step < 60; ++step) {
      const auto expected = adjusted(logits, options, prompt, generated);
      const int32_t id = sampler.sample(values).id;
      ASSERT_NEAR(expected[static_cast<size_t>(id)], *std::ranges::max_element(expected), 1e-5)
          << "step " << step;
      generated.push_back(id);
    }
  }
}

TEST(Sampler, BiasIsAddedAndMinusInfinityForbids) {
  EXPECT_EQ(greedy({1, 2, 3}, {.logit_bias = {{0, 2.5F}}}), 0);
  EXPECT_EQ(greedy({1, 2, 3}, {.logit_bias = {{0, 1.5F}, {0, 1}}}), 0);
  EXPECT_EQ(greedy({1, 2, 3}, {.logit_bias = {{2, -kInfinity}}}), 1);
  EXPECT_EQ(greedy({1, 2, 3}, {.logit_bias = {{2, -kInfinity}, {1, -kInfinity}}}), 0);
  expect_distribution({1, 2, 3, 2}, {.temperature = 1, .logit_bias = {{2, -kInfinity}}}, 4000);
  expect_distribution({1, 2, 3, 2},
                      {.temperature = 1, .top_p = 0.9F, .logit_bias = {{2, -kInfinity}, {0, 1}}},
                      4000);
}

TEST(Sampler, NothingLeftToChooseIsAnError) {
  const std::vector<std::pair<int32_t, float>> all{{0, -kInfinity}, {1, -kInfinity}};
  for (const float temperature : {0.0F, 1.0F})
    test::expect_error(ErrorCode::invalid_argument, "logit_bias", [&] {
      Sampler({.temperature = temperature, .logit_bias = all}, {})
          .sample(row({1, 2}, one_thread()));
    });
  test::expect_error(ErrorCode::invalid_argument, "penalties", [&] {
    Sampler sampler({.frequency_penalty = -3e38F, .presence_penalty = -3e38F}, {});
    const Array values = row({1, 2}, one_thread());
    sampler.sample(values);
    sampler.sample(values);
  });
}

TEST(Sampler, LogitsThatAreNotFiniteAreAnError) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity})
    for (const float temperature : {0.0F, 1.0F})
      for (const size_t place : {size_t{0}, size_t{37}, size_t{99}}) {
        auto logits = random_logits(100, 3);
        logits[place] = bad;
        test::expect_error(ErrorCode::internal, "not finite", [&] {
          Sampler({.temperature = temperature}, {}).sample(row(logits, one_thread()));
        });
      }
  test::expect_error(ErrorCode::internal, "not finite", [&] {
    Sampler({}, {}).sample(row({-kInfinity, -kInfinity}, one_thread()));
  });
  // A token that the model itself excludes is no fault.
  EXPECT_EQ(greedy({-kInfinity, 1, 0}, {}), 1);
}

// Each step before the next one; every case would give something else the other way round.
TEST(Sampler, OrderOfThePipeline) {
  // Repetition before presence: 2/2 - 0.5 = 0.5, not (2 - 0.5)/2 = 0.75.
  Sampler penalties({.repetition_penalty = 2, .presence_penalty = 0.5F}, {});
  EXPECT_EQ(penalties.sample(row({2, 0.6F}, one_thread())).id, 0);
  EXPECT_EQ(penalties.sample(row({2, 0.6F}, one_thread())).id, 1);
  // Penalties before bias: 2/2 + 1 = 2, not (2 + 1)/2 = 1.5.
  EXPECT_EQ(greedy({2, 1.75F}, {.repetition_penalty = 2, .logit_bias = {{0, 1}}}, {0}), 0);
  // Bias before top-k: token 2 is among the first two only with it.
  expect_distribution({2, 1, 0}, {.temperature = 1, .top_k = 2, .logit_bias = {{2, 1.5F}}}, 2000);
  const std::vector<float> tenths{std::log(4.0F), std::log(3.0F), std::log(2.0F), 0};
  const auto reachable = [&](GenerateOptions options) {
    std::set<int32_t> ids;
    const Array values = row(tenths, one_thread());
    for (options.seed = 0; options.seed < 500; ++options.seed)
      ids.insert(Sampler(options, {}).sample(values).id);
    return ids;
  };
  // Temperature before top-p: at 1 two tokens reach 0.65, at 10 they are all nearly alike.
  EXPECT_EQ(reachable({.temperature = 1, .top_p = 0.65F}), (std::set<int32_t>{0, 1}));
  EXPECT_EQ(reachable({.temperature = 10, .top_p = 0.65F}), (std::set<int32_t>{0, 1, 2}));
  // Top-k before top-p: of the first two, the first has 4/7 alone.
  EXPECT_EQ(reachable({.temperature = 1, .top_k = 2, .top_p = 0.5F}), (std::set<int32_t>{0}));
  EXPECT_EQ(reachable({.temperature = 1, .top_p = 0.5F}), (std::set<int32_t>{0, 1}));
  // Top-p before min-p: 0.7 of the whole falls short of 0.72, 0.7 of 0.9 would not.
  EXPECT_EQ(reachable({.temperature = 1, .top_p = 0.72F, .min_p = 0.3F}),
            (std::set<int32_t>{0, 1, 2}));
  // Min-p is a share of the likeliest, at any temperature that precedes it.
  EXPECT_EQ(reachable({.temperature = 1, .min_p = 0.45F}), (std::set<int32_t>{0, 1, 2}));
  EXPECT_EQ(reachable({.temperature = 1, .min_p = 0.55F}), (std::set<int32_t>{0, 1}));
  EXPECT_EQ(reachable({.temperature = 0.5F, .min_p = 0.45F}), (std::set<int32_t>{0, 1}));
  EXPECT_EQ(reachable({.temperature = 1, .min_p = 1}), (std::set<int32_t>{0}));
}

TEST(Sampler, DrawsFollowTheReference) {
  const auto logits = random_logits(50, 4);
  constexpr int kDraws = test::rounds(6000, 2000);
  for (const GenerateOptions& options : std::initializer_list<GenerateOptions>{
           {.temperature = 1},
           {.temperature = 0.5F},
           {.temperature = 3},
           {.temperature = 2, .top_k = 1},
           {.temperature = 2, .top_k = 7},
           {.temperature = 2, .top_k = 50},
           {.temperature = 2, .top_k = 1000},
           {.temperature = 2, .top_p = 0.8F},
           {.temperature = 1, .top_p = 0.01F},
           {.temperature = 2, .min_p = 0.1F},
           {.temperature = 2, .top_k = 20, .top_p = 0.9F, .min_p = 0.05F},
           {.temperature = 2, .top_k = 12, .repetition_penalty = 1.8F},
       }) {
    SCOPED_TRACE(fmt::format("temperature {}, top_k {}, top_p {}, min_p {}", options.temperature,
                             options.top_k, options.top_p, options.min_p));
    GenerateOptions capped = options;
    capped.top_k = std::min<int64_t>(options.top_k, 50);
    expect_distribution(logits, capped, kDraws, {0, 10, 20, 30, 40});
    if (capped.top_k == options.top_k) continue;
    Sampler one(capped, {});
    Sampler other(options, {});
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(one.sample(row(logits, one_thread())).id,
                other.sample(row(logits, one_thread())).id);
  }
}

TEST(Sampler, EqualLogitsAreCutAtTheLowerIds) {
  expect_distribution(std::vector<float>(30, 1.0F), {.temperature = 1, .top_k = 4}, 2000);
  expect_distribution(std::vector<float>(32, 1.0F), {.temperature = 1, .top_p = 0.125F}, 2000);
  expect_distribution(std::vector<float>(30, 1.0F), {.temperature = 1, .min_p = 1}, 2000);
}

// A nucleus wider than the first guesses (256, then 4096 tokens) of the search for it.
TEST(Sampler, WideNucleus) {
  const DevicePtr device = one_thread();
  const auto logits = random_logits(6000, 5, 0.2);
  for (const float top_p : {0.03F, 0.5F, 0.9F, 0.9999F}) {
    GenerateOptions options{.temperature = 1, .top_p = top_p};
    const auto p = distribution(adjusted(logits, options, {}, {}), options);
    const auto nucleus = std::ranges::count_if(p, [](double value) { return value > 0; });
    std::vector<size_t> rank(p.size());
    const Array values = row(logits, device);
    std::set<int32_t> ids;
    for (options.seed = 0; options.seed < test::rounds(500, 100); ++options.seed) {
      const int32_t id = Sampler(options, {}).sample(values).id;
      ids.insert(id);
      ASSERT_GT(p[static_cast<size_t>(id)], 0) << "top_p " << top_p << ", token " << id;
    }
    // Draws of about equally likely tokens: few come twice.
    const auto n = static_cast<double>(nucleus);
    constexpr double kDraws = test::rounds(500, 100);
    EXPECT_GT(static_cast<double>(ids.size()), 0.9 * n * (1 - std::exp(-kDraws / n)));
  }
}

TEST(Sampler, OneRequestsDrawsAreIndependent) {
  const DevicePtr device = one_thread();
  const auto logits = random_logits(10, 6, 0.5);
  const auto p = distribution(adjusted(logits, {}, {}, {}), {.temperature = 1});
  Sampler sampler({.temperature = 1, .seed = 77}, {});
  const Array values = row(logits, device);
  constexpr int kDraws = 6000;
  std::vector<int> seen(10);
  std::vector<int> pairs(100);
  int32_t last = 0;
  for (int i = 0; i < kDraws; ++i) {
    const int32_t id = sampler.sample(values).id;
    ++seen[static_cast<size_t>(id)];
    ++pairs[static_cast<size_t>(last * 10 + id)];
    last = id;
  }
  double single = 0;
  double paired = 0;
  for (size_t a = 0; a < 10; ++a) {
    single += std::pow(seen[a] - p[a] * kDraws, 2) / (p[a] * kDraws);
    for (size_t b = 0; b < 10; ++b)
      paired += std::pow(pairs[a * 10 + b] - p[a] * p[b] * kDraws, 2) / (p[a] * p[b] * kDraws);
  }
  EXPECT_LE(single, 9 + 5 * std::sqrt(18.0));
  EXPECT_LE(paired, 99 + 5 * std::sqrt(198.0));
}

TEST(Sampler, ASeedGivesTheSameTokensAgain) {
  const auto run = [](uint64_t seed, int count) {
    const Array values = row(random_logits(300, 7), one_thread());
    Sampler sampler({.temperature = 2, .seed = seed}, {});
    std::vector<int32_t> ids;
    for (int i = 0; i < count; ++i) ids.push_back(sampler.sample(values).id);
    return ids;
  };
  const auto first = run(1, 50);
  EXPECT_EQ(run(1, 50), first);
  auto longer = run(1, 60);
  longer.resize(50);
  EXPECT_EQ(longer, first);
  EXPECT_NE(run(2, 50), first);
  EXPECT_NE(run(uint64_t{1} << 40, 50), first);
  EXPECT_NE(run(0, 50), first);
}

TEST(Sampler, ExtremeTemperatures) {
  const std::vector<float> logits{1, 1.001F, 1, 0.5F};
  for (const float cold : {1e-6F, 1e-38F, 1e-42F, std::numeric_limits<float>::denorm_min()})
    for (uint64_t seed = 0; seed < 20; ++seed)
      EXPECT_EQ(
          Sampler({.temperature = cold, .seed = seed}, {}).sample(row(logits, one_thread())).id, 1)
          << cold;
  expect_distribution(logits, {.temperature = 3e38F}, 2000);
  expect_distribution({-1e30F, 1e30F, 1e30F}, {.temperature = 1}, 500);
}

TEST(Sampler, InstructionSetsAndThreadsMakeTheSameChoices) {
  const std::vector<GenerateOptions> requests{
      {},
      {.temperature = 0.8F, .seed = 1},
      {.temperature = 1, .top_k = 40, .seed = 2},
      {.temperature = 1.2F, .top_p = 0.95F, .seed = 3},
      {.temperature = 1, .min_p = 0.02F, .seed = 4},
      {.temperature = 1.5F,
       .top_k = 100,
       .top_p = 0.9F,
       .min_p = 0.01F,
       .seed = 5,
       .repetition_penalty = 1.2F,
       .frequency_penalty = 0.1F,
       .presence_penalty = 0.1F},
  };
  std::vector<std::pair<int32_t, uint32_t>> expected;
  for (const kernels::cpu::Isa isa : kernels::cpu::available_isas())
    for (const int threads : {1, 3}) {
      const DevicePtr device = Device::cpu({.threads = threads}, isa);
      std::vector<std::pair<int32_t, uint32_t>> samples;
      for (const GenerateOptions& options : requests) {
        Sampler sampler(options, std::vector<int32_t>{1, 2, 3});
        for (unsigned step = 0; step < 25; ++step) {
          const Sample sample = sampler.sample(row(random_logits(3001, 100 + step), device));
          samples.emplace_back(sample.id, std::bit_cast<uint32_t>(sample.logprob));
        }
      }
      if (expected.empty()) expected = samples;
      EXPECT_EQ(samples, expected) << kernels::cpu::to_string(isa) << ", " << threads << " threads";
    }
}

TEST(Sampler, LogprobIsThatOfTheModelAlone) {
  auto logits = random_logits(500, 8);
  logits[3] = 3;  // with its bias below it is drawn again and again
  double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  const double normaliser = largest + std::log(sum);
  for (const GenerateOptions& options :
       std::initializer_list<GenerateOptions>{{},
                                              {.temperature = 1},
                                              {.temperature = 0.3F, .top_k = 5},
                                              {.temperature = 2, .top_p = 0.5F, .min_p = 0.1F},
                                              {.temperature = 2,
                                              .repetition_penalty = 3,
                                              .frequency_penalty = 1,
                                              .presence_penalty = 1,
                                              .logit_bias = {{3, 30}, {4, -kInfinity}}}}) {
    Sampler sampler(options, std::vector<int32_t>{3, 4, 5});
    const Array values = row(logits, one_thread());
    for (int i = 0; i < 20; ++i) {
      const Sample sample = sampler.sample(values);
      EXPECT_NEAR(sample.logprob, logits[static_cast<size_t>(sample.id)] - normaliser, 1e-5);
    }
  }
}

TEST(CheckOptions, NamesTheFieldThatIsOutOfRange) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    GenerateOptions options;
    const char* part;
  };
  const std::vector<Case> cases{
      {{.max_tokens = -1}, "max_tokens -1"},
      {{.temperature = -0.1F}, "temperature -0.1"},
      {{.temperature = nan}, "temperature nan"},
      {{.temperature = kInfinity}, "temperature inf"},
      {{.top_k = -1}, "top_k -1"},
      {{.top_p = 0}, "top_p 0"},
      {{.top_p = 1.5F}, "top_p 1.5"},
      {{.top_p = nan}, "top_p nan"},
      {{.min_p = -0.5F}, "min_p -0.5"},
      {{.min_p = 2}, "min_p 2"},
      {{.min_p = nan}, "min_p nan"},
      {{.repetition_penalty = 0}, "repetition_penalty 0"},
      {{.repetition_penalty = -1}, "repetition_penalty -1"},
      {{.repetition_penalty = kInfinity}, "repetition_penalty inf"},
      {{.repetition_penalty = nan}, "repetition_penalty nan"},
      {{.frequency_penalty = nan}, "frequency_penalty nan"},
      {{.presence_penalty = kInfinity}, "presence_penalty inf"},
      {{.logit_bias = {{0, 1}, {100, 1}}}, "logit_bias: token id 100 is outside 0..99"},
      {{.logit_bias = {{-1, 1}}}, "logit_bias: token id -1"},
      {{.logit_bias = {{7, nan}}}, "logit_bias of token 7 is nan"},
      {{.logit_bias = {{7, kInfinity}}}, "logit_bias of token 7 is inf"},
      {{.stop_ids = {3, 100}}, "stop_ids: token id 100 is outside 0..99"},
      {{.stop_ids = {-5}}, "stop_ids: token id -5"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.part);
    test::expect_error(ErrorCode::invalid_argument, bad.part,
                       [&] { engine::check_options(bad.options, 100); });
  }
  EXPECT_NO_THROW(engine::check_options({}, 100));
  EXPECT_NO_THROW(engine::check_options({.max_tokens = 0,
                                         .temperature = 1e-45F,
                                         .top_k = 1000,
                                         .top_p = 1e-9F,
                                         .min_p = 1,
                                         .repetition_penalty = 0.1F,
                                         .frequency_penalty = -2,
                                         .presence_penalty = -2,
                                         .logit_bias = {{99, -kInfinity}},
                                         .stop_ids = {0, 99}},
                                        100));
}

}  // namespace
}  // namespace linnet
