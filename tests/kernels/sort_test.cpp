#include "kernels/sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace linnet::kernels::cpu {
namespace {

bool sorts_before(float a, float b) { return a < b || (a == a && b != b); }

std::vector<int64_t> stable_order(const std::vector<float>& x, bool largest_first) {
  std::vector<int64_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const float va = x[static_cast<size_t>(a)];
    const float vb = x[static_cast<size_t>(b)];
    return largest_first ? sorts_before(vb, va) : sorts_before(va, vb);
  });
  return order;
}

/// Rows of a vocabulary's length that make selection work hard.
std::vector<std::pair<std::string, std::vector<float>>> long_rows() {
  constexpr size_t n = 70001;
  std::mt19937 random(3);
  std::vector<float> logits(n);
  for (float& x : logits) x = static_cast<float>(random() % 2000001) * 1e-5F - 10.0F;
  std::vector<float> rising = logits;
  std::sort(rising.begin(), rising.end());
  std::vector<float> falling(rising.rbegin(), rising.rend());
  std::vector<float> few(n);
  for (float& x : few) x = static_cast<float>(random() % 3);
  // The best are late, and one unit of the last place above all others.
  std::vector<float> neighbours(n, 1.0F);
  for (size_t i = n - 40; i < n; ++i) neighbours[i] = std::nextafter(1.0F, 2.0F);
  std::vector<float> masked(n, -std::numeric_limits<float>::infinity());
  masked[40000] = 1;
  masked[n - 1] = -5;
  std::vector<float> special = logits;
  for (size_t i = 0; i < n; i += 997) special[i] = i % 2 == 0 ? std::nanf("") : -std::nanf("");
  special[12345] = std::numeric_limits<float>::infinity();
  return {{"random", logits},         {"rising", rising},
          {"falling", falling},       {"few", few},
          {"neighbours", neighbours}, {"masked", masked},
          {"special", special},       {"equal", std::vector<float>(n, -0.0F)}};
}

TEST(TopKKernel, LongRowsMatchAStableSort) {
  ThreadPool pool(1);
  for (const auto& [name, x] : long_rows()) {
    const auto expected = stable_order(x, true);
    const auto n = static_cast<int64_t>(x.size());
    for (const Isa isa : available_isas())
      for (const int64_t k : {int64_t{1}, int64_t{2}, int64_t{64}, n / 64, n / 64 + 1, n}) {
        SCOPED_TRACE(name + " k " + std::to_string(k));
        std::vector<float> values(static_cast<size_t>(k));
        std::vector<int64_t> indices(static_cast<size_t>(k));
        // What is behind the workspace must stay as it is.
        std::vector<uint64_t> workspace(static_cast<size_t>(top_k_workspace(n, k)) + 1, 77);
        top_k(TopKArgs<float>{.x = x.data(),
                              .values = values.data(),
                              .indices = indices.data(),
                              .workspace = workspace.data(),
                              .rows = 1,
                              .width = n,
                              .k = k},
              {pool, isa});
        ASSERT_EQ(workspace.back(), 77U);
        ASSERT_TRUE(std::equal(indices.begin(), indices.end(), expected.begin()));
        for (size_t i = 0; i < values.size(); ++i)
          ASSERT_EQ(std::bit_cast<uint32_t>(values[i]),
                    std::bit_cast<uint32_t>(x[static_cast<size_t>(indices[i])]));
      }
  }
}

TEST(TopKKernel, ManyRowsShareWorkspaces) {
  const auto rows = static_cast<int64_t>(5);
  const int64_t width = 3000;
  const int64_t k = 7;
  std::vector<float> x(static_cast<size_t>(rows * width));
  std::mt19937 random(5);
  for (float& value : x) value = static_cast<float>(random() % 5000);
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    const Context context{pool, available_isas().front()};
    std::vector<int64_t> indices(static_cast<size_t>(rows * k));
    std::vector<uint64_t> workspace(
        static_cast<size_t>(parallel_rows(rows, context) * top_k_workspace(width, k)));
    top_k(TopKArgs<float>{.x = x.data(),
                          .indices = indices.data(),
                          .workspace = workspace.data(),
                          .rows = rows,
                          .width = width,
                          .k = k},
          context);
    for (int64_t row = 0; row < rows; ++row) {
      const auto expected =
          stable_order({x.begin() + row * width, x.begin() + (row + 1) * width}, true);
      EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + k, indices.begin() + row * k));
    }
  }
}

TEST(SortKernel, LongRowsMatchAStableSort) {
  ThreadPool pool(1);
  for (const auto& [name, x] : long_rows()) {
    SCOPED_TRACE(name);
    const auto n = static_cast<int64_t>(x.size());
    std::vector<int64_t> indices(x.size());
    std::vector<uint64_t> workspace(static_cast<size_t>(sort_workspace(n)) + 1, 77);
    sort(SortArgs<float>{.x = x.data(),
                         .indices = indices.data(),
                         .workspace = workspace.data(),
                         .rows = 1,
                         .width = n},
         {pool, available_isas().front()});
    EXPECT_EQ(workspace.back(), 77U);
    EXPECT_TRUE(indices == stable_order(x, false));
  }
}

}  // namespace
}  // namespace linnet::kernels::cpu
