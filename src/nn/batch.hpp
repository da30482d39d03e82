// What one forward pass works on: packed tokens of several sequences, never padded.
//
// Letters used everywhere: T packed tokens, H heads, K kv heads, D head dim, M model dim, F
// feed-forward, V vocabulary.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "array/array.hpp"
#include "kernels/attention.hpp"
#include "nn/adapter.hpp"
#include "ops/indexing.hpp"
#include "ops/rope.hpp"

namespace linnet::nn {

/// Layers that keep the same tokens share block tables: one group of full-attention layers, one of
/// each sliding window. A block of a group holds 32 tokens of all its layers.
struct CacheGroup {
  int64_t window = 0;  ///< 0: full attention
  int64_t layers = 0;
  kernels::KvLayout layout;

  [[nodiscard]] int64_t block_bytes() const { return layers * layout.block_bytes(); }
};

/// Packed tokens with their positions and caches. Invariant: the sequences of every group cover
/// rows 0..T-1 in order, and their blocks are there for all positions that a row can see; without
/// caches the lengths do.
struct Batch {
  std::vector<int32_t> ids;                                 // [T]
  std::vector<int64_t> positions;                           // [T]
  std::vector<int32_t> logit_rows;                          // rows whose logits are wanted, rising
  std::vector<std::vector<kernels::KvSequence>> sequences;  // [group][sequence]
  /// Rows that have an adapter, rising; the others have none.
  std::vector<AdapterRows> adapters = {};
  /// Without caches (training; `sequences` is empty then): the lengths of whole sequences, one
  /// after the other.
  std::vector<int64_t> lengths = {};
  /// Gradients keep the input of each layer only and compute the layer again; model and batch must
  /// live until they have been taken.
  bool recompute_layers = false;

  /// If set, receives what Hugging Face calls hidden_states: the scaled embedding, each layer's
  /// output but the last, and the last after the final norm; each [T, M] f32.
  std::vector<Array>* hidden_states = nullptr;
  /// If set, called after each layer but the last, on the thread of the pass.
  std::function<void()> between_layers = {};
};

/// A batch on its way through the layers.
struct Forward {
  const Batch& batch;
  std::vector<ops::RopeTable> rope;  // one per kind of layer
  /// Batch::adapters; behind the attention of the last layer those of the rows that go on.
  std::vector<AdapterRows> adapters = {};
  /// In the last layer, [R]: the rows whose logits are wanted. Once keys and values are written,
  /// nobody needs the others. Absent: all.
  std::optional<Array> wanted = {};
  std::vector<AdapterRows> wanted_adapters = {};  ///< of those rows

  /// The rows of [T, M] that go on behind attention.
  [[nodiscard]] Array kept(const Array& x) const { return wanted ? ops::take(x, *wanted, 0) : x; }
  /// The adapters of the rows that go on.
  [[nodiscard]] const std::vector<AdapterRows>& kept_adapters() const {
    return wanted ? wanted_adapters : adapters;
  }
};

}  // namespace linnet::nn
