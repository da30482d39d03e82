// A trace records what ran, and takes nested spans apart.
#include "kernels/trace.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace linnet::kernels {
namespace {

TEST(Trace, WithoutOneNothingIsDescribed) {
  bool described = false;
  {
    const Span span(nullptr, [&] {
      described = true;
      return Work{.op = "op"};
    });
  }
  EXPECT_FALSE(described);
}

TEST(Trace, RecordsInTheOrderOfEnding) {
  Trace trace;
  {
    const Span outer(&trace, [] { return Work{.op = "outer", .shape = "[1]", .flops = 7}; });
    const Span inner(&trace, [] { return Work{.op = "inner", .stored_bytes = 8}; });
  }
  {
    const Span after(&trace, [] { return Work{.op = "after", .kernel = "scalar"}; });
  }
  ASSERT_EQ(trace.entries().size(), 3U);
  EXPECT_EQ(trace.entries()[0].work.op, "inner");
  EXPECT_EQ(trace.entries()[0].work.stored_bytes, 8);
  EXPECT_EQ(trace.entries()[1].work.op, "outer");
  EXPECT_EQ(trace.entries()[1].work.shape, "[1]");
  EXPECT_EQ(trace.entries()[1].work.flops, 7);
  EXPECT_EQ(trace.entries()[2].work.kernel, "scalar");
  trace.clear();
  EXPECT_TRUE(trace.entries().empty());
}

TEST(Trace, TimeInsideIsNotTheOutersOwn) {
  const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  const auto start = std::chrono::steady_clock::now();
  Trace trace;
  {
    const Span outer(&trace, [] { return Work{.op = "outer"}; });
    for (int i = 0; i < 2; ++i) {
      const Span inner(&trace, [] { return Work{.op = "inner"}; });
      const Span innermost(&trace, [] { return Work{.op = "innermost"}; });
      nap();
    }
  }
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(trace.entries().size(), 5U);
  double sum = 0;
  for (const Trace::Entry& entry : trace.entries()) {
    EXPECT_GE(entry.seconds, 0.0) << entry.work.op;
    if (entry.work.op == "innermost") {
      EXPECT_GE(entry.seconds, 0.02);
    }
    sum += entry.seconds;
  }
  EXPECT_LE(sum, whole.count()) << "the naps were counted twice";
}

}  // namespace
}  // namespace linnet::kernels
