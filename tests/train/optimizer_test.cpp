#include "train/optimizer.hpp"

#include <cmath>
#include <limits>

#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet::train {
namespace {

using test::device;

/// The parameter and the gradients of the runs that the values below were taken from; exact in f32.
Array parameter(const Shape& shape, const DevicePtr& on) {
  std::vector<float> values(20);
  for (int i = 0; i < 20; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>((i * 7) % 11 - 5) / 8;
  return Array::from(values, shape, on);
}
Array gradient(const Shape& shape, int t, const DevicePtr& on) {
  std::vector<float> values(20);
  for (int i = 0; i < 20; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>((i * 5 + t * 3) % 13 - 6) / 16;
  return Array::from(values, shape, on);
}

struct Golden {
  const char* name;
  OptimizerOptions options;
  Shape shape;
  double learning_rate;
  std::vector<float> expected;  // the parameter after five steps
};

/// PyTorch 2.11.0 on the CPU, foreach=False: torch.optim.AdamW, SGD, Adafactor (their defaults but
/// for the options given), gradients of steps 1 to 5.
const std::vector<Golden>& golden() {
  static const std::vector<Golden> all = {
      {"AdamW", {.weight_decay = 0.1}, {4, 5}, 0.01, {-0.612459362F, 0.229132101F,   -0.220781386F,
                                                      0.622083485F,  0.125325888F,   -0.353093982F,
                                                      0.486154824F,  -0.0175770149F, -0.483250558F,
                                                      0.34578678F,   -0.0956790224F, -0.642114341F,
                                                      0.240498766F,  -0.239330664F,  0.602260828F,
                                                      0.152347386F,  -0.372926563F,  0.49845466F,
                                                      0.020034764F,  -0.508855224F}},
      {"AdamW, other options",
       {.weight_decay = 0, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6},
       {4, 5},
       0.003,
       {-0.62283951F,  0.244642332F,  -0.242578536F,   0.625097752F,  0.125538737F,
        -0.369655937F, 0.497081161F,  -0.00504601002F, -0.495798409F, 0.367289275F,
        -0.116990604F, -0.630935133F, 0.247777447F,    -0.24783954F,  0.619642317F,
        0.132421464F,  -0.374902248F, 0.500538766F,    0.0053440663F, -0.502918839F}},
      {"SGD",
       {.kind = OptimizerKind::sgd, .weight_decay = 0},
       {4, 5},
       0.05,
       {-0.631250024F, 0.246875003F,  -0.25F,         0.628125012F,   0.131249994F,
        -0.365624994F, 0.512499988F,  -0.0250000004F, -0.481250018F,  0.356249988F,
        -0.100000001F, -0.637499988F, 0.240624979F,   -0.256250024F,  0.621874988F,
        0.125F,        -0.371874988F, 0.506250024F,   0.00937500037F, -0.487499982F}},
      {"SGD with momentum",
       {.kind = OptimizerKind::sgd, .weight_decay = 0.01, .momentum = 0.9},
       {4, 5},
       0.05,
       {-0.631090283F,  0.220215291F,  -0.176096246F,  0.605817735F,  0.153508067F,
        -0.341704458F,  0.509601116F,  -0.0527251661F, -0.470770508F, 0.303367883F,
        -0.0523186699F, -0.677003801F, 0.236660659F,   -0.258551896F, 0.592753708F,
        0.196442142F,   -0.387617946F, 0.526046455F,   0.0308339149F, -0.483834565F}},
      {"SGD with Nesterov momentum",
       {.kind = OptimizerKind::sgd, .weight_decay = 0.01, .momentum = 0.9, .nesterov = true},
       {4, 5},
       0.05,
       {-0.63520515F,   0.219538465F,  -0.183084399F,  0.60934639F,   0.156565696F,
        -0.33481878F,   0.519924819F,  -0.0723562092F, -0.453720272F, 0.291002959F,
        -0.0344324261F, -0.682642162F, 0.228030175F,   -0.263354301F, 0.591389298F,
        0.188766435F,   -0.382255793F, 0.528416514F,   0.0370320529F, -0.471677452F}},
      {"Adafactor of a matrix",
       {.kind = OptimizerKind::adafactor, .weight_decay = 0.1},
       {4, 5},
       0.01,
       {-0.626300156F, 0.240916923F,  -0.251710355F,   0.619642496F,   0.122887947F,
        -0.371909142F, 0.497280508F,  -0.00800490193F, -0.492887259F,  0.365420043F,
        -0.117492624F, -0.626743972F, 0.245640114F,    -0.250429988F,  0.619499087F,
        0.12374755F,   -0.370073587F, 0.499219716F,    0.00500789192F, -0.494189054F}},
      {"Adafactor of a vector",
       {.kind = OptimizerKind::adafactor, .weight_decay = 0.1},
       {20},
       0.01,
       {-0.624715567F, 0.245035589F,  -0.251446009F,   0.622600675F,   0.124109723F,
        -0.371520907F, 0.496474773F,  -0.00739463372F, -0.49274978F,   0.36635834F,
        -0.118680865F, -0.627758741F, 0.244920045F,    -0.251586854F,  0.618164361F,
        0.121682741F,  -0.372409314F, 0.497238487F,    0.00160786626F, -0.498535305F}}};
  return all;
}

TEST(Optimizer, GivesWhatPyTorchGives) {
  for (const Golden& run : golden()) {
    SCOPED_TRACE(run.name);
    const Array result = test::same_everywhere([&](const DevicePtr& on) {
      Optimizer optimizer(run.options, {{"w", parameter(run.shape, on)}});
      for (int t = 1; t <= 5; ++t)
        optimizer.step(std::vector<Array>{gradient(run.shape, t, on)}, run.learning_rate);
      EXPECT_EQ(optimizer.steps(), 5);
      return optimizer.parameters()[0].value;
    });
    const auto found = result.to_floats();
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], run.expected[i], 2e-7) << i;
  }
}

TEST(Optimizer, LionMovesByTheRateAgainstTheSign) {
  Optimizer optimizer(default_options(OptimizerKind::lion),
                      {{"w", Array::from<float>({1, 1, 1}, {3}, device()), false}});
  optimizer.step(std::vector<Array>{Array::from<float>({0.5F, -3, 0}, {3}, device())}, 0.25);
  EXPECT_EQ(optimizer.parameters()[0].value.to_floats(), (std::vector<float>{0.75F, 1.25F, 1}));
}

TEST(ClipGlobalNorm, GivesWhatPyTorchGives) {
  // torch.nn.utils.clip_grad_norm_([a, b], 1.0), PyTorch 2.11.0: the norm, and a[0] and b[1] after
  // it.
  const Array a = gradient({4, 5}, 1, device());
  std::vector<float> values = gradient({20}, 2, device()).to_floats();
  for (float& value : values) value *= 4;
  const Array b = Array::from(values, {20}, device());
  const std::vector<Array> both = {a, b};
  const Clip clip = clip_global_norm(both, 1);
  EXPECT_NEAR(clip.norm, 4.2541337, 5e-7);
  EXPECT_NEAR(clip.scale * double{a.to_floats()[0]}, -0.04407476633787155, 1e-8);
  EXPECT_NEAR(clip.scale * double{values[1]}, 0.29383179545402527, 5e-8);
  EXPECT_EQ(clip_global_norm(both, 5).scale, 1);
  EXPECT_EQ(clip_global_norm(both, 0).scale, 1);
  const Clip halved = clip_global_norm(both, 1, 0.5);
  EXPECT_EQ(halved.norm, clip.norm / 2);
  EXPECT_NEAR(halved.scale, clip.scale, 1e-6);
  for (const DevicePtr& on : test::all_devices())
    EXPECT_EQ(clip_global_norm(std::vector<Array>{gradient({20}, 3, on)}, 1).scale,
              clip_global_norm(std::vector<Array>{gradient({20}, 3, device())}, 1).scale);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<Array> ruined = {Array::from<float>({infinity}, {1}, device())};
  EXPECT_TRUE(std::isinf(clip_global_norm(ruined, 1).norm));
  EXPECT_EQ(clip_global_norm({}, 1).norm, 0);
  test::expect_error(ErrorCode::invalid_argument, "the largest norm of gradients is -1",
                     [&] { (void)clip_global_norm(both, -1); });
}

TEST(Optimizer, AScaleIsAsGoodAsScaledGradients) {
  for (const auto kind :
       {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::lion, OptimizerKind::adafactor}) {
    Optimizer scaled(default_options(kind), {{"w", parameter({4, 5}, device())}});
    Optimizer plain(default_options(kind), {{"w", parameter({4, 5}, device())}});
    for (int t = 1; t <= 3; ++t) {
      const Array g = gradient({4, 5}, t, device());
      auto values = g.to_floats();
      for (float& value : values) value *= 0.3F;
      scaled.step(std::vector<Array>{g}, 0.01, 0.3F);
      plain.step(std::vector<Array>{Array::from(values, {4, 5}, device())}, 0.01);
    }
    EXPECT_EQ(scaled.parameters()[0].value.to_floats(), plain.parameters()[0].value.to_floats());
  }
}

TEST(Optimizer, DecayIsForThoseThatAskForIt) {
  Optimizer optimizer({.weight_decay = 0.5}, {{"w", parameter({20}, device())},
                                              {"norm", parameter({20}, device()), false}});
  const Array none = Array::zeros({20}, DType::f32, device());
  optimizer.step(std::vector<Array>{none, none}, 0.5);
  auto expected = parameter({20}, device()).to_floats();
  EXPECT_EQ(optimizer.parameters()[1].value.to_floats(), expected);
  for (float& value : expected) value *= 0.75F;
  EXPECT_EQ(optimizer.parameters()[0].value.to_floats(), expected);
}

std::vector<OptimizerOptions> all_options() {
  OptimizerOptions momentum = default_options(OptimizerKind::sgd);
  momentum.momentum = 0.9;
  return {default_options(OptimizerKind::adamw), default_options(OptimizerKind::sgd), momentum,
          default_options(OptimizerKind::lion), default_options(OptimizerKind::adafactor)};
}

Array copy(const Array& x) { return Array::from(x.to_floats(), x.shape(), x.device()); }

TEST(Optimizer, ALoadedRunGoesOnExactly) {
  for (const OptimizerOptions& options : all_options()) {
    SCOPED_TRACE(to_string(options.kind));
    const auto fresh = [&] {
      return Optimizer(options, {{"w", parameter({4, 5}, device())},
                                 {"norm", parameter({20}, device()), false}});
    };
    const auto step = [](Optimizer& optimizer, int t) {
      optimizer.step(
          std::vector<Array>{gradient({4, 5}, t, device()), gradient({20}, t + 1, device())}, 0.01);
    };
    Optimizer whole = fresh();
    for (int t = 1; t <= 6; ++t) step(whole, t);
    Optimizer first = fresh();
    for (int t = 1; t <= 3; ++t) step(first, t);
    // The second begins with the first's values, and its state as copies.
    Optimizer second(options, {{"w", copy(first.parameters()[0].value)},
                               {"norm", copy(first.parameters()[1].value), false}});
    second.load_state(first.state());
    EXPECT_EQ(second.steps(), 3);
    step(first, 1);  // changes nothing of the second
    for (int t = 4; t <= 6; ++t) step(second, t);
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(second.parameters()[i].value.to_floats(), whole.parameters()[i].value.to_floats());
  }
}

TEST(Optimizer, BytesOfStateAreKnownBefore) {
  for (const OptimizerOptions& options : all_options()) {
    const Optimizer optimizer(
        options, {{"w", parameter({4, 5}, device())}, {"v", parameter({20}, device())}});
    int64_t bytes = 0;
    for (const auto& [name, array] : optimizer.state())
      if (name != "step") bytes += array.nbytes();
    EXPECT_EQ(state_bytes(options, {4, 5}) + state_bytes(options, {20}), bytes);
  }
  EXPECT_EQ(state_bytes({}, {1000, 100}), 800'000);
  EXPECT_EQ(state_bytes({.kind = OptimizerKind::adafactor}, {1000, 100}), 4400);
}

TEST(Optimizer, ErrorsNameWhatIsWrong) {
  const auto bad = ErrorCode::invalid_argument;
  test::expect_error(bad, "beta1 is 1,", [] { check({.beta1 = 1}); });
  test::expect_error(bad, "momentum is an option of sgd, not of adamw",
                     [] { check({.momentum = 0.9}); });
  test::expect_error(bad, "weight_decay is -1,", [] { check({.weight_decay = -1}); });
  test::expect_error(bad, "nesterov needs a momentum",
                     [] { check({.kind = OptimizerKind::sgd, .nesterov = true}); });
  test::expect_error(bad, "optimizer \"adam\" is unknown", [] { (void)parse_optimizer("adam"); });
  EXPECT_EQ(parse_optimizer("lion"), OptimizerKind::lion);
  const Array w = parameter({4, 5}, device());
  test::expect_error(bad, "two parameters are called w", [&] {
    Optimizer({}, {{"w", w}, {"w", w}});
  });
  test::expect_error(bad, "parameter w is not dense f32", [&] {
    Optimizer({}, {{"w", w.with_layout({5, 4}, {1, 5}, 0)}});
  });
  Optimizer optimizer({}, {{"w", w}});
  const std::vector<float> before = w.to_floats();
  test::expect_error(bad, "0 gradients for 1 parameters", [&] { optimizer.step({}, 0.1); });
  test::expect_error(bad, "the gradient of w is f32 [20], expected f32 [4, 5]",
                     [&] { optimizer.step(std::vector<Array>{parameter({20}, device())}, 0.1); });
  test::expect_error(bad, "parameter w has no gradient",
                     [&] { optimizer.step(std::vector<Array>{Array()}, 0.1); });
  test::expect_error(bad, "the learning rate is nan",
                     [&] { optimizer.step(std::vector<Array>{w}, std::nan("")); });
  EXPECT_EQ(optimizer.steps(), 0);
  EXPECT_EQ(w.to_floats(), before);

  const auto malformed = ErrorCode::malformed_file;
  NamedArrays state = optimizer.state();
  state.erase("w.exp_avg_sq");
  test::expect_error(malformed, "the optimizer's state has no w.exp_avg_sq; was it saved by adamw?",
                     [&] { optimizer.load_state(state); });
  state = optimizer.state();
  state["w.exp_avg"] = Array::zeros({5, 4}, DType::f32, device());
  test::expect_error(malformed,
                     "w.exp_avg of the optimizer's state is f32 [5, 4], expected f32 [4, 5]",
                     [&] { optimizer.load_state(state); });
  state = optimizer.state();
  state["v.exp_avg"] = Array::zeros({1}, DType::f32, device());
  test::expect_error(malformed, "v.exp_avg of the optimizer's state belongs to no parameter",
                     [&] { optimizer.load_state(state); });
}

}  // namespace
}  // namespace linnet::train
