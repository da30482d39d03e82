// Every rule of every differentiable op: vjp against central differences, jvp against vjp by
// <c, J t> = <J^T c, t>, over odd sizes, views and broadcast operands, and both equal to the bit on
// every instruction set and thread count.
#include <gtest/gtest.h>

#include "ops/activation.hpp"
#include "ops/attention.hpp"
#include "ops/autograd.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/elementwise.hpp"
#include "ops/indexing.hpp"
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/mean_squared_error.hpp"
#include "ops/norm.hpp"
#include "ops/quantize.hpp"
#include "ops/random.hpp"
#include "ops/reduce.hpp"
#include "ops/rope.hpp"
#include "ops/scan.hpp"
#include "ops/softmax.hpp"
#include "ops/sort.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using ops::Arrays;
using test::device;
using test::Layout;
using test::Numbers;

/// One call of an op.
struct Case {
  std::string name;
  std::vector<Shape> shapes;  ///< of the inputs
  std::function<Arrays(const Arrays&)> fn;
  double low = -1.5;  ///< range of the inputs
  double high = 1.5;
  /// Of the largest derivative: what f32 and a step of central differences allow.
  double tolerance = 4e-3;
  double step = 4e-3;
  /// Inputs are multiples of 1/8 (for maxima and sorts: apart from each other, and ties).
  bool apart = false;
};

Arrays inputs_of(const Case& c, Layout layout, const DevicePtr& on) {
  Arrays result;
  uint64_t seed = 1;
  for (const Shape& shape : c.shapes) {
    Numbers numbers(seed++);
    int64_t count = 0;
    result.push_back(test::make_array(layout, shape, DType::f32, on, [&] {
      if (!c.apart) return static_cast<long double>(numbers.uniform(c.low, c.high));
      const int64_t i = count++;
      return static_cast<long double>((i * 37 + 11) % 101) / 16 - 3;
    }));
  }
  return result;
}

Arrays like(const Arrays& arrays, uint64_t seed) {
  Arrays result;
  Numbers numbers(seed);
  for (const Array& a : arrays) {
    std::vector<float> values(static_cast<size_t>(a.size()));
    for (float& value : values) value = static_cast<float>(numbers.uniform(-1, 1));
    result.push_back(Array::from(values, a.shape(), a.device()));
  }
  return result;
}

double dot(const Arrays& a, const Arrays& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = a[i].to_floats();
    const auto y = b[i].to_floats();
    for (size_t j = 0; j < x.size(); ++j) sum += double{x[j]} * double{y[j]};
  }
  return sum;
}

double magnitude(const Arrays& a) {
  double sum = 0;
  for (const Array& x : a)
    for (const float value : x.to_floats()) sum += double{value} * double{value};
  return std::sqrt(sum);
}

