#include "ops/autograd.hpp"

#include "ops/cast.hpp"
#include "ops/creation.hpp"

namespace linnet::ops {
namespace {

/// A tape and what it holds, which would hold the tape.
class OwnTape {
 public:
  OwnTape() : tape_(Tape::create()) {}
  ~OwnTape() { tape_->clear(); }
  OwnTape(const OwnTape&) = delete;
  OwnTape& operator=(const OwnTape&) = delete;
  Tape* operator->() const { return tape_.get(); }

  [[nodiscard]] Arrays watch(const Arrays& inputs) const {
    Arrays result;
    for (const Array& input : inputs) result.push_back(tape_->watch(input));
    return result;
  }

 private:
  std::shared_ptr<Tape> tape_;
};

Arrays constants(const Arrays& arrays) {
  Arrays result;
  for (const Array& array : arrays) result.push_back(stop_gradient(array));
  return result;
}

/// Derivatives that a caller gives, as f32. Errors: invalid_argument naming both shapes.
Arrays checked(std::string_view what, const Arrays& derivatives, const Arrays& of) {
  require(derivatives.size() == of.size(), "{} {}s for {} arrays", derivatives.size(), what,
          of.size());
  Arrays result;
  for (size_t i = 0; i < of.size(); ++i) {
    require(!derivatives[i].defined() || derivatives[i].shape() == of[i].shape(),
            "{} {} is {}, its array {}", what, i, derivatives[i].shape(), of[i].shape());
    result.push_back(derivatives[i].defined() ? as_f32(derivatives[i]) : Array());
  }
  return result;
}

/// Zeros where nothing came.
Arrays complete(Arrays derivatives, const Arrays& of) {
  for (size_t i = 0; i < of.size(); ++i)
    derivatives[i] = or_zeros(derivatives[i], of[i].shape(), of[i].device());
  return derivatives;
}

}  // namespace

Vjp vjp(const Function& fn, const Arrays& inputs) {
  const auto tape = std::make_shared<OwnTape>();
  const Arrays watched = tape->watch(inputs);
  const Arrays outputs = fn(watched);
  return {.outputs = constants(outputs),
          .pullback = [tape, watched, outputs](const Arrays& cotangents) {
            return complete((*tape)->backward(outputs, checked("cotangent", cotangents, outputs),
                                              watched, false),
                            watched);
          }};
}

Jvp jvp(const Function& fn, const Arrays& inputs, const Arrays& tangents) {
  const OwnTape tape;
  const Arrays watched = tape.watch(inputs);
  const Arrays outputs = fn(watched);
  Arrays pushed = tape->forward(watched, checked("tangent", tangents, inputs), outputs);
  return {.outputs = constants(outputs), .tangents = complete(std::move(pushed), outputs)};
}

ValueAndGrad value_and_grad(const std::function<Array(const Arrays&)>& fn, const Arrays& inputs,
                            const std::vector<size_t>& argnums) {
  const OwnTape tape;
  Arrays arguments = inputs;
  Arrays watched;
  const auto watch = [&](size_t i) {
    require(i < inputs.size(), "a gradient by argument {} of {}", i, inputs.size());
    arguments[i] = tape->watch(inputs[i]);
    watched.push_back(arguments[i]);
  };
  for (const size_t i : argnums) watch(i);
  if (argnums.empty())
    for (size_t i = 0; i < inputs.size(); ++i) watch(i);
  const Array value = fn(arguments);
  require(value.defined() && value.size() == 1, "the gradient of a function with a result of {}",
          value.defined() ? value.shape() : Shape());
  const Array one = full(value.shape(), 1.0F, DType::f32, value.device());
  Arrays gradients = tape->backward({&value, 1}, {one}, watched, true);
  return {.value = stop_gradient(value), .gradients = complete(std::move(gradients), watched)};
}

Arrays checkpoint(const Function& fn, const Arrays& inputs) {
  std::vector<const Array*> operands;
  for (const Array& input : inputs) operands.push_back(&input);
  Tape* tape = recording(operands);
  if (tape == nullptr) return fn(inputs);
  Arrays outputs;
  {
    const Tape::Pause pause(tape);
    outputs = fn(inputs);
  }
  std::vector<Array*> results;
  for (Array& output : outputs) results.push_back(&output);
  tape->record_again("checkpoint", results, [fn, inputs] { return fn(inputs); });
  return outputs;
}

}  // namespace linnet::ops
