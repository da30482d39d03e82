// The passes that are timed do what they say: what their trace counts is what the model's sizes
// imply.
#include "engine/benchmark.hpp"

#include <gtest/gtest.h>

#include <set>

#include "engine/engine.hpp"
#include "support/expect_error.hpp"
#include "support/reference.hpp"

namespace linnet {
namespace {

using engine::Engine;

/// Weights of the layers' matrices.
int64_t layer_weights(const models::DecoderConfig& c) {
  const int64_t q = c.num_attention_heads * c.head_dim;
  const int64_t kv = c.num_key_value_heads * c.head_dim;
  return c.num_hidden_layers *
         (c.hidden_size * (2 * q + 2 * kv) + 3 * c.hidden_size * c.intermediate_size);
}

/// Keys that rows at first .. first + rows - 1 see, over all layers.
int64_t visible(const models::DecoderConfig& c, int64_t first, int64_t rows) {
  int64_t sum = 0;
  for (const models::LayerAttention& layer : c.layers)
    for (int64_t i = first; i < first + rows; ++i)
      sum += layer.window == 0 ? i + 1 : std::min(i + 1, layer.window);
  return sum;
}

class Benchmark : public testing::TestWithParam<const char*> {
 protected:
  Benchmark()
      : engine_(test::load_reference(GetParam(), Compute::bf16, Device::cpu({.threads = 2})),
                {.context_length = 512}) {}
  Engine engine_;
};

TEST_P(Benchmark, PrefillCountsItsProducts) {
  const models::DecoderConfig& c = engine_.model().config();
  engine::Recording recording(engine_);
  EXPECT_GT(engine::time_prefill(engine_, 50), 0.0);
  const int64_t head = c.hidden_size * c.vocab_size;
  const int64_t attention = visible(c, 0, 50) * c.num_attention_heads * c.head_dim * 2;
  // Behind the last attention one row is wanted.
  const int64_t spared = 49 * 3 * c.hidden_size * c.intermediate_size;
  EXPECT_EQ(engine::cost_of(recording.trace()).flops,
            2 * (50 * layer_weights(c) - spared + head + attention));
}

TEST_P(Benchmark, DecodingCountsWeightsAndCache) {
  const models::DecoderConfig& c = engine_.model().config();
  engine::DecodeBenchmark decode(engine_, 40, 3);
  EXPECT_GT(decode.steps(2), 0.0);
  engine::Recording recording(engine_);
  decode.steps(1);  // at position 42
  const engine::Cost cost = engine::cost_of(recording.trace());
  const int64_t kv = 2 * c.num_key_value_heads * c.head_dim;
  // Of the embedding one row; each layer writes one token's keys and values.
  const int64_t elements = layer_weights(c) + c.hidden_size * c.vocab_size + c.hidden_size +
                           kv * (visible(c, 42, 1) + c.num_hidden_layers);
  EXPECT_EQ(cost.stored_bytes, 2 * elements);
  const int64_t attention = visible(c, 42, 1) * c.num_attention_heads * c.head_dim * 2;
  EXPECT_EQ(cost.flops, 2 * (layer_weights(c) + c.hidden_size * c.vocab_size + attention));
  test::expect_error(ErrorCode::invalid_argument, "room for 0", [&] { decode.steps(1); });
}

TEST_P(Benchmark, TheTraceDescribesOpsAndStopsWithTheRecording) {
  std::set<std::string_view> ops;
  {
    engine::Recording recording(engine_);
    engine::DecodeBenchmark(engine_, 0, 1).steps(1);
    for (const kernels::Trace::Entry& entry : recording.trace().entries()) {
      ops.insert(entry.work.op);
      EXPECT_FALSE(entry.work.shape.empty()) << entry.work.op;
      EXPECT_FALSE(entry.work.kernel.empty()) << entry.work.op;
      EXPECT_GE(entry.seconds, 0.0) << entry.work.op;
    }
  }
  for (const char* op : {"embedding", "linear", "attention", "sample"})
    EXPECT_TRUE(ops.contains(op)) << op;
  EXPECT_EQ(engine_.model().device()->context().trace, nullptr);
}

TEST_P(Benchmark, RefusesWhatTheContextDoesNotTake) {
  test::expect_error(ErrorCode::invalid_argument, "513",
                     [&] { engine::time_prefill(engine_, 513); });
  test::expect_error(ErrorCode::invalid_argument, "2 tokens after 511",
                     [&] { engine::DecodeBenchmark(engine_, 511, 2); });
  engine::DecodeBenchmark(engine_, 511, 1).steps(1);
}

INSTANTIATE_TEST_SUITE_P(Families, Benchmark, testing::Values("gemma3", "qwen3", "llama3"));

}  // namespace
}  // namespace linnet
