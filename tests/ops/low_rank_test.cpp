// Low-rank additions: the bits of the ops that they stand for, on every instruction set.
#include "ops/low_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/random.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

Array numbers(const Shape& shape, uint64_t stream, const DevicePtr& device) {
  return ops::sub(ops::uniform(shape, {.seed = 1, .stream = stream}, device), 0.5F);
}

struct Pair {
  ops::PackedMatrix a;
  ops::PackedMatrix b;
  float scale = 1;

  Pair(int64_t k, int64_t rank, int64_t n, uint64_t stream, const DevicePtr& device)
      : a(ops::pack(numbers({rank, k}, 2 * stream, device), DType::f32)),
        b(ops::pack(numbers({n, rank}, 2 * stream + 1, device), DType::f32)),
        scale(0.25F + static_cast<float>(stream)) {}
};

/// Rows of groups, one after the other; a rank of 0: rows without a group.
struct Part {
  int64_t rows = 0;
  int64_t rank = 0;
};

void expect_composition(int64_t k, int64_t n, const std::vector<Part>& parts, DType dtype,
                        const DevicePtr& device) {
  int64_t rows = 0;
  for (const Part& part : parts) rows += part.rows;
  const Array x = ops::astype(numbers({rows, k}, 100, device), dtype);
  const Array before = numbers({rows, n}, 101, device);
  Array y = Array::from(before.to_vector<float>(), before.shape(), device);
  std::vector<Pair> pairs;
  pairs.reserve(parts.size());
  std::vector<ops::LowRankRows> groups;
  std::vector<float> expected;
  int64_t first = 0;
  for (const Part& part : parts) {
    const ops::Slice which{.start = first, .stop = first + part.rows};
    Array sum = ops::slice_axis(before, 0, which);
    if (part.rank > 0) {
      const Pair& pair = pairs.emplace_back(k, part.rank, n, pairs.size(), device);
      groups.push_back(
          {.first_row = first, .rows = part.rows, .a = pair.a, .b = pair.b, .scale = pair.scale});
      const Array in = ops::astype(ops::slice_axis(x, 0, which), DType::f32);
      sum = ops::add(sum, ops::mul(ops::linear(ops::linear(in, pair.a), pair.b), pair.scale));
    }
    for (const float value : sum.to_vector<float>()) expected.push_back(value);
    first += part.rows;
  }
  ops::add_low_rank(y, x, groups);
  EXPECT_TRUE(y.to_vector<float>() == expected)
      << "K " << k << " N " << n << " on " << test::name(device);
}

TEST(LowRank, HasTheBitsOfItsParts) {
  for (const DevicePtr& device : test::all_devices())
    for (const DType dtype : {DType::f32, DType::bf16}) {
      expect_composition(32, 16, {{1, 8}}, dtype, device);
      expect_composition(70, 37, {{3, 1}, {2, 0}, {1, 5}, {5, 8}, {17, 20}}, dtype, device);
      expect_composition(129, 300, {{2, 0}, {40, 33}, {4, 2}, {1, 0}}, dtype, device);
      expect_composition(512, 48, {{70, 16}}, dtype, device);
    }
}

TEST(LowRank, AnInfiniteInputIsOneOfItsRowAlone) {
  const DevicePtr device = test::device();
  const ops::PackedMatrix a = ops::pack(ops::add(numbers({3, 5}, 1, device), 1.0F), DType::f32);
  const ops::PackedMatrix b = ops::pack(ops::add(numbers({7, 3}, 2, device), 1.0F), DType::f32);
  std::vector<float> values(2 * 5, 1.0F);
  values[2] = std::numeric_limits<float>::infinity();
  const Array x = Array::from(values, {2, 5}, device);
  Array y = numbers({2, 7}, 3, device);
  const std::vector<ops::LowRankRows> groups{{.first_row = 0, .rows = 2, .a = a, .b = b}};
  ops::add_low_rank(y, x, groups);
  const auto result = y.to_vector<float>();
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(result[i], std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isfinite(result[7 + i]));
  }
}

TEST(LowRank, WithoutGroupsNothingChanges) {
  const Array x = numbers({3, 5}, 1, test::device());
  Array y = numbers({3, 7}, 2, test::device());
  const auto before = y.to_vector<float>();
  ops::add_low_rank(y, x, {});
  EXPECT_EQ(y.to_vector<float>(), before);
}

TEST(LowRank, NamesWhatDoesNotFit) {
  const DevicePtr device = test::device();
  const Pair pair(5, 2, 7, 0, device);
  const Array x = numbers({3, 5}, 1, device);
  Array y = numbers({3, 7}, 2, device);
  const auto error = [&](ErrorCode code, const std::string& part, const auto& call) {
    test::expect_error(code, part, call);
  };
  const auto add = [&](int64_t first, int64_t rows, const Pair& with) {
    const std::vector<ops::LowRankRows> groups{
        {.first_row = first, .rows = rows, .a = with.a, .b = with.b}};
    ops::add_low_rank(y, x, groups);
  };
  error(ErrorCode::invalid_argument, "rows 2 to 4 are not among 3", [&] { add(2, 2, pair); });
  error(ErrorCode::invalid_argument, "rows -1", [&] { add(-1, 2, pair); });
  error(ErrorCode::invalid_argument, "two groups", [&] {
    const std::vector<ops::LowRankRows> groups{
        {.first_row = 0, .rows = 2, .a = pair.a, .b = pair.b},
        {.first_row = 1, .rows = 2, .a = pair.a, .b = pair.b}};
    ops::add_low_rank(y, x, groups);
  });
  const Pair wide(6, 2, 7, 0, device);
  error(ErrorCode::invalid_argument, "[2, 6]", [&] { add(0, 1, wide); });
  Array narrow = numbers({2, 7}, 2, device);
  error(ErrorCode::invalid_argument, "[3, 5]", [&] { ops::add_low_rank(narrow, x, {}); });
}

}  // namespace
}  // namespace linnet
