// The tape: which arrays were computed from which, and the rules by which derivatives pass from one
// to the other. Ops write on it when one of their operands is on one; without a tape they do not
// notice it. What people call is in ops/autograd.hpp; this is what ops need.
//
// A rule has both directions. Tangents and cotangents are f32 whatever the dtype of the array they
// belong to, and have its shape; an undefined one stands for zeros.
//
// Threads: a tape and the arrays on it belong to one thread at a time.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "array/array.hpp"

namespace linnet::ops {

using Arrays = std::vector<Array>;

/// How derivatives pass through one call of an op y... = f(x...). Rules hold what they need of the
/// operands as constants.
struct Rule {
  /// Cotangents of y -> cotangents of x, one for each; those of constants may be left undefined.
  std::function<Arrays(const Arrays& cotangents)> vjp;
  /// Tangents of x -> tangents of y.
  std::function<Arrays(const Arrays& tangents)> jvp;
};

class Tape : public std::enable_shared_from_this<Tape> {
 public:
  static std::shared_ptr<Tape> create() { return std::make_shared<Tape>(); }

  /// x as a new value that derivatives are taken by. Errors: invalid_argument unless it is
  /// floating.
  Array watch(const Array& x);

  /// Makes `outputs` values of this tape that depend on `inputs` (constants among them have no
  /// number). `op` must live as long as the program.
  void record(std::string_view op, std::initializer_list<const Array*> inputs,
              std::initializer_list<Array*> outputs, Rule rule);
  void record(std::string_view op, std::span<const Array* const> inputs,
              std::span<Array* const> outputs, Rule rule);

  /// A part that is computed again when its derivatives are asked for: `part()` gives arrays of
  /// this tape that stand for `outputs`, which were computed while recording was paused.
  void record_again(std::string_view op, std::span<Array* const> outputs,
                    std::function<Arrays()> part);

  /// Cotangents of `inputs` from those of `outputs`. Entries are walked from the last to the first,
  /// so sums of several cotangents have one order. `consume`: entries are forgotten as they are
  /// passed, and so is what they hold.
  Arrays backward(std::span<const Array> outputs, const Arrays& cotangents,
                  std::span<const Array> inputs, bool consume);
  /// Tangents of `outputs` from those of `inputs`.
  Arrays forward(std::span<const Array> inputs, const Arrays& tangents,
                 std::span<const Array> outputs);

  /// Forgets all entries. (They hold arrays of this tape, so it would not die without.)
  void clear() noexcept;

  [[nodiscard]] bool paused() const noexcept { return pauses_ > 0; }

  /// While it lives, ops record nothing.
  class Pause {
   public:
    explicit Pause(Tape* tape) : tape_(tape) {
      if (tape_ != nullptr) ++tape_->pauses_;
    }
    ~Pause() {
      if (tape_ != nullptr) --tape_->pauses_;
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Tape* tape_;
  };

 private:
  struct Entry {
    std::string_view op;
    std::vector<int64_t> inputs;  // -1: a constant
    std::vector<int64_t> outputs;
    Rule rule;
    std::function<Arrays()> again;  // instead of inputs and a rule
  };
  using Table = std::vector<Array>;  // of derivatives, by number

  Array& at(Table& table, int64_t number) const;
  void accumulate(Table& table, int64_t number, const Array& derivative) const;
  void pull(const Entry& entry, Table& table);
  void pull_back_to(size_t begin, Table& table, bool consume);
  void push(const Entry& entry, Table& table);

  std::vector<Entry> entries_;
  int64_t values_ = 0;
  int pauses_ = 0;
};

/// The tape that an op over these arrays writes on; null if none of them is on one, or it is
/// paused. Undefined arrays count as constants. Errors: invalid_argument if they are on two tapes.
Tape* recording(std::initializer_list<const Array*> inputs);
Tape* recording(std::span<const Array* const> inputs);

/// x as a constant: no derivative passes through it. For ops: what rules keep.
inline Array stop_gradient(const Array& x) { return x.on_tape(nullptr, -1); }

/// x as a constant of dtype f32.
Array as_f32(const Array& x);

/// The sum of two derivatives of one array; undefined if both are.
Array plus(const Array& a, const Array& b);

/// A derivative, or zeros of `shape` in place of an undefined one.
Array or_zeros(const Array& derivative, const Shape& shape, const DevicePtr& device);

/// A derivative of a broadcast operand as one of the operand: sums over the axes that were
/// repeated.
///   c       the result's shape, f32
///   result  `shape`, which broadcasts to it
Array sum_to(const Array& c, const Shape& shape);

}  // namespace linnet::ops
