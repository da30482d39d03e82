#include "engine/kv_sequence.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace linnet::engine {

using kernels::kBlockTokens;

int64_t KvSequence::blocks_needed(int64_t window, int64_t max_tokens, int64_t max_step) {
  const int64_t all = ceil_div(max_tokens, kBlockTokens);
  if (window == 0) return all;
  // The oldest visible key may be the last of its block, and the newest the first of its own.
  return std::min(all, ceil_div(window - 1 + max_step, kBlockTokens) + 1);
}

KvSequence::KvSequence(KvPool& pool, int64_t max_tokens, int64_t max_step)
    : pool_(pool),
      max_tokens_(max_tokens),
      max_step_(std::min(max_step, max_tokens)),
      groups_(pool.groups().size()) {
  try {
    for (size_t g = 0; g < groups_.size(); ++g) {
      const int64_t blocks = blocks_needed(pool.groups()[g].window, max_tokens, max_step_);
      groups_[g].spare = pool.acquire(g, blocks);
      groups_[g].used.reserve(static_cast<size_t>(blocks));
      groups_[g].table.reserve(static_cast<size_t>(ceil_div(max_tokens, kBlockTokens)));
    }
  } catch (...) {
    for (size_t g = 0; g < groups_.size(); ++g)
      for (KvBlock& block : groups_[g].spare) pool_.release(g, std::move(block));
    throw;
  }
}

KvSequence::~KvSequence() {
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (KvBlock& block : groups_[g].used) pool_.release(g, std::move(block));
    for (KvBlock& block : groups_[g].spare) pool_.release(g, std::move(block));
  }
}

std::vector<kernels::KvSequence> KvSequence::extend(int64_t tokens, int64_t first_row) {
  if (tokens < 1 || tokens > max_step_ || length_ + tokens > max_tokens_)
    fail(ErrorCode::internal, "a step of {} tokens after {} in a cache for {} (steps of {})",
         tokens, length_, max_tokens_, max_step_);
  std::vector<kernels::KvSequence> result;
  for (Group& group : groups_) {
    while (static_cast<int64_t>(group.table.size()) * kBlockTokens < length_ + tokens) {
      group.table.push_back(group.spare.back()->data());
      group.used.push_back(std::move(group.spare.back()));
      group.spare.pop_back();
    }
    result.push_back({.first_row = first_row,
                      .rows = tokens,
                      .first_position = length_,
                      .blocks = group.table.data()});
  }
  return result;
}

void KvSequence::advance(int64_t tokens) {
  length_ += tokens;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const int64_t window = pool_.groups()[g].window;
    if (window == 0) continue;
    Group& group = groups_[g];
    // The next token sees positions from here on.
    const int64_t oldest = std::max<int64_t>(0, length_ - window + 1);
    while (!group.used.empty() && (group.first + 1) * kBlockTokens <= oldest) {
      KvBlock& block = group.used.front();
      std::memset(block->data(), 0, static_cast<size_t>(block->bytes()));
      group.table[static_cast<size_t>(group.first)] = nullptr;
      group.spare.push_back(std::move(block));
      group.used.erase(group.used.begin());
      ++group.first;
    }
  }
}

}  // namespace linnet::engine
