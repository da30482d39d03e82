#include "ops/matmul.hpp"

#include <cmath>

#include "ops/cast.hpp"
#include "ops/linear.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet::test {
namespace {

std::vector<long double> numbers(int64_t count, uint64_t seed) {
  Numbers random(seed);
  std::vector<long double> result(static_cast<size_t>(count));
  for (long double& v : result) v = random.uniform(-1, 1);
  return result;
}

/// a [M, K] by b [K, N], row-major, in long double.
std::vector<long double> product(const std::vector<float>& a, const std::vector<float>& b,
                                 int64_t m, int64_t k, int64_t n) {
  std::vector<long double> result(static_cast<size_t>(m * n), 0);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        result[static_cast<size_t>(i * n + j)] +=
            static_cast<long double>(a[static_cast<size_t>(i * k + l)]) *
            static_cast<long double>(b[static_cast<size_t>(l * n + j)]);
  return result;
}

/// Rounding of a sum of k products of values below 1, in f32.
long double slack(int64_t k) { return static_cast<long double>(k + 2) * 0x1p-23L; }

void expect_close(const Array& result, const std::vector<long double>& expected, int64_t k) {
  const auto values = result.to_floats();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_TRUE(close(values[i], expected[i], result.dtype(), slack(k)))
        << "element " << i << ": " << values[i] << ", expected " << expected[i];
}

TEST(Matmul, EveryPairOfDtypesAndOddSizes) {
  for (const DType da : floating_dtypes())
    for (const DType db : floating_dtypes())
      for (const auto& [m, k, n] : std::vector<std::array<int64_t, 3>>{
               {1, 1, 1}, {3, 5, 7}, {2, 33, 17}, {17, 64, 16}, {1, 0, 3}, {0, 4, 2}}) {
        std::vector<float> first;
        for (const DevicePtr& device : all_devices()) {
          const Array a = from_values(numbers(m * k, 1), {m, k}, da, device);
          const Array b = from_values(numbers(k * n, 2), {k, n}, db, device);
          const Array c = ops::matmul(a, b);
          EXPECT_EQ(c.shape(), (Shape{m, n}));
          expect_close(c, product(a.to_floats(), b.to_floats(), m, k, n), k);
          if (first.empty()) first = c.to_floats();
          EXPECT_EQ(c.to_floats(), first) << name(device);
        }
      }
}

// Up to four rows are multiplied by the matrix as it is stored, more of them by a packed copy.
TEST(Matmul, AFewRowsHaveTheBitsOfMany) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const DevicePtr& device : all_devices())
      for (const auto& [k, n] :
           std::vector<std::array<int64_t, 2>>{{1, 1}, {31, 15}, {64, 128}, {97, 1100}}) {
        const Array a = from_values(numbers(9 * k, 7), {9, k}, dtype, device);
        const Array b = from_values(numbers(k * n, 8), {k, n}, dtype, device);
        const auto all = ops::matmul(a, b).to_floats();
        for (const int64_t rows : {1, 2, 3, 4}) {
          const Array few = ops::slice_axis(a, 0, {.start = 2, .stop = 2 + rows});
          const auto values = ops::matmul(few, b).to_floats();
          EXPECT_TRUE(std::equal(values.begin(), values.end(), all.begin() + 2 * n))
              << name(device) << ' ' << to_string(dtype) << ' ' << rows << " x " << k << " x " << n;
        }
      }
}

TEST(Matmul, ViewsGiveTheBitsOfTheirCopies) {
  const Array a = from_values(numbers(30 * 14, 3), {30, 14}, DType::f32, device());
  const Array b = from_values(numbers(14 * 30, 4), {14, 30}, DType::f32, device());
  const Array at = ops::transpose(b);                                  // [30, 14]
  const Array stepped = ops::slice(a, {{.step = 3}, {.step = -2}});    // [10, 7]
  const Array column = ops::slice(at, {{.start = 2, .stop = 9}, {}});  // [7, 14]
  EXPECT_EQ(ops::matmul(stepped, column).to_floats(),
            ops::matmul(ops::contiguous(stepped), ops::contiguous(column)).to_floats());
}

TEST(Matmul, BatchesBroadcast) {
  const Array a = from_values(numbers(3 * 2 * 4 * 5, 5), {3, 2, 4, 5}, DType::f32, device());
  const Array b = from_values(numbers(2 * 5 * 6, 6), {2, 5, 6}, DType::f32, device());
  const Array c = ops::matmul(a, b);
  EXPECT_EQ(c.shape(), (Shape{3, 2, 4, 6}));
  const auto values = c.to_floats();
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 2; ++j) {
      const Array ai = ops::reshape(
          ops::slice(a, {{.start = i, .stop = i + 1}, {.start = j, .stop = j + 1}}), {4, 5});
      const Array bj = ops::reshape(ops::slice(b, {{.start = j, .stop = j + 1}}), {5, 6});
      const auto one = ops::matmul(ai, bj).to_floats();
      for (size_t e = 0; e < one.size(); ++e)
        ASSERT_EQ(values[static_cast<size_t>((i * 2 + j) * 24) + e], one[e]);
    }
}

