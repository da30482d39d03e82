#include "train/gradients.hpp"

#include "ops/autograd.hpp"
#include "ops/elementwise.hpp"

namespace linnet::train {
namespace {

/// A pack as a batch, and the targets of the rows whose logits are wanted.
struct Rows {
  nn::Batch batch;
  std::vector<int32_t> targets;
  std::vector<float> weights;

  Rows(const Pack& pack, const LossOptions& options) {
    batch.ids = pack.ids;
    batch.lengths = pack.lengths;
    batch.recompute_layers = options.checkpoint_layers;
    int32_t row = 0;
    for (const int64_t length : pack.lengths)
      for (int64_t t = 0; t < length; ++t, ++row) {
        batch.positions.push_back(t);
        const auto next = static_cast<size_t>(row) + 1;
        if (t + 1 == length || pack.weights[next] == 0) continue;
        batch.logit_rows.push_back(row);
        targets.push_back(pack.ids[next]);
        weights.push_back(pack.weights[next]);
      }
  }
};

void add_sums(const Pack& pack, const Rows& rows, const ops::CrossEntropy& result, double scale,
              LossSums& sums) {
  sums.loss += static_cast<double>(result.loss.item<float>()) * scale;
  const std::vector<float> likelihoods = result.log_likelihood.to_vector<float>();
  for (size_t i = 0; i < likelihoods.size(); ++i) {
    sums.log_likelihood +=
        static_cast<double>(likelihoods[i]) * static_cast<double>(rows.weights[i]);
    sums.weight += static_cast<double>(rows.weights[i]);
  }
  sums.tokens += pack.tokens();
  sums.targets += static_cast<int64_t>(rows.targets.size());
}

/// The loss of rows whose weights are `weights`.
ops::CrossEntropy forward(const Bound& bound, Rows& rows, std::span<const float> weights,
                          const LossOptions& options) {
  if (bound.adapter)
    rows.batch.adapters = {{.first_row = 0,
                            .rows = static_cast<int64_t>(rows.batch.ids.size()),
                            .adapter = bound.adapter.get()}};
  const models::Model& model = *bound.model;
  return ops::linear_cross_entropy(model.states(rows.batch), model.head_weights(), rows.targets,
                                   weights,
                                   {.label_smoothing = options.label_smoothing,
                                    .z_loss = options.z_loss,
                                    .rounding = model.rounding(),
                                    .block_bytes = options.logits_bytes});
}

}  // namespace

StepGradients gradients_of(const Subject& subject, std::span<const Pack> packs,
                           const LossOptions& options, const std::optional<Key>& dropout) {
  std::vector<Rows> all;
  double total = 0;
  for (const Pack& pack : packs) {
    all.emplace_back(pack, options);
    for (const float weight : all.back().weights) total += static_cast<double>(weight);
  }
  require(total > 0, "a step without targets");
  StepGradients result;
  for (size_t i = 0; i < packs.size(); ++i) {
    Rows& rows = all[i];
    if (rows.targets.empty()) continue;
    std::vector<float> shares;
    for (const float weight : rows.weights)
      shares.push_back(static_cast<float>(static_cast<double>(weight) / total));
    Bound bound;  // outlives the backward pass, which may compute layers again
    ops::CrossEntropy loss;
    ops::ValueAndGrad pulled = ops::value_and_grad(
        [&](const ops::Arrays& values) {
          bound = subject.bind(values, dropout ? std::optional(split(*dropout, i)) : std::nullopt);
          loss = forward(bound, rows, shares, options);
          return loss.loss;
        },
        subject.values());
    loss.loss = pulled.value;
    add_sums(packs[i], rows, loss, total, result.sums);
    if (result.gradients.empty()) {
      result.gradients = std::move(pulled.gradients);
      continue;
    }
    for (size_t p = 0; p < result.gradients.size(); ++p)
      result.gradients[p] = ops::add(result.gradients[p], pulled.gradients[p]);
  }
  return result;
}

LossSums loss_of(const Subject& subject, std::span<const Pack> packs, const LossOptions& options) {
  LossSums sums;
  const Bound bound = subject.bind(subject.values(), std::nullopt);
  for (const Pack& pack : packs) {
    Rows rows(pack, options);
    if (rows.targets.empty()) continue;
    add_sums(pack, rows, forward(bound, rows, rows.weights, options), 1, sums);
  }
  return sums;
}

}  // namespace linnet::train
