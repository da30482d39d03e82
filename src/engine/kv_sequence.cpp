#include "engine/kv_sequence.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace linnet::engine {

using kernels::kBlockTokens;

namespace {

/// Whether nobody else holds a block. Other holders may have been on other threads; a copy that
/// comes and goes orders what they did to the block before what is done to it from now on.
bool is_only_holder(const KvBlock& block) {
  if (block.use_count() != 1) return false;
  KvBlock(block).reset();
  return true;
}

}  // namespace

int64_t KvSequence::blocks_needed(int64_t window, int64_t max_tokens, int64_t max_step) {
  const int64_t all = ceil_div(max_tokens, kBlockTokens);
  if (window == 0) return all;
  // The oldest visible key may be the last of its block, and the newest the first of its own.
  return std::min(all, ceil_div(window - 1 + max_step, kBlockTokens) + 1);
}

KvSequence::KvSequence(KvPool& pool, int64_t max_tokens, int64_t max_step, Reserve reserve,
                       int64_t go_back)
    : pool_(pool),
      max_tokens_(max_tokens),
      max_step_(std::min(max_step, max_tokens)),
      go_back_(go_back),
      groups_(pool.groups().size()) {
  for (Group& group : groups_)
    group.table.reserve(static_cast<size_t>(ceil_div(max_tokens, kBlockTokens)));
  if (reserve == Reserve::all) this->reserve(max_tokens);
}

void KvSequence::take(std::span<const int64_t> wanted) {
  std::vector<std::vector<KvBlock>> taken(groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) {
    const int64_t missing = wanted[g] - static_cast<int64_t>(groups_[g].spare.size());
    if (missing > 0) taken[g] = pool_.acquire(g, missing);
  }
  for (size_t g = 0; g < groups_.size(); ++g) {
    std::vector<KvBlock>& spare = groups_[g].spare;
    spare.insert(spare.end(), std::make_move_iterator(taken[g].begin()),
                 std::make_move_iterator(taken[g].end()));
  }
}

void KvSequence::reserve(int64_t tokens) {
  std::vector<int64_t> wanted;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const int64_t window = pool_.groups()[g].window;
    wanted.push_back(blocks_needed(window == 0 ? 0 : window + go_back_,
                                   std::min(tokens, max_tokens_), max_step_) -
                     static_cast<int64_t>(groups_[g].used.size()));
  }
  take(wanted);
}

void KvSequence::give_back_reserve() noexcept {
  for (Group& group : groups_) group.spare.clear();
}

std::vector<kernels::KvSequence> KvSequence::extend(int64_t tokens, int64_t first_row) {
  if (tokens < 1 || tokens > max_step_ || length_ + tokens > max_tokens_)
    fail(ErrorCode::internal, "a step of {} tokens after {} in a cache for {} (steps of {})",
         tokens, length_, max_tokens_, max_step_);
  const int64_t blocks = ceil_div(length_ + tokens, kBlockTokens);
  std::vector<int64_t> wanted;
  std::vector<bool> shared;
  for (const Group& group : groups_) {
    shared.push_back(tail_is_shared(group));
    wanted.push_back(std::max<int64_t>(0, blocks - static_cast<int64_t>(group.table.size())) +
                     (shared.back() ? 1 : 0));
  }
  take(wanted);
  std::vector<kernels::KvSequence> result;
  for (size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    if (shared[g]) {
      const auto index = static_cast<size_t>(length_ / kBlockTokens);
      KvBlock& tail = group.used[index - static_cast<size_t>(group.first)];
      KvBlock own = std::move(group.spare.back());
      group.spare.pop_back();
      std::memcpy(own->data(), tail->data(), static_cast<size_t>(own->bytes()));
      group.table[index] = own->data();
      tail = std::move(own);
    }
    while (static_cast<int64_t>(group.table.size()) < blocks) {
      KvBlock& block = group.spare.back();
      std::memset(block->data(), 0, static_cast<size_t>(block->bytes()));
      group.table.push_back(block->data());
      group.used.push_back(std::move(block));
      group.spare.pop_back();
    }
    result.push_back({.first_row = first_row,
                      .rows = tokens,
                      .first_position = length_,
                      .blocks = group.table.data()});
  }
  return result;
}

int64_t KvSequence::oldest(size_t group, int64_t length, int64_t go_back) const {
  const int64_t window = pool_.groups()[group].window;
  // What the next token sees first.
  return window == 0 ? 0 : std::max<int64_t>(0, length - window + 1 - go_back);
}

void KvSequence::advance(int64_t tokens) {
  length_ += tokens;
  for (size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    const int64_t first = oldest(g, length_, go_back_);
    while (!group.used.empty() && (group.first + 1) * kBlockTokens <= first) {
      KvBlock block = std::move(group.used.front());
      group.used.erase(group.used.begin());
      group.table[static_cast<size_t>(group.first++)] = nullptr;
      if (is_only_holder(block)) group.spare.push_back(std::move(block));
    }
  }
}

void KvSequence::adopt(std::span<const std::vector<KvBlock>> blocks, int64_t length) {
  if (length_ != 0 || length > max_tokens_ || blocks.size() != groups_.size() ||
      static_cast<int64_t>(blocks.front().size()) != ceil_div(length, kBlockTokens))
    fail(ErrorCode::internal,
         "blocks of {} groups for {} tokens, in a sequence of {} (of {} at most, {} groups)",
         blocks.size(), length, length_, max_tokens_, groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    for (const KvBlock& block : blocks[g]) {
      group.table.push_back(block ? block->data() : nullptr);
      if (block)
        group.used.push_back(block);
      else
        ++group.first;
    }
  }
  length_ = length;
}

bool KvSequence::tail_is_shared(const Group& group) const {
  if (length_ % kBlockTokens == 0) return false;
  return !is_only_holder(group.used[static_cast<size_t>(length_ / kBlockTokens - group.first)]);
}

std::unique_ptr<KvSequence> KvSequence::fork(int64_t length, int64_t max_tokens,
                                             int64_t max_step) const {
  if (length > length_ || length > max_tokens)
    fail(ErrorCode::internal, "{} tokens of a sequence of {} for one of {}", length, length_,
         max_tokens);
  auto result =
      std::make_unique<KvSequence>(pool_, max_tokens, max_step, Reserve::nothing, go_back_);
  const int64_t blocks = ceil_div(length, kBlockTokens);
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& from = groups_[g];
    Group& to = result->groups_[g];
    if (oldest(g, length, 0) / kBlockTokens < from.first &&
        oldest(g, length, 0) / kBlockTokens < blocks)
      return nullptr;
    to.first = std::min(std::max(from.first, oldest(g, length, go_back_) / kBlockTokens), blocks);
    to.table.assign(static_cast<size_t>(to.first), nullptr);
    for (int64_t i = to.first; i < blocks; ++i) {
      to.used.push_back(from.used[static_cast<size_t>(i - from.first)]);
      to.table.push_back(to.used.back()->data());
    }
  }
  result->length_ = length;
  return result;
}

KvBlock KvSequence::block(size_t group, int64_t index) const {
  const Group& of = groups_[group];
  if (index < of.first) return nullptr;
  return of.used[static_cast<size_t>(index - of.first)];
}

}  // namespace linnet::engine
