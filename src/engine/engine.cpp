#include "engine/engine.hpp"

#include <algorithm>
#include <numeric>

#include "base/checksum.hpp"
#include "engine/read_job.hpp"

namespace linnet::engine {

Engine::Engine(std::unique_ptr<models::Model> model, EngineOptions options)
    : model_(std::move(model)),
      pool_(model_->device(), model_->cache_groups(), options.workspace_bytes),
      context_length_(options.context_length),
      eos_ids_(std::move(options.eos_ids)),
      draft_(std::move(options.draft)),
      adapter_(std::move(options.adapter)),
      scheduler_(*this, options.scheduler) {}

std::unique_ptr<Drafter> Engine::new_drafter() {
  if (draft_) return draft_->new_drafter();
  return std::make_unique<LookupDrafter>();
}

Array Engine::forward(const nn::Batch& batch) {
  const std::scoped_lock lock(step_);
  return model_->forward(batch);
}

Array Engine::states(const nn::Batch& batch) {
  const std::scoped_lock lock(step_);
  return model_->states(batch);
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

std::vector<float> Engine::logits(std::span<const int32_t> ids,
                                  std::shared_ptr<const nn::Adapter> adapter) {
  check_ids(ids);
  std::vector<float> result;
  result.reserve(ids.size() * static_cast<size_t>(model_->config().vocab_size));
  const auto job = std::make_shared<ReadJob>(
      std::vector<int32_t>(ids.begin(), ids.end()), 0, Output::logits,
      Job::Terms{.adapter = std::move(adapter)}, [&result](int64_t /*position*/, const Array& row) {
        const float* values = row.data<float>();
        result.insert(result.end(), values, values + row.size());
      });
  scheduler_.submit_when_possible(job);
  job->wait();
  return result;
}

std::string Engine::fingerprint() {
  const std::scoped_lock lock(fingerprint_mutex_);
  if (!fingerprint_.empty()) return fingerprint_;
  const models::DecoderConfig& c = model_->config();
  Checksum checksum;
  checksum.add(fmt::format("{} {} {} {} {}", c.vocab_size, c.hidden_size, c.num_hidden_layers,
                           c.num_key_value_heads, c.head_dim));
  // From all over the vocabulary, and long enough for attention to matter.
  const int64_t count = std::min<int64_t>(16, context_length_);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(c.vocab_size * i / count));
  const auto job = std::make_shared<ReadJob>(
      ids, 0, Output::logits, Job::Terms{.keep_prefix = false},
      [&](int64_t /*position*/, const Array& row) {
        checksum.add(std::as_bytes(std::span(row.data<float>(), static_cast<size_t>(row.size()))));
      });
  scheduler_.submit_when_possible(job);
  job->wait();
  return fingerprint_ = checksum.hex();
}

nn::Batch single_batch(std::span<const int32_t> ids, int64_t first_position,
                       std::span<const kernels::KvSequence> groups, bool all_logits,
                       const nn::Adapter* adapter) {
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
  if (adapter != nullptr)
    batch.adapters = {{.rows = static_cast<int64_t>(ids.size()), .adapter = adapter}};
  return batch;
}

}  // namespace linnet::engine
