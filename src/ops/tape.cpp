#include "ops/tape.hpp"

#include <algorithm>

#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/view.hpp"

namespace linnet::ops {

Array Tape::watch(const Array& x) {
  require(x.defined() && is_floating(x.dtype()), "derivatives by a {} array are not defined",
          x.defined() ? to_string(x.dtype()) : "missing");
  return x.on_tape(shared_from_this(), values_++);
}

void Tape::record(std::string_view op, std::span<const Array* const> inputs,
                  std::span<Array* const> outputs, Rule rule) {
  Entry entry{.op = op, .inputs = {}, .outputs = {}, .rule = std::move(rule), .again = {}};
  for (const Array* input : inputs)
    entry.inputs.push_back(input->tape() ? input->tape_number() : -1);
  for (Array* output : outputs) {
    *output = output->on_tape(shared_from_this(), values_);
    entry.outputs.push_back(values_++);
  }
  entries_.push_back(std::move(entry));
}

void Tape::record(std::string_view op, std::initializer_list<const Array*> inputs,
                  std::initializer_list<Array*> outputs, Rule rule) {
  record(op, std::span(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()),
         std::move(rule));
}

void Tape::record_again(std::string_view op, std::span<Array* const> outputs,
                        std::function<Arrays()> part) {
  record(op, std::span<const Array* const>(), outputs, Rule());
  entries_.back().again = std::move(part);
}

Array& Tape::at(Table& table, int64_t number) const {
  const auto index = static_cast<size_t>(number);
  if (index >= table.size()) table.resize(static_cast<size_t>(values_));
  return table[index];
}

void Tape::accumulate(Table& table, int64_t number, const Array& derivative) const {
  if (number < 0 || !derivative.defined()) return;
  Array& sum = at(table, number);
  sum = plus(sum, derivative);
}

/// The derivatives of an entry's results lead to those of its operands.
void Tape::pull(const Entry& entry, Table& table) {
  Arrays cotangents;
  bool any = false;
  for (const int64_t output : entry.outputs) {
    cotangents.push_back(std::move(at(table, output)));
    at(table, output) = Array();
    any = any || cotangents.back().defined();
  }
  if (!any) return;
  if (entry.again) {
    const size_t begin = entries_.size();
    const Arrays outputs = entry.again();
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].tape().get() == this)
        accumulate(table, outputs[i].tape_number(), cotangents[i]);
    pull_back_to(begin, table, true);
    return;
  }
  const Arrays pulled = entry.rule.vjp(cotangents);
  for (size_t i = 0; i < entry.inputs.size() && i < pulled.size(); ++i)
    accumulate(table, entry.inputs[i], pulled[i]);
}

void Tape::pull_back_to(size_t begin, Table& table, bool consume) {
  if (consume) {
    while (entries_.size() > begin) {
      const Entry entry = std::move(entries_.back());
      entries_.pop_back();
      pull(entry, table);
    }
    return;
  }
  for (size_t i = entries_.size(); i-- > begin;) {
    const Entry entry = entries_[i];  // a copy: a part computed again appends to them
    pull(entry, table);
  }
}

Arrays Tape::backward(std::span<const Array> outputs, const Arrays& cotangents,
                      std::span<const Array> inputs, bool consume) {
  Table table(static_cast<size_t>(values_));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].tape().get() == this) accumulate(table, outputs[i].tape_number(), cotangents[i]);
  pull_back_to(0, table, consume);
  Arrays result;
  for (const Array& input : inputs) result.push_back(at(table, input.tape_number()));
  return result;
}

void Tape::push(const Entry& entry, Table& table) {
  if (entry.again) {
    const size_t begin = entries_.size();
    const Arrays outputs = entry.again();
    for (size_t i = begin; i < entries_.size(); ++i) {
      const Entry inner = entries_[i];
      push(inner, table);
    }
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].tape().get() == this)
        at(table, entry.outputs[i]) = at(table, outputs[i].tape_number());
    entries_.resize(begin);
    return;
  }
  Arrays tangents;
  bool any = false;
  for (const int64_t input : entry.inputs) {
    tangents.push_back(input < 0 ? Array() : at(table, input));
    any = any || tangents.back().defined();
  }
  if (!any) return;
  const Arrays pushed = entry.rule.jvp(tangents);
  for (size_t i = 0; i < entry.outputs.size(); ++i) at(table, entry.outputs[i]) = pushed[i];
}

Arrays Tape::forward(std::span<const Array> inputs, const Arrays& tangents,
                     std::span<const Array> outputs) {
  Table table(static_cast<size_t>(values_));
  for (size_t i = 0; i < inputs.size(); ++i) at(table, inputs[i].tape_number()) = tangents[i];
  const size_t count = entries_.size();
  for (size_t i = 0; i < count; ++i) {
    const Entry entry = entries_[i];
    push(entry, table);
  }
  Arrays result;
  for (const Array& output : outputs)
    result.push_back(output.tape().get() == this ? at(table, output.tape_number()) : Array());
  return result;
}

void Tape::clear() noexcept { entries_.clear(); }

Tape* recording(std::span<const Array* const> inputs) {
  Tape* tape = nullptr;
  for (const Array* input : inputs) {
    if (!input->tape() || input->tape().get() == tape) continue;
    require(tape == nullptr, "an op over arrays of two tapes");
    tape = input->tape().get();
  }
  return tape == nullptr || tape->paused() ? nullptr : tape;
}

Tape* recording(std::initializer_list<const Array*> inputs) {
  return recording(std::span(inputs.begin(), inputs.size()));
}

Array as_f32(const Array& x) { return astype(stop_gradient(x), DType::f32); }

Array plus(const Array& a, const Array& b) {
  if (!a.defined()) return b;
  return b.defined() ? add(a, b) : a;
}

Array or_zeros(const Array& derivative, const Shape& shape, const DevicePtr& device) {
  return derivative.defined() ? derivative : zeros(shape, DType::f32, device);
}

Array sum_to(const Array& c, const Shape& shape) {
  if (c.shape() == shape) return c;
  const int skipped = c.rank() - shape.rank();
  std::vector<int> axes;
  for (int axis = 0; axis < c.rank(); ++axis)
    if (axis < skipped || (shape[axis - skipped] == 1 && c.shape()[axis] != 1))
      axes.push_back(axis);
  return reshape(axes.empty() ? c : sum(c, Axes(axes)), shape);
}

}  // namespace linnet::ops
