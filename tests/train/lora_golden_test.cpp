// LoRA against PyTorch: the loss before each of six AdamW steps, the first gradients, and what A
// and B become, for four families (tests/data/reference/lora).
#include <gtest/gtest.h>

#include <cmath>

#include "io/checkpoint.hpp"
#include "models/registry.hpp"
#include "support/reference.hpp"
#include "support/sanitized.hpp"
#include "sweep.hpp"
#include "train/gradients.hpp"
#include "train/subject.hpp"

namespace linnet::train {
namespace {

/// The name in the golden file of "layers.0.self_attn.q_proj.lora_a".
std::string golden_name(const std::string& kind, const std::string& parameter) {
  return kind + ".model." + parameter;
}

/// Two sequences of 33 ids; the first 32 of each are rows, the others their targets.
Pack golden_pack(const io::SafetensorsFile& golden) {
  const auto ids = test::read_tensor<int32_t>(golden, "ids");
  const auto mask = test::read_tensor<float>(golden, "mask");
  Pack pack{.ids = ids, .lengths = {33, 33}, .weights = std::vector<float>(66)};
  for (size_t s = 0; s < 2; ++s)
    for (size_t t = 0; t < 32; ++t) pack.weights[s * 33 + t + 1] = mask[s * 32 + t];
  return pack;
}

struct Golden {
  io::SafetensorsFile file;
  Json json;
  std::unique_ptr<LoraSubject> subject;

  Golden(const std::string& family, const DevicePtr& device, double dropout = 0)
      : file(io::SafetensorsFile::open(test::reference_folder("lora") / (family + ".safetensors"))),
        json(Json::parse_file(test::reference_folder("lora") / (family + ".json"))) {
    const auto checkpoint = io::Checkpoint::open(test::reference_folder(family));
    auto loaded = models::load(checkpoint, device, {.compute = Compute::f32});
    subject = std::make_unique<LoraSubject>(
        std::shared_ptr<const models::Model>(std::move(loaded.model)), loaded.modules,
        LoraOptions{.rank = json.at("rank").as_integer(),
                    .alpha = json.at("alpha").as_number(),
                    .dropout = dropout});
    for (Parameter parameter : subject->parameters()) {
      const auto values = test::read_tensor<float>(file, golden_name("init", parameter.name));
      std::ranges::copy(values, parameter.value.mutable_data<float>());
    }
  }
  [[nodiscard]] Optimizer optimizer() const {
    const auto betas = json.at("betas").elements();
    return Optimizer({.weight_decay = json.at("weight_decay").as_number(),
                      .beta1 = betas[0].as_number(),
                      .beta2 = betas[1].as_number(),
                      .epsilon = json.at("eps").as_number()},
                     subject->parameters());
  }
  /// Largest differences: of the value, and of the expected value.
  [[nodiscard]] std::pair<double, double> compare(const std::string& name,
                                                  const Array& actual) const {
    const auto expected = test::read_tensor<float>(file, name);
    const auto found = actual.to_floats();
    EXPECT_EQ(found.size(), expected.size());
    double error = 0;
    double largest = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      error = std::max(error, std::fabs(double{found[i]} - double{expected[i]}));
      largest = std::max(largest, std::fabs(double{expected[i]}));
    }
    return {error, largest};
  }
};

class LoraGolden : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, LoraGolden,
                         ::testing::Values("gemma3", "qwen3", "qwen2", "llama3"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LoraGolden, SixStepsAsPyTorchTakesThem) {
  const Golden golden(GetParam(), test::device());
  const Pack pack = golden_pack(golden.file);
  Optimizer optimizer = golden.optimizer();
  const double rate = golden.json.at("lr").as_number();
  int64_t step = 0;
  for (const Json& loss : golden.json.at("losses").elements()) {
    const StepGradients result = gradients_of(*golden.subject, {&pack, 1}, {});
    EXPECT_NEAR(result.sums.mean(), loss.as_number(), 1e-5 * loss.as_number()) << "step " << step;
    EXPECT_NEAR(result.sums.mean_loss(), loss.as_number(), 1e-5 * loss.as_number());
    if (step == 0)
      for (size_t i = 0; i < result.gradients.size(); ++i) {
        const std::string name = golden_name("grad0", golden.subject->parameters()[i].name);
        const auto [error, largest] = golden.compare(name, result.gradients[i]);
        EXPECT_LE(error, 1e-4 * largest) << name;
      }
    optimizer.step(result.gradients, rate);
    ++step;
  }
  for (const Parameter& parameter : golden.subject->parameters()) {
    const std::string name = golden_name("final", parameter.name);
    const auto [error, largest] = golden.compare(name, parameter.value);
    EXPECT_LE(error, 1e-3 * largest) << name;
  }
}

/// The bits of all parameters after some steps.
std::vector<uint32_t> bits_after(const std::string& family, const DevicePtr& device, int steps,
                                 const LossOptions& options, double dropout) {
  const Golden golden(family, device, dropout);
  const Pack pack = golden_pack(golden.file);
  Optimizer optimizer = golden.optimizer();
  for (int step = 0; step < steps; ++step) {
    const Key key{.seed = 5, .stream = static_cast<uint64_t>(step)};
    optimizer.step(gradients_of(*golden.subject, {&pack, 1}, options, key).gradients, 0.01);
  }
  std::vector<uint32_t> bits;
  for (const Parameter& parameter : golden.subject->parameters())
    for (const float value : parameter.value.to_vector<float>())
      bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

TEST_P(LoraGolden, TwentyStepsHaveTheSameBitsEverywhere) {
  // Emulated instruction sets are slow: one family goes all the way on them.
  const int steps = std::string(GetParam()) == "qwen3" ? test::rounds(20, 3) : 2;
  const auto first = bits_after(GetParam(), test::device(), steps, {}, 0.25);
  for (const DevicePtr& device : test::all_devices())
    EXPECT_TRUE(bits_after(GetParam(), device, steps, {}, 0.25) == first) << test::name(device);
  EXPECT_TRUE(bits_after(GetParam(), test::device(), steps, {.checkpoint_layers = true}, 0.25) ==
              first)
      << "with layers computed again";
  EXPECT_FALSE(bits_after(GetParam(), test::device(), steps, {}, 0) == first) << "no dropout";
}

TEST(Gradients, SeveralPacksAreOneStep) {
  const Golden golden("qwen3", test::device());
  const Pack both = golden_pack(golden.file);
  std::vector<Pack> parts;
  for (size_t s = 0; s < 2; ++s) {
    const auto begin = static_cast<int64_t>(s) * 33;
    parts.push_back({.ids = {both.ids.begin() + begin, both.ids.begin() + begin + 33},
                     .lengths = {33},
                     .weights = {both.weights.begin() + begin, both.weights.begin() + begin + 33}});
  }
  const StepGradients one = gradients_of(*golden.subject, {&both, 1}, {});
  const StepGradients two = gradients_of(*golden.subject, parts, {});
  EXPECT_NEAR(one.sums.mean(), two.sums.mean(), 1e-6);
  EXPECT_EQ(one.sums.targets, two.sums.targets);
  for (size_t i = 0; i < one.gradients.size(); ++i) {
    const auto a = one.gradients[i].to_floats();
    const auto b = two.gradients[i].to_floats();
    for (size_t j = 0; j < a.size(); ++j) ASSERT_NEAR(a[j], b[j], 1e-6);
  }
  EXPECT_NEAR(loss_of(*golden.subject, parts, {}).mean(), one.sums.mean(), 1e-6);
}

}  // namespace
}  // namespace linnet::train
