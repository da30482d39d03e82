#include "engine/embed.hpp"

#include <cmath>

#include "engine/engine.hpp"
#include "engine/read_run.hpp"

namespace linnet::engine {

std::vector<std::vector<float>> embed_all(Engine& engine,
                                          std::span<const std::vector<int32_t>> texts,
                                          Pooling pooling, bool normalize,
                                          const Job::Terms& terms) {
  for (const auto& ids : texts) engine.check_ids(ids);
  const auto width = static_cast<size_t>(engine.model().config().hidden_size);
  std::vector<std::vector<double>> sums(texts.size());
  std::vector<std::vector<float>> result(texts.size());
  read_all(
      engine, static_cast<int64_t>(texts.size()),
      [&](int64_t index) {
        const std::vector<int32_t>& ids = texts[static_cast<size_t>(index)];
        std::vector<double>& sum = sums[static_cast<size_t>(index)];
        sum.assign(width, 0);
        const int64_t last = static_cast<int64_t>(ids.size()) - 1;
        return std::make_shared<ReadJob>(ids, pooling == Pooling::last ? last : 0, Output::state,
                                         terms, [&sum](int64_t /*position*/, const Array& row) {
                                           const float* state = row.data<float>();
                                           for (size_t i = 0; i < sum.size(); ++i)
                                             sum[i] += static_cast<double>(state[i]);
                                         });
      },
      [&](int64_t index, const Metrics&) {
        std::vector<double>& sum = sums[static_cast<size_t>(index)];
        double squares = 0;
        const auto rows = static_cast<double>(
            pooling == Pooling::last ? 1 : texts[static_cast<size_t>(index)].size());
        for (double& value : sum) {
          value /= rows;
          squares += value * value;
        }
        const double length = normalize && squares > 0 ? std::sqrt(squares) : 1;
        std::vector<float>& vector = result[static_cast<size_t>(index)];
        vector.reserve(sum.size());
        for (const double value : sum) vector.push_back(static_cast<float>(value / length));
        sum.clear();
        sum.shrink_to_fit();
      });
  return result;
}

}  // namespace linnet::engine
