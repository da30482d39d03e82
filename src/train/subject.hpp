// What is trained: parameters, and the model that they make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "array/random.hpp"
#include "base/json.hpp"
#include "models/registry.hpp"
#include "nn/adapter.hpp"
#include "train/optimizer.hpp"

namespace linnet::train {

/// A model at certain values of the parameters, for one pass.
struct Bound {
  std::shared_ptr<const models::Model> model;
  std::shared_ptr<const nn::Adapter> adapter;  ///< of all rows; null: none
};

/// Not thread-safe.
class Subject {
 public:
  virtual ~Subject() = default;
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  /// Trained parameters; their values are changed in place by the optimizer.
  [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
  /// The model of `values`, in the order of the parameters, perhaps on a tape. `dropout` makes the
  /// random numbers of this pass; without one nothing is dropped.
  [[nodiscard]] virtual Bound bind(const std::vector<Array>& values,
                                   const std::optional<Key>& dropout) const = 0;
  [[nodiscard]] virtual const DevicePtr& device() const = 0;

  [[nodiscard]] std::vector<Array> values() const;
  [[nodiscard]] int64_t elements() const;

 protected:
  std::vector<Parameter> parameters_;
};

struct LoraOptions {
  int64_t rank = 8;
  double alpha = 16;
  bool rslora = false;  ///< scale alpha / sqrt(rank) (Kalajdzievski 2023) in place of alpha / rank
  double dropout = 0;   ///< of what enters A, 0 <= dropout < 1
  /// Names of modules, or their last parts ("q_proj"), with * for any characters; a module that one
  /// of them fits is adapted.
  std::vector<std::string> targets = {"q_proj", "v_proj"};
  std::vector<int64_t> layers = {};  ///< only in these; empty: in all
  uint64_t seed = 0;                 ///< of the initial A

  [[nodiscard]] double scale() const;
};

/// Errors: invalid_argument naming the option.
void check(const LoraOptions& options);

/// The modules that the options choose, in the model's order. Errors: invalid_argument for a target
/// or layer that fits none.
std::vector<nn::Module> choose_modules(const std::vector<nn::Module>& modules,
                                       const LoraOptions& options);

/// Low-rank adapters of a frozen model. Parameters are MODULE.lora_a [r, K], uniform in
/// -1/sqrt(K)..1/sqrt(K) as PEFT's default is, and MODULE.lora_b [N, r], zeros.
class LoraSubject final : public Subject {
 public:
  /// `modules` are the model's. Errors: as check and choose_modules; out_of_memory.
  LoraSubject(std::shared_ptr<const models::Model> model, std::vector<nn::Module> modules,
              LoraOptions options);

  [[nodiscard]] Bound bind(const std::vector<Array>& values,
                           const std::optional<Key>& dropout) const override;
  [[nodiscard]] const DevicePtr& device() const override { return model_->device(); }
  [[nodiscard]] const LoraOptions& options() const noexcept { return options_; }
  [[nodiscard]] const std::vector<nn::Module>& adapted() const noexcept { return adapted_; }

 private:
  std::shared_ptr<const models::Model> model_;
  std::vector<nn::Module> modules_;
  std::vector<nn::Module> adapted_;
  LoraOptions options_;
};

/// All parameters of a model, from a checkpoint or from nothing.
class FullSubject final : public Subject {
 public:
  /// `config` is a whole config.json. Matrices begin normal with config.json's initializer_range
  /// (0.02 if it has none), biases 0, norms at a scale of 1. Errors: as models::assemble.
  FullSubject(const Json& config, const DevicePtr& device, Compute compute, uint64_t seed);
  /// Begins with a checkpoint's dense weights, as f32. Errors: unsupported for quantised ones.
  FullSubject(const io::Checkpoint& checkpoint, const DevicePtr& device, Compute compute);

  [[nodiscard]] Bound bind(const std::vector<Array>& values,
                           const std::optional<Key>& dropout) const override;
  [[nodiscard]] const DevicePtr& device() const override { return device_; }
  [[nodiscard]] const Json& config() const noexcept { return config_; }
  /// By the names that a plain checkpoint has.
  [[nodiscard]] NamedArrays tensors() const;

 private:
  void collect(const nn::ParameterSource& make);

  Json config_;
  DevicePtr device_;
  Compute compute_;
};

}  // namespace linnet::train
