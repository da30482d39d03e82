#include "nn/adapter.hpp"

#include <algorithm>

#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/low_rank.hpp"
#include "ops/random.hpp"
#include "ops/tape.hpp"
#include "ops/view.hpp"

namespace linnet::nn {
namespace {

/// scale * (x A^T) B^T
Array product(const Array& x, const LowRank& l) {
  Array inputs = ops::astype(x, DType::f32);
  if (l.dropout > 0) {
    const Array draws = ops::uniform(inputs.shape(), l.key, inputs.device());
    const Array kept = ops::where(ops::less(draws, l.dropout), 0.0F, 1.0F / (1.0F - l.dropout));
    inputs = ops::mul(inputs, kept);
  }
  return ops::mul(ops::linear(ops::linear(inputs, l.a), l.b), l.scale);
}

/// With derivatives, or dropout: each group by ops that have rules.
Array adapt_by_ops(const Array& x, Array y, int module, const std::vector<AdapterRows>& adapters) {
  for (const AdapterRows& rows : adapters) {
    const LowRank* low_rank = rows.adapter->find(module);
    if (low_rank == nullptr || rows.rows == 0) continue;
    if (rows.rows == y.dim(0)) return ops::add(y, product(x, *low_rank));
    const ops::Slice which{.start = rows.first_row, .stop = rows.first_row + rows.rows};
    const Array part = ops::slice_axis(y, 0, which);
    const Array sum = ops::add(part, product(ops::slice_axis(x, 0, which), *low_rank));
    ops::slice_update_into(y, sum, {which});
  }
  return y;
}

}  // namespace

const Module& find_module(const std::vector<Module>& modules, const std::string& name,
                          int64_t outputs, int64_t inputs) {
  const auto found = std::ranges::find(modules, name, &Module::name);
  require(found != modules.end(), "an adapter is for {}, which the model does not have", name);
  require(found->outputs == outputs && found->inputs == inputs,
          "an adapter has {} as [{}, {}], the model as [{}, {}]", name, outputs, inputs,
          found->outputs, found->inputs);
  return *found;
}

void Adapter::add(const std::vector<Module>& modules, const std::string& module, LowRank low_rank) {
  const int64_t inputs = low_rank.a.inputs();
  const int64_t outputs = low_rank.b.outputs();
  const Module& found = find_module(modules, module, outputs, inputs);
  require(low_rank.a.outputs() == low_rank.b.inputs(),
          "the adapter {} has A [{}, {}] and B [{}, {}] for {}", name_, low_rank.a.outputs(),
          inputs, outputs, low_rank.b.inputs(), module);
  const auto index = static_cast<size_t>(&found - modules.data());
  by_module_.resize(std::max(by_module_.size(), modules.size()), -1);
  require(by_module_[index] < 0, "the adapter {} has {} twice", name_, module);
  by_module_[index] = static_cast<int>(low_ranks_.size());
  low_ranks_.push_back(std::move(low_rank));
}

const LowRank* Adapter::find(int module) const noexcept {
  const auto index = static_cast<size_t>(module);
  if (module < 0 || index >= by_module_.size() || by_module_[index] < 0) return nullptr;
  return &low_ranks_[static_cast<size_t>(by_module_[index])];
}

bool is_adapted(int module, const std::vector<AdapterRows>& adapters) noexcept {
  return std::ranges::any_of(adapters, [module](const AdapterRows& rows) {
    return rows.adapter->find(module) != nullptr;
  });
}

Array adapt(const Array& x, Array y, int module, const std::vector<AdapterRows>& adapters) {
  bool in_place = ops::recording({&x, &y}) == nullptr;
  std::vector<ops::LowRankRows> groups;
  for (const AdapterRows& rows : adapters) {
    const LowRank* l = rows.adapter->find(module);
    if (l == nullptr || rows.rows == 0) continue;
    in_place = in_place && l->dropout == 0 && !l->a.source().defined() && !l->b.source().defined();
    groups.push_back(
        {.first_row = rows.first_row, .rows = rows.rows, .a = l->a, .b = l->b, .scale = l->scale});
  }
  if (groups.empty()) return y;
  if (!in_place) return adapt_by_ops(x, std::move(y), module, adapters);
  ops::add_low_rank(y, x, groups);
  return y;
}

}  // namespace linnet::nn
