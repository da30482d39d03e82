#include "train/sample.hpp"

#include "ops/reduce.hpp"

namespace linnet::train {

std::vector<int32_t> continue_greedily(const Subject& subject, std::span<const int32_t> ids,
                                       int64_t most, const std::function<bool(int32_t)>& ends) {
  require(!ids.empty(), "a sample needs a prompt");
  const Bound bound = subject.bind(subject.values(), std::nullopt);
  std::vector<int32_t> all(ids.begin(), ids.end());
  std::vector<int32_t> result;
  while (static_cast<int64_t>(result.size()) < most) {
    const auto tokens = static_cast<int64_t>(all.size());
    nn::Batch batch{.ids = all, .lengths = {tokens}};
    for (int64_t t = 0; t < tokens; ++t) batch.positions.push_back(t);
    batch.logit_rows = {static_cast<int32_t>(tokens) - 1};
    if (bound.adapter) batch.adapters = {{0, tokens, bound.adapter.get()}};
    const Array best = ops::argmax(bound.model->forward(batch));
    const auto id = static_cast<int32_t>(best.item<int64_t>());
    if (ends(id)) break;
    result.push_back(id);
    all.push_back(id);
  }
  return result;
}

}  // namespace linnet::train
