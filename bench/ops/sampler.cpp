#include "engine/sampler.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

/// The ids that a chain may choose, by a full sort in double.
std::vector<int32_t> allowed(const std::vector<float>& logits, const GenerateOptions& o) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  if (o.temperature == 0) return {ids.front()};
  if (o.top_k > 0) ids.resize(std::min(ids.size(), static_cast<size_t>(o.top_k)));
  const auto weight = [&](int32_t id) {
    return std::exp((static_cast<double>(logits[static_cast<size_t>(id)]) -
                     static_cast<double>(logits[static_cast<size_t>(ids.front())])) /
                    static_cast<double>(o.temperature));
  };
  double total = 0;
  for (const int32_t id : ids) total += weight(id);
  double sum = 0;
  size_t kept = 0;
  while (kept < ids.size() && sum < static_cast<double>(o.top_p) * total * (1 + 1e-6))
    sum += weight(ids[kept++]);
  ids.resize(kept);
  std::erase_if(ids, [&](int32_t id) { return weight(id) < 0.999 * static_cast<double>(o.min_p); });
  return ids;
}

Prepared prepare(int64_t vocabulary, double deviation, const GenerateOptions& options) {
  const auto values = normal_values(vocabulary, 1, deviation);
  const Array logits = Array::from(values, {vocabulary}, device());
  auto sampler = std::make_shared<engine::Sampler>(options, std::span<const int32_t>());
  const auto check = [=]() -> std::string {
    std::vector<int32_t> ids = allowed(values, options);
    std::ranges::sort(ids);
    for (int draw = 0; draw < 20; ++draw) {
      const int32_t id = sampler->sample(logits).id;
      if (!std::ranges::binary_search(ids, id))
        return fmt::format("id {} is not among the {} allowed", id, ids.size());
    }
    return {};
  };
  return {.run = [=] { benchmark::DoNotOptimize(sampler->sample(logits)); },
          .check = check,
          .work = {.bytes = 4 * static_cast<double>(vocabulary)}};
}

}  // namespace

void register_sampler() {
  const std::vector<std::pair<const char*, GenerateOptions>> chains{
      {"greedy", {}},
      {"top_k_50", {.temperature = 1, .top_k = 50}},
      {"top_p_0.9", {.temperature = 1, .top_p = 0.9F}},
      {"all", {.temperature = 0.8F, .top_k = 100, .top_p = 0.9F, .min_p = 0.05F}},
      {"temperature", {.temperature = 0.8F}},
  };
  for (const auto& [chain, options] : chains)
    for (const int64_t vocabulary : {32000, 262144}) {
      // Logits of a trained model spread over a few units; those of noise lie close together, and
      // then top-p keeps most of the vocabulary.
      add(fmt::format("sampler/{}/{}", chain, vocabulary),
          [=, options = options] { return prepare(vocabulary, 3, options); });
      add(fmt::format("sampler/{}/{}_flat", chain, vocabulary),
          [=, options = options] { return prepare(vocabulary, 1, options); });
    }
}

}  // namespace linnet::bench