/// Directions t: <c, f(x + h t) - f(x - h t)> / 2h against <J^T c, t>.
void check_differences(const Case& c, const Arrays& x) {
  const ops::Vjp pulled = ops::vjp(c.fn, x);
  const Arrays cotangents = like(pulled.outputs, 91);
  const Arrays gradients = pulled.pullback(cotangents);
  ASSERT_EQ(gradients.size(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(gradients[i].shape(), x[i].shape());
    ASSERT_EQ(gradients[i].dtype(), DType::f32);
  }
  for (uint64_t direction = 0; direction < 4; ++direction) {
    const Arrays t = like(x, 300 + direction);
    const auto moved = [&](double h) {
      Arrays arguments;
      for (size_t i = 0; i < x.size(); ++i) arguments.push_back(ops::add(x[i], ops::mul(t[i], h)));
      return dot(cotangents, c.fn(arguments));
    };
    const double numeric = (moved(c.step) - moved(-c.step)) / (2 * c.step);
    const double scale = magnitude(gradients) * magnitude(t) / std::sqrt(8.0) + 1e-2;
    EXPECT_NEAR(dot(gradients, t), numeric, c.tolerance * scale) << "direction " << direction;
    const ops::Jvp pushed = ops::jvp(c.fn, x, t);
    const double forward = dot(cotangents, pushed.tangents);
    const double size = magnitude(cotangents) * magnitude(pushed.tangents) + 1e-3;
    EXPECT_NEAR(forward, dot(gradients, t), 2e-5 * size) << "jvp against vjp";
  }
}

Arrays one(Array y) { return {std::move(y)}; }

template <class Op>
Case unary(std::string name, Op op, double low = -2, double high = 2) {
  return {.name = std::move(name),
          .shapes = {{3, 17}},
          .fn = [op](const Arrays& x) { return one(op(x[0])); },
          .low = low,
          .high = high};
}

template <class Op>
std::vector<Case> binary(const std::string& name, Op op, double low = -2, double high = 2) {
  std::vector<Case> result;
  for (const auto& [a, b] : {std::pair<Shape, Shape>{{3, 5}, {3, 5}},
                             {{2, 3, 17}, {17}},
                             {{4, 1}, {1, 19}},
                             {{}, {2, 3}},
                             {{1}, {5}}})
    result.push_back({.name = fmt::format("{} {} {}", name, a, b),
                      .shapes = {a, b},
                      .fn = [op](const Arrays& x) { return one(op(x[0], x[1])); },
                      .low = low,
                      .high = high});
  return result;
}

std::vector<Case> elementwise_cases() {
  std::vector<Case> all = {
      unary("neg", ops::neg),
      unary("abs", ops::abs, 0.2, 2),
      unary("square", ops::square),
      unary("sqrt", ops::sqrt, 0.3, 3),
      unary("rsqrt", ops::rsqrt, 0.3, 3),
      unary("exp", ops::exp),
      unary("log", ops::log, 0.3, 3),
      unary("tanh", ops::tanh),
      unary("erf", ops::erf),
      unary("sigmoid", ops::sigmoid),
      unary("silu", ops::silu),
      unary("gelu", ops::gelu),
      unary("gelu_tanh", ops::gelu_tanh),
      unary("scalars", [](const Array& x) { return (2.0F - x * 3.0F) / 7 + (1 / (x + 5.0F)); }),
      unary("power of a scalar", [](const Array& x) { return ops::power(x, 3.0F); }),
      unary("scalar to a power", [](const Array& x) { return ops::power(2.5F, x); }),
      unary("twice", [](const Array& x) { return ops::add(ops::mul(x, x), x); })};
  const auto append = [&](std::vector<Case> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  append(binary("add", [](auto& a, auto& b) { return ops::add(a, b); }));
  append(binary("sub", [](auto& a, auto& b) { return ops::sub(a, b); }));
  append(binary("mul", [](auto& a, auto& b) { return ops::mul(a, b); }));
  append(binary(
      "div", [](auto& a, auto& b) { return ops::div(a, b); }, 0.5, 2));
  append(binary(
      "power", [](auto& a, auto& b) { return ops::power(a, b); }, 0.5, 2));
  append(binary("where", [](auto& a, auto& b) {
    return ops::where(
        ops::greater(ops::full_like(b, 0.5F), ops::uniform(b.shape(), {3}, b.device())), a, b);
  }));
  for (const bool largest : {true, false})
    all.push_back({.name = largest ? "maximum" : "minimum",
                   .shapes = {{4, 7}, {7}},
                   .fn =
                       [largest](const Arrays& x) {
                         const Array b = ops::add(x[1], 0.031F);
                         return one(largest ? ops::maximum(x[0], b) : ops::minimum(x[0], b));
                       },
                   .apart = true});
  return all;
}

std::vector<Case> view_cases() {
  std::vector<Case> all = {
      {"reshape",
       {{4, 6}},
       [](const Arrays& x) {
         return one(ops::reshape(x[0], {3, -1}));
       }},
      {"transpose",
       {{2, 3, 5}},
       [](const Arrays& x) {
         return one(ops::transpose(x[0], {2, 0, 1}));
       }},
      {"swap_axes", {{2, 3, 5}}, [](const Arrays& x) { return one(ops::swap_axes(x[0], 0, 2)); }},
      {"expand and squeeze",
       {{1, 5}},
       [](const Arrays& x) {
         return one(ops::squeeze(ops::expand_dims(ops::squeeze(x[0], 0), 1)));
       }},
      {"broadcast_to",
       {{3, 1}},
       [](const Arrays& x) {
         return one(ops::broadcast_to(x[0], {2, 3, 4}));
       }},
      {"slice",
       {{5, 9}},
       [](const Arrays& x) {
         return one(ops::slice(x[0], {{.start = 1, .stop = 4}, {.start = 8, .step = -3}}));
       }},
      {"concat",
       {{2, 3}, {2, 4}},
       [](const Arrays& x) {
         return one(ops::concat({x[0], x[1], x[0]}, 1));
       }},
      {"slice_update",
       {{4, 5}, {5}},
       [](const Arrays& x) {
         return one(ops::slice_update(x[0], x[1], {{.start = 1, .stop = 3}}));
       }},
      {"contiguous", {{4, 5}}, [](const Arrays& x) {
         return one(ops::contiguous(ops::transpose(x[0])));
       }}};
  return all;
}

Array indices_of(std::vector<int64_t> values, const Shape& shape, const DevicePtr& on) {
  return Array::from(values, shape, on);
}

std::vector<Case> indexing_cases() {
  return {
      {"take rows twice",
       {{5, 3}},
       [](const Arrays& x) {
         return one(ops::take(x[0], indices_of({4, 0, 4, -1}, {2, 2}, x[0].device()), 0));
       }},
      {"take inside",
       {{2, 5, 3}},
       [](const Arrays& x) {
         return one(ops::take(x[0], indices_of({1, 1, 3}, {3}, x[0].device()), 1));
       }},
      {"take_along_axis",
       {{3, 4}},
       [](const Arrays& x) {
         return one(
             ops::take_along_axis(x[0], indices_of({0, 0, 3, 1, 2, 2}, {3, 2}, x[0].device()), 1));
       }},
      {"take_along_axis, broadcast",
       {{3, 4, 2}},
       [](const Arrays& x) {
         return one(ops::take_along_axis(x[0], indices_of({3, 1, 3}, {1, 3, 1}, x[0].device()), 1));
       }},
      {"put_along_axis, one index twice",
       {{3, 4}, {3, 3}},
       [](const Arrays& x) {
         return one(ops::put_along_axis(
             x[0], indices_of({0, 2, 0, 1, 1, 1, 3, 2, 0}, {3, 3}, x[0].device()), x[1], 1));
       }},
      {"scatter_add",
       {{4, 3}, {5, 3}},
       [](const Arrays& x) {
         return one(
             ops::scatter_add(x[0], indices_of({3, 0, 3, 3, 1}, {5}, x[0].device()), x[1], 0));
       }},
  };
}

std::vector<Case> reduction_cases() {
  std::vector<Case> all;
  for (const bool keep : {false, true}) {
    all.push_back({"sum", {{3, 5, 7}}, [keep](const Arrays& x) {
                     return one(ops::sum(x[0], {0, 2}, keep));
                   }});
    all.push_back(
        {"mean", {{3, 35}}, [keep](const Arrays& x) { return one(ops::mean(x[0], 1, keep)); }});
    all.push_back({"logsumexp", {{3, 19}}, [keep](const Arrays& x) {
                     return one(ops::logsumexp(x[0], -1, keep));
                   }});
    for (const bool largest : {false, true})
      all.push_back({.name = largest ? "max" : "min",
                     .shapes = {{5, 7}},
                     .fn =
                         [keep, largest](const Arrays& x) {
                           return one(largest ? ops::max(x[0], 1, keep) : ops::min(x[0], 0, keep));
                         },
                     .apart = true});
  }
  for (const bool reverse : {false, true})
    for (const bool exclusive : {false, true})
      all.push_back({"cumsum", {{3, 6, 2}}, [=](const Arrays& x) {
                       return one(
                           ops::cumsum(x[0], 1, {.reverse = reverse, .exclusive = exclusive}));
                     }});
  all.push_back({.name = "mean_squared_error",
                 .shapes = {{3, 35}, {3, 35}},
                 .fn = [](const Arrays& x) { return one(ops::mean_squared_error(x[0], x[1])); }});
  all.push_back({.name = "sort",
                 .shapes = {{4, 9}},
                 .fn = [](const Arrays& x) { return one(ops::sort(x[0], 0)); },
                 .apart = true});
  all.push_back({.name = "topk",
                 .shapes = {{4, 9}},
                 .fn = [](const Arrays& x) { return one(ops::topk(x[0], 3).values); },
                 .apart = true});
  all.push_back(
      {"softmax", {{3, 5, 21}}, [](const Arrays& x) { return one(ops::softmax(x[0], 1)); }});
  all.push_back(
      {"log_softmax", {{3, 37}}, [](const Arrays& x) { return one(ops::log_softmax(x[0])); }});
  return all;
}

std::vector<Case> product_cases() {
  std::vector<Case> all;
  for (const auto& [a, b] : {std::pair<Shape, Shape>{{3, 5}, {5, 7}},
                             {{2, 3, 5}, {5, 4}},
                             {{2, 1, 3, 4}, {3, 4, 2}},
                             {{5}, {5, 3}},
                             {{4, 5}, {5}},
                             {{5}, {5}},
                             {{9, 40}, {40, 33}}})
    all.push_back({fmt::format("matmul {} {}", a, b), {a, b}, [](const Arrays& x) {
                     return one(ops::matmul(x[0], x[1]));
                   }});
  all.push_back({"linear", {{5, 20}, {18, 20}, {18}}, [](const Arrays& x) {
                   return one(ops::linear(x[0], ops::pack(x[1], DType::f32), x[2]));
                 }});
  all.push_back({"linear, few outputs", {{2, 7, 35}, {3, 35}}, [](const Arrays& x) {
                   return one(ops::linear(x[0], ops::pack(x[1], DType::f32)));
                 }});
  all.push_back(
      {"three in one pass", {{6, 12}, {5, 12}, {33, 12}, {1, 12}, {33}}, [](const Arrays& x) {
         const ops::PackedMatrix w[] = {ops::pack(x[1], DType::f32), ops::pack(x[2], DType::f32),
                                        ops::pack(x[3], DType::f32)};
         const ops::LinearTerm terms[] = {{w[0]}, {w[1], x[4]}, {w[2]}};
         return ops::linear(x[0], terms, ops::Rounding::none);
       }});
  for (const auto activation :
       {ops::Activation::silu, ops::Activation::gelu_tanh, ops::Activation::gelu}) {
    all.push_back({"gated_activation", {{3, 37}, {3, 37}}, [activation](const Arrays& x) {
                     return one(ops::gated_activation(x[0], x[1], activation));
                   }});
    all.push_back({"gated_linear", {{5, 9}, {17, 9}, {17, 9}}, [activation](const Arrays& x) {
                     return one(ops::gated_linear(x[0], ops::pack(x[1], DType::f32),
                                                  ops::pack(x[2], DType::f32), activation,
                                                  ops::Rounding::none));
                   }});
  }
  all.push_back({"embedding, one id twice", {{9, 5}}, [](const Arrays& x) {
                   const int32_t ids[] = {3, 8, 3, 0};
                   return one(ops::embedding(ops::pack(x[0], DType::f32), ids, 1.5F));
                 }});
  for (const int bits : {4, 8})
    all.push_back({fmt::format("linear of {} bits", bits), {{5, 128}}, [bits](const Arrays& x) {
                     const Quantization q{.bits = bits, .group_size = 64};
                     std::vector<float> w(50 * 128);
                     Numbers numbers(7);
                     for (float& v : w) v = static_cast<float>(numbers.uniform(-1, 1));
                     const Array dense = Array::from(w, {50, 128}, x[0].device());
                     return one(ops::linear(x[0], ops::pack_quantized(ops::quantize(dense, q), q)));
                   }});
  return all;
}

std::vector<Case> model_cases() {
  std::vector<Case> all;
  all.push_back({"rms_norm", {{3, 2, 37}, {37}}, [](const Arrays& x) {
                   return one(ops::rms_norm(x[0], x[1], 1e-6F));
                 }});
  all.push_back({"rms_norm of many rows", {{130, 5}, {5}}, [](const Arrays& x) {
                   return one(ops::rms_norm(x[0], x[1], 1e-3F));
                 }});
  all.push_back({"layer_norm", {{3, 37}, {37}, {37}}, [](const Arrays& x) {
                   return one(ops::layer_norm(x[0], x[1], x[2], 1e-5F));
                 }});
  all.push_back({"residual_norm", {{3, 19}, {3, 19}, {19}, {19}}, [](const Arrays& x) {
                   const auto r = ops::residual_norm(x[0], x[1], {x[2], 1e-6F}, {x[3], 1e-6F});
                   return Arrays{r.sum, r.norm};
                 }});
  all.push_back({"residual_norm without the inner", {{3, 19}, {3, 19}, {19}}, [](const Arrays& x) {
                   return one(ops::residual_norm(x[0], x[1], {}, {x[2], 1e-6F}).norm);
                 }});
  all.push_back({"residual_norm without norms", {{3, 19}, {3, 19}}, [](const Arrays& x) {
                   return one(ops::residual_norm(x[0], x[1], {}, {}).sum);
                 }});
  const auto table = [](const DevicePtr& on, int64_t tokens, int64_t dim) {
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < tokens; ++i) positions.push_back(i * 3);
    return ops::rope_table(ops::rope_frequencies({}, dim), positions, on);
  };
  all.push_back({"rope", {{5, 2, 8}}, [table](const Arrays& x) {
                   return one(ops::rope(x[0], table(x[0].device(), 5, 8)));
                 }});
  for (const int64_t window : {0, 5, 20})
    all.push_back({.name = fmt::format("attention, window {}", window),
                   .shapes = {{49, 4, 6}, {49, 2, 6}, {49, 2, 6}},
                   .fn =
                       [window](const Arrays& x) {
                         const int64_t lengths[] = {1, 39, 9};
                         return one(ops::attention(x[0], x[1], x[2], lengths,
                                                   {.scale = 0.4F, .window = window}));
                       },
                   .tolerance = 1e-2});
  all.push_back(
      {.name = "attention over several blocks of keys",
       .shapes = {{170, 3, 20}, {170, 1, 20}, {170, 1, 20}},
       .fn =
           [](const Arrays& x) {
             const int64_t lengths[] = {33, 0, 137};
             return one(ops::attention(x[0], x[1], x[2], lengths, {.scale = 0.3F, .window = 70}));
           },
       .tolerance = 2e-2});
  all.push_back({.name = "attention with norms and rotation",
                 .shapes = {{12, 4, 8}, {12, 2, 8}, {12, 2, 8}, {8}, {8}},
                 .fn =
                     [table](const Arrays& x) {
                       const int64_t lengths[] = {7, 5};
                       const ops::RopeTable rope = table(x[0].device(), 12, 8);
                       return one(ops::attention(x[0], x[1], x[2], lengths,
                                                 {.scale = 0.35F,
                                                  .q_norm = {x[3], 1e-6F},
                                                  .k_norm = {x[4], 1e-6F},
                                                  .rope = &rope}));
                     },
                 .tolerance = 1e-2});
  for (const auto& [smoothing, z_loss] :
       {std::pair{0.0F, 0.0F}, std::pair{0.1F, 0.0F}, std::pair{0.0F, 0.02F}})
    all.push_back({.name = fmt::format("cross_entropy {} {}", smoothing, z_loss),
                   .shapes = {{37, 6}, {23, 6}},
                   .fn = [=](const Arrays& x) {
                     std::vector<int32_t> targets;
                     std::vector<float> weights;
                     for (int32_t i = 0; i < 37; ++i) {
                       targets.push_back(i * 5 % 23);
                       weights.push_back(i % 4 == 0 ? 0.0F : 0.25F * static_cast<float>(i % 3));
                     }
                     return one(
                         ops::linear_cross_entropy(
                             x[0], ops::pack(x[1], DType::f32), targets, weights,
                             {.label_smoothing = smoothing, .z_loss = z_loss, .block_bytes = 1})
                             .loss);
                   }});
  all.push_back({"checkpoint", {{3, 5}, {5, 5}}, [](const Arrays& x) {
                   // x[1] is captured, not an input.
                   const auto block = [w = x[1]](const Arrays& in) {
                     return Arrays{ops::tanh(ops::matmul(in[0], w))};
                   };
                   return ops::checkpoint(block, ops::checkpoint(block, {x[0]}));
                 }});
  return all;
}

void sweep(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    for (const Layout layout :
         {Layout::dense, Layout::transposed, Layout::stepped, Layout::reversed, Layout::offset}) {
      if (c.apart && layout != Layout::dense) continue;
      SCOPED_TRACE(test::name(layout));
      check_differences(c, inputs_of(c, layout, device()));
    }
    // One array of all gradients and tangents, on every device.
    test::same_everywhere([&](const DevicePtr& on) {
      const Arrays x = inputs_of(c, Layout::stepped, on);
      const ops::Vjp pulled = ops::vjp(c.fn, x);
      const Arrays gradients = pulled.pullback(like(pulled.outputs, 91));
      Arrays flat;
      for (const Array& g : gradients) flat.push_back(ops::reshape(g, {-1}));
      for (const Array& g : ops::jvp(c.fn, x, like(x, 300)).tangents)
        flat.push_back(ops::reshape(g, {-1}));
      return ops::concat(flat, 0);
    });
  }
}

TEST(Gradient, OfAConversionIsTheIdentity) {
  const Arrays x{test::from_values({1.001L, -2.003L, 3}, {3}, DType::f32, device())};
  const auto [value, gradients] = ops::value_and_grad(
      [](const Arrays& a) { return ops::sum(ops::mul(ops::astype(a[0], DType::bf16), 2.0F)); }, x);
  EXPECT_EQ(gradients[0].to_vector<float>(), (std::vector<float>{2, 2, 2}));
}

TEST(Gradient, ElementwiseOps) { sweep(elementwise_cases()); }
TEST(Gradient, Views) { sweep(view_cases()); }
TEST(Gradient, Indexing) { sweep(indexing_cases()); }
TEST(Gradient, Reductions) { sweep(reduction_cases()); }
TEST(Gradient, Products) { sweep(product_cases()); }
TEST(Gradient, PartsOfModels) { sweep(model_cases()); }

}  // namespace
}  // namespace linnet
