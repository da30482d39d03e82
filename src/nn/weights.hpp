// Taking a checkpoint's tensors, each once and by name, into a device's layout. What is left over
// at the end is an error: a tensor nobody read is a model half understood.
//
// Matrices stay as the file has them, dense or quantised, or dense ones are quantised on the way.
// Pages of the file are given back once they are packed, so loading holds what is packed already
// and little more.
#pragma once

#include <linnet/options.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "array/array.hpp"
#include "io/checkpoint.hpp"
#include "io/quantization.hpp"
#include "nn/adapter.hpp"
#include "ops/linear.hpp"

namespace linnet::nn {

constexpr ops::Rounding rounding_of(Compute compute) {
  return compute == Compute::bf16 ? ops::Rounding::bf16 : ops::Rounding::none;
}

/// A tensor that a model asked for.
struct TensorUse {
  std::string name;     ///< in the file, "<module>.weight"
  int64_t outputs = 0;  ///< N, or the length of a vector
  int64_t inputs = 0;   ///< K; 0 for a vector
  Quantization stored;  ///< in the file
  Quantization loaded;  ///< in memory

  [[nodiscard]] bool is_matrix() const noexcept { return inputs > 0; }
  /// The name without ".weight", which stands before ".scales" and ".biases" too.
  [[nodiscard]] std::string_view module() const noexcept;
};

/// Where training has its parameters: an array of the use's shape, [outputs, inputs] or [outputs],
/// f32, perhaps on a tape. `offset` is what will be added to a vector.
using ParameterSource = std::function<Array(const TensorUse& use, float offset)>;

/// What a model is made of: it asks for each of its tensors once and by name. Not thread-safe.
class Weights {
 public:
  virtual ~Weights() = default;
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  /// Where the text model's tensors stand in this checkpoint ("model." in a plain one) and the name
  /// of its output head. All names below are full names.
  void set_places(std::string prefix, std::string head) {
    prefix_ = std::move(prefix);
    head_ = std::move(head);
  }
  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  [[nodiscard]] const std::string& head() const noexcept { return head_; }

  /// A weight matrix [outputs, inputs], packed.
  virtual ops::PackedMatrix matrix(const std::string& name, int64_t outputs, int64_t inputs) = 0;
  /// A vector [size] as f32, `offset` added to every element (Gemma's norms scale by 1 + weight).
  virtual Array vector(const std::string& name, int64_t size, float offset) = 0;
  Array vector(const std::string& name, int64_t size) { return vector(name, size, 0.0F); }
  /// For a model with tied embeddings: a head that is there all the same must be equal to the
  /// embedding. Errors: malformed_file if it is not.
  virtual void accept_tied_head(const std::string& embedding) = 0;

  /// Numbers a linear map whose weight is "<name>.weight", so that adapters find it; -1 for the
  /// head, which they do not reach.
  int add_module(const std::string& name, int64_t outputs, int64_t inputs);
  [[nodiscard]] const std::vector<Module>& modules() const noexcept { return modules_; }

  [[nodiscard]] Compute compute() const noexcept { return compute_; }
  [[nodiscard]] const DevicePtr& device() const noexcept { return device_; }

 protected:
  Weights(DevicePtr device, Compute compute) : device_(std::move(device)), compute_(compute) {}

 private:
  DevicePtr device_;
  Compute compute_;
  std::vector<Module> modules_;
  std::string prefix_;
  std::string head_;
};

/// From arrays; products get gradients by those that are on a tape. Matrices are packed as bf16 or
/// f32, as `compute` says.
class ParameterWeights final : public Weights {
 public:
  ParameterWeights(ParameterSource source, DevicePtr device, Compute compute)
      : Weights(std::move(device), compute), source_(std::move(source)) {}

  /// Errors of both: invalid_argument naming both shapes, if the source's array has another one.
  ops::PackedMatrix matrix(const std::string& name, int64_t outputs, int64_t inputs) override;
  using Weights::vector;
  Array vector(const std::string& name, int64_t size, float offset) override;
  void accept_tied_head(const std::string& embedding) override;

 private:
  Array parameter(const TensorUse& use, float offset) const;

  ParameterSource source_;
};

/// From a checkpoint. With `plan_only` nothing is read or allocated: shapes are checked, bytes
/// counted, and the returned arrays are undefined.
class StoredWeights final : public Weights {
 public:
  struct Options {
    Compute compute = Compute::bf16;
    bool plan_only = false;
    /// If set, dense matrices are quantised as they are read, except those whose inputs are no
    /// multiple of the group size.
    Quantization quantize = {};
    /// Called after each tensor with the bytes of the files read so far: stored_bytes().
    std::function<void(int64_t done)> progress;
  };

  /// Errors: as io::QuantizationConfig::read; invalid_argument for a quantisation that linnet does
  /// not know, or if a checkpoint that is quantised is to be quantised again.
  StoredWeights(const io::Checkpoint& checkpoint, DevicePtr device, Options options);

  /// "<module>.weight" and, if it is quantised, the scales and biases beside it. Errors: not_found
  /// naming the tensor; malformed_file with both shapes; unsupported for an element type that is no
  /// float; as io::QuantizationConfig::of.
  ops::PackedMatrix matrix(const std::string& name, int64_t outputs, int64_t inputs) override;
  using Weights::vector;
  Array vector(const std::string& name, int64_t size, float offset) override;
  void accept_tied_head(const std::string& embedding) override;

  /// Tensors whose full name starts with `prefix` or contains `infix` are known and not wanted.
  void ignore_prefix(std::string_view prefix) { ignored_prefixes_.emplace_back(prefix); }
  void ignore_infix(std::string_view infix) { ignored_infixes_.emplace_back(infix); }
  /// Errors: unsupported naming the first tensors that nobody asked for; malformed_file if the
  /// config says that the checkpoint is quantised and nothing is.
  void finish() const;

  /// Bytes that the weights read so far occupy in the device's MemoryPool once loaded, and that
  /// they have in the files.
  [[nodiscard]] int64_t packed_bytes() const noexcept { return packed_bytes_; }
  [[nodiscard]] int64_t stored_bytes() const noexcept { return stored_bytes_; }
  /// Everything read so far, in that order.
  [[nodiscard]] std::span<const TensorUse> uses() const noexcept { return uses_; }
  /// Weights read so far (a quantised one counts once), and the type that most of them, or their
  /// scales, have in the files.
  [[nodiscard]] int64_t elements() const noexcept;
  [[nodiscard]] DType main_dtype() const noexcept;

 private:
  io::StoredTensor take(const std::string& name, const Shape& shape, Quantization q = {});
  ops::PackedMatrix quantized_matrix(const TensorUse& use);
  ops::PackedMatrix dense_matrix(const TensorUse& use);
  void count(const TensorUse& use, DType dtype);
  void report_progress() const;
  [[nodiscard]] bool ignored(std::string_view name) const;

  const io::Checkpoint& checkpoint_;
  Options options_;
  io::QuantizationConfig quantization_;
  std::vector<TensorUse> uses_;
  std::unordered_set<std::string> taken_;
  std::vector<std::string> ignored_prefixes_;
  std::vector<std::string> ignored_infixes_;
  int64_t packed_bytes_ = 0;
  int64_t stored_bytes_ = 0;
  std::map<DType, int64_t> elements_;
};

}  // namespace linnet::nn
