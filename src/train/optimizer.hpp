// Optimizers over a model's trained parameters, clipping by the global norm.
//
// Threads: an Optimizer is used by one thread at a time; each step computes on its parameters'
// device. A step's bits depend on parameters, gradients, state, options and the number of the step
// alone, so a run that is saved and loaded goes on exactly.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/optimizer.hpp"

namespace linnet::train {

struct Parameter {
  std::string name;
  Array value;        ///< f32, dense; changed in place
  bool decay = true;  ///< whether weight decay applies: not to norms and biases
};

enum class OptimizerKind : uint8_t { adamw, sgd, lion, adafactor };

/// "adamw", "sgd", "lion", "adafactor".
std::string_view to_string(OptimizerKind kind) noexcept;
/// Errors: invalid_argument for another name.
OptimizerKind parse_optimizer(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adamw;
  double weight_decay = 0.01;
  double beta1 = 0.9;         ///< adamw, lion
  double beta2 = 0.999;       ///< adamw; lion is used with 0.99
  double epsilon = 1e-8;      ///< adamw
  double momentum = 0;        ///< sgd
  bool nesterov = false;      ///< sgd
  double beta2_decay = -0.8;  ///< adafactor
  double epsilon1 = 0x1p-23;  ///< adafactor: least root of a second moment
  double epsilon2 = 1e-3;     ///< adafactor: least root mean square of a parameter
  double clip_threshold = 1;  ///< adafactor: of an update's root mean square
};

/// The published defaults of that kind (PyTorch's; of Lion the paper's).
OptimizerOptions default_options(OptimizerKind kind);

/// Errors: invalid_argument naming an option outside its range.
void check(const OptimizerOptions& options);

/// Bytes of state for a parameter of that shape, without the pool's rounding. Errors:
/// invalid_argument if they do not fit 63 bits.
int64_t state_bytes(const OptimizerOptions& options, const Shape& shape);

/// Arrays by name, in an order that does not depend on the run.
using NamedArrays = std::map<std::string, Array>;

class Optimizer {
 public:
  /// Allocates the state, all zeros. Errors: invalid_argument as check() and for parameters that
  /// are not dense f32, are read-only or share a name; out_of_memory.
  Optimizer(const OptimizerOptions& options, std::vector<Parameter> parameters);

  /// One step; gradients in the order of the parameters, f32. Each is multiplied by gradient_scale
  /// first (see clip_global_norm). Errors: invalid_argument naming the parameter whose gradient
  /// does not fit (nothing is changed then), or for a learning rate or scale that is not finite.
  void step(std::span<const Array> gradients, double learning_rate, double gradient_scale = 1);

  /// Steps taken, those of a loaded run among them.
  [[nodiscard]] int64_t steps() const noexcept { return steps_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
  [[nodiscard]] const OptimizerOptions& options() const noexcept { return options_; }

  /// What must be saved beside the parameters: PARAMETER.exp_avg, .exp_avg_sq (adamw; lion the
  /// first), .momentum_buffer (sgd with momentum), .row_var, .col_var, .variance (adafactor), with
  /// PyTorch's names, and "step" (i64 [1]). The arrays are the optimizer's own, not copies.
  [[nodiscard]] NamedArrays state() const;
  /// Takes over copies of a saved state. Errors: malformed_file naming an array that is missing,
  /// unknown or of another shape (nothing is changed then).
  void load_state(const NamedArrays& state);

 private:
  /// Of one parameter; what its kind does not have is undefined.
  struct State {
    Array exp_avg;  // sgd: the momentum buffer
    Array exp_avg_sq;
    ops::AdafactorMoments moments;
  };
  void update(size_t index, const Array& gradient, double learning_rate, double gradient_scale);

  OptimizerOptions options_;
  std::vector<Parameter> parameters_;
  std::vector<State> states_;
  int64_t steps_ = 0;
};

/// The global norm of gradients and what clips them.
struct Clip {
  double norm = 0;   ///< sqrt of the sum of all squares; infinity or NaN if a gradient has such
  double scale = 1;  ///< min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_
};

/// Nothing is written: scale goes to Optimizer::step. The squares of each array are summed as
/// ops::sum_of_squares does, arrays in order, in double. `multiplier` is what all gradients are to
/// be multiplied by anyway (1 / accumulated batches): norm is that of the multiplied ones, and
/// scale contains it. max_norm 0: no clipping, the norm alone. Errors: invalid_argument for a
/// negative or not finite max_norm. The caller must look at norm: a step with gradients that are
/// not finite ruins the parameters.
Clip clip_global_norm(std::span<const Array> gradients, double max_norm, double multiplier = 1);

}  // namespace linnet::train