TEST(Matmul, VectorsDropTheirAxis) {
  const Array v = from_values(numbers(5, 7), {5}, DType::f32, device());
  const Array m = from_values(numbers(15, 8), {5, 3}, DType::f32, device());
  EXPECT_EQ(ops::matmul(v, m).shape(), (Shape{3}));
  EXPECT_EQ(ops::matmul(ops::transpose(m), v).shape(), (Shape{3}));
  EXPECT_EQ(ops::matmul(v, v).shape(), Shape{});
  EXPECT_EQ(ops::matmul(v, m).to_floats(), ops::matmul(ops::transpose(m), v).to_floats());
}

TEST(Matmul, ErrorsNameBothShapes) {
  const Array a = Array::zeros({2, 3}, DType::f32, device());
  const Array b = Array::zeros({4, 5}, DType::f32, device());
  const Array i = Array::zeros({3, 5}, DType::i32, device());
  expect_error(ErrorCode::invalid_argument, "[2, 3] by [4, 5]", [&] { (void)ops::matmul(a, b); });
  expect_error(ErrorCode::invalid_argument, "i32 [3, 5]", [&] { (void)ops::matmul(a, i); });
}

TEST(Linear, EqualsMatmulByTheTransposeAndAddsTheBias) {
  for (const DevicePtr& device : all_devices()) {
    const Array x = from_values(numbers(2 * 3 * 40, 9), {2, 3, 40}, DType::f32, device);
    const Array w = from_values(numbers(19 * 40, 10), {19, 40}, DType::bf16, device);
    const Array bias = from_values(numbers(19, 11), {19}, DType::f32, device);
    const Array plain = ops::linear(x, ops::pack(w, DType::bf16));
    EXPECT_EQ(plain.to_floats(),
              ops::matmul(x, ops::transpose(ops::astype(w, DType::f32))).to_floats());
    const auto sums = ops::linear(x, ops::pack(w, DType::f32), bias).to_floats();
    const auto values = plain.to_floats();
    const auto biases = bias.to_floats();
    for (size_t i = 0; i < sums.size(); ++i) ASSERT_EQ(sums[i], values[i] + biases[i % 19]);
    const Array rounded = ops::astype(x, DType::bf16);
    EXPECT_EQ(ops::linear(x, ops::pack(w, DType::bf16), {}, ops::Rounding::bf16).to_floats(),
              ops::linear(rounded, ops::pack(w, DType::bf16)).to_floats());
  }
}

TEST(Linear, ErrorsNameTheShapes) {
  const ops::PackedMatrix w = ops::pack(Array::zeros({4, 8}, DType::f32, device()), DType::f32);
  const Array x = Array::zeros({2, 7}, DType::f32, device());
  expect_error(ErrorCode::invalid_argument, "[2, 7]", [&] { (void)ops::linear(x, w); });
  expect_error(ErrorCode::invalid_argument, "[4]",
               [&] { (void)ops::pack(Array::zeros({4}, DType::f32, device()), DType::f32); });
  expect_error(ErrorCode::invalid_argument, "f16", [&] { (void)ops::pack(x, DType::f16); });
}

TEST(Embedding, TakesScaledRows) {
  for (const DType dtype : {DType::bf16, DType::f32}) {
    const Array table = from_values(numbers(37 * 21, 12), {37, 21}, dtype, device());
    const auto rows = table.to_floats();
    const std::vector<int32_t> ids{36, 0, 17, 17};
    const auto y = ops::embedding(ops::pack(table, dtype), ids, 0.5F).to_floats();
    for (size_t t = 0; t < ids.size(); ++t)
      for (size_t i = 0; i < 21; ++i)
        ASSERT_EQ(y[t * 21 + i], rows[static_cast<size_t>(ids[t]) * 21 + i] * 0.5F);
  }
  const ops::PackedMatrix table = ops::pack(Array::zeros({4, 8}, DType::f32, device()), DType::f32);
  for (const int32_t id : {-1, 4})
    expect_error(ErrorCode::invalid_argument, std::to_string(id),
                 [&] { (void)ops::embedding(table, std::vector<int32_t>{id}); });
}

}  // namespace
}  // namespace linnet::test
