// Low-rank adapters: for some rows of a batch, some projections get a small product added.
//
//   y += scale * (x A^T) B^T    (Hu et al. 2021, "LoRA")
//
// The products are float32 by the contract whatever the model computes in, so a row's bits depend
// on its own adapter alone, not on those of the rows beside it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "array/random.hpp"
#include "ops/linear.hpp"

namespace linnet::nn {

/// One adapted projection of K inputs and N outputs.
struct LowRank {
  ops::PackedMatrix a;  ///< [r, K] f32
  ops::PackedMatrix b;  ///< [N, r] f32
  float scale = 1;      ///< alpha / r, or alpha / sqrt(r) (rsLoRA)

  /// In training: each element of x that enters A is 0 with this probability, else divided by
  /// 1 - dropout. Element i of the batch takes number i of `key`.
  float dropout = 0;
  Key key = {};
};

/// Which modules of a model can be adapted: the linear maps of its blocks, by number, with their
/// names in a plain checkpoint without the text model's prefix ("layers.0.self_attn.q_proj").
struct Module {
  std::string name;
  int64_t outputs = 0;
  int64_t inputs = 0;
};

/// The module of that name, for an adapter's A [r, inputs] and B [outputs, r]. Errors:
/// invalid_argument naming the module and both shapes.
const Module& find_module(const std::vector<Module>& modules, const std::string& name,
                          int64_t outputs, int64_t inputs);

/// Immutable once it is used; shared by requests.
class Adapter {
 public:
  /// `key` tells its contents from those of all others: equal keys, equal bits. What is computed
  /// with it is kept under that key; empty, as in training: nothing may be kept.
  explicit Adapter(std::string name, std::string key = {})
      : name_(std::move(name)), key_(std::move(key)) {}

  /// Errors: as find_module; invalid_argument if it is there already.
  void add(const std::vector<Module>& modules, const std::string& module, LowRank low_rank);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  /// Of the module with that number; null if it is not adapted.
  [[nodiscard]] const LowRank* find(int module) const noexcept;

 private:
  std::string name_;
  std::string key_;
  std::vector<LowRank> low_ranks_;
  std::vector<int> by_module_;  // index into low_ranks_, -1: none
};

/// Consecutive rows of a batch that have an adapter.
struct AdapterRows {
  int64_t first_row = 0;
  int64_t rows = 0;
  const Adapter* adapter = nullptr;
};

/// y with the low-rank products of the rows that have one for `module`. Without derivatives they
/// are added in place: nothing else may use y's storage.
///   x [T, K] f32 or bf16, y [T, N] f32
Array adapt(const Array& x, Array y, int module, const std::vector<AdapterRows>& adapters);

/// Whether any of the rows has a product for `module`.
bool is_adapted(int module, const std::vector<AdapterRows>& adapters) noexcept;

}  // namespace linnet::nn
