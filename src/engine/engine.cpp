#include "engine/engine.hpp"

#include <algorithm>
#include <numeric>

#include "engine/kv_sequence.hpp"

namespace linnet::engine {

Engine::Engine(std::unique_ptr<models::Model> model, int64_t context_length,
               std::unordered_set<int32_t> eos_ids, int64_t workspace_bytes)
    : model_(std::move(model)),
      pool_(model_->device(), model_->cache_groups(), workspace_bytes),
      context_length_(context_length),
      eos_ids_(std::move(eos_ids)) {}

Array Engine::forward(const nn::Batch& batch) {
  const std::scoped_lock lock(step_);
  return model_->forward(batch);
}

void Engine::check_ids(std::span<const int32_t> ids) const {
  require(!ids.empty(), "the prompt has no tokens");
  const auto count = static_cast<int64_t>(ids.size());
  require(count <= context_length_, "the prompt has {} tokens, the context takes {}", count,
          context_length_);
  check_vocabulary(ids);
}

void Engine::check_vocabulary(std::span<const int32_t> ids) const {
  const int64_t vocabulary = model_->config().vocab_size;
  for (const int32_t id : ids)
    require(id >= 0 && id < vocabulary, "token id {} is outside 0..{}", id, vocabulary - 1);
}

std::vector<float> Engine::logits(std::span<const int32_t> ids) {
  check_ids(ids);
  KvSequence cache(pool_, static_cast<int64_t>(ids.size()), kPrefillChunk);
  std::vector<float> result;
  result.reserve(ids.size() * static_cast<size_t>(model_->config().vocab_size));
  // Rows are copied out chunk by chunk; fewer at a time than in a prefill, for each brings V
  // logits.
  constexpr int64_t kRows = 64;
  while (cache.length() < static_cast<int64_t>(ids.size())) {
    const int64_t start = cache.length();
    const int64_t count = std::min<int64_t>(kRows, static_cast<int64_t>(ids.size()) - start);
    const auto chunk = ids.subspan(static_cast<size_t>(start), static_cast<size_t>(count));
    const Array rows = forward(single_batch(chunk, start, cache.extend(count, 0), true));
    cache.advance(count);
    result.insert(result.end(), rows.data<float>(), rows.data<float>() + rows.size());
  }
  return result;
}

nn::Batch single_batch(std::span<const int32_t> ids, int64_t first_position,
                       std::span<const kernels::KvSequence> groups, bool all_logits) {
  nn::Batch batch;
  batch.ids.assign(ids.begin(), ids.end());
  batch.positions.resize(ids.size());
  std::iota(batch.positions.begin(), batch.positions.end(), first_position);
  batch.logit_rows = {static_cast<int32_t>(ids.size()) - 1};
  if (all_logits) {
    batch.logit_rows.resize(ids.size());
    std::iota(batch.logit_rows.begin(), batch.logit_rows.end(), 0);
  }
  for (const kernels::KvSequence& group : groups) batch.sequences.push_back({group});
  return batch;
}

}  // namespace linnet::engine
