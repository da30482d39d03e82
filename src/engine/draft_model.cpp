#include "engine/draft_model.hpp"

#include <algorithm>

#include "engine/engine.hpp"
#include "ops/reduce.hpp"

namespace linnet::engine {

namespace {

/// Tokens that may turn out to be wrong: what they pushed out of a window is kept so long.
constexpr int64_t kGoBack = 32;

}  // namespace

/// The greedy continuation of the draft model.
class ModelDrafter final : public Drafter {
 public:
  explicit ModelDrafter(DraftModel& draft) : draft_(draft) {}

  std::vector<int32_t> guess(std::span<const int32_t> ids, int64_t most) override {
    const auto size = static_cast<int64_t>(ids.size());
    if (size + most > draft_.context_length_) return {};
    std::vector<int32_t> result;
    try {
      if (!go_back(ids)) begin();
      // Of a long prompt, a piece at a time: others wait meanwhile.
      const int64_t behind = size - static_cast<int64_t>(fed_.size());
      const int64_t piece = std::min(behind, kPrefillChunk);
      int32_t next = feed(ids.subspan(fed_.size(), static_cast<size_t>(piece)));
      if (piece < behind) return {};
      while (true) {
        result.push_back(next);
        if (static_cast<int64_t>(result.size()) == most) break;
        next = feed({&next, 1});
      }
    } catch (const Error&) {
      // Without memory there is nothing to guess with; what is there may serve others.
      cache_.reset();
      fed_.clear();
    }
    return result;
  }

 private:
  void begin() {
    cache_ = std::make_unique<KvSequence>(draft_.pool_, draft_.context_length_, kPrefillChunk,
                                          KvSequence::Reserve::nothing, kGoBack);
    fed_.clear();
  }

  /// Forgets what was fed and did not come true. The last token is always fed again: its row is
  /// what the first guess comes from. False if there is nothing to go on from.
  bool go_back(std::span<const int32_t> ids) {
    if (!cache_) return false;
    const auto known = ids.first(ids.size() - 1);
    const auto same = static_cast<size_t>(std::ranges::mismatch(fed_, known).in1 - fed_.begin());
    if (same == 0) return false;
    if (same < fed_.size()) {
      auto shorter =
          cache_->fork(static_cast<int64_t>(same), draft_.context_length_, kPrefillChunk);
      if (!shorter) return false;
      cache_ = std::move(shorter);
      fed_.resize(same);
    }
    return true;
  }

  int32_t feed(std::span<const int32_t> ids) {
    const int64_t start = cache_->length();
    const auto groups = cache_->extend(static_cast<int64_t>(ids.size()), 0);
    const Array logits = draft_.model_->forward(single_batch(ids, start, groups, false));
    cache_->advance(static_cast<int64_t>(ids.size()));
    fed_.insert(fed_.end(), ids.begin(), ids.end());
    return static_cast<int32_t>(ops::argmax(logits).item<int64_t>());
  }

  DraftModel& draft_;
  std::unique_ptr<KvSequence> cache_;
  std::vector<int32_t> fed_;  // what the cache holds
};

DraftModel::DraftModel(std::unique_ptr<models::Model> model, int64_t cache_bytes,
                       int64_t context_length)
    : model_(std::move(model)),
      pool_(model_->device(), model_->cache_groups(), KvPool::Budget{cache_bytes}),
      context_length_(context_length) {}

std::unique_ptr<Drafter> DraftModel::new_drafter() { return std::make_unique<ModelDrafter>(*this); }

}  // namespace linnet::engine
