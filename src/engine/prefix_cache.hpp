// Keys and values of prompts that others may begin with too.
//
// A tree for each adapter, and one for none: a node is a full block of 32 tokens after those of its
// parent, and holds the block of each cache group. Tokens are compared, not hashes of them, so a
// hit is never a mistake; and because a position's keys and values do not depend on how they were
// computed (docs/numerics.md), a hit changes no bit of an answer. Node and running sequences share
// the blocks.
//
// Bounded in bytes: the least recently used prefix goes first, longest first.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kv_pool.hpp"
#include "kernels/attention.hpp"

namespace linnet::engine {

class KvSequence;

/// Not thread-safe: the engine thread's.
class PrefixCache {
 public:
  /// Blocks of `pool`, of at most `budget_bytes`; 0: none are kept.
  PrefixCache(KvPool& pool, int64_t budget_bytes);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// Gives an empty sequence the longest prefix of `ids` that is here, and leaves at least one
  /// token to be computed. Returns its tokens, a multiple of 32. `adapter`: the key of the adapter
  /// that computes them (nn::Adapter::key); empty: none.
  int64_t fill(KvSequence& sequence, std::span<const int32_t> ids, const std::string& adapter = {});

  /// Keeps the full blocks of a sequence, which holds `ids`, from the block `first` on. Blocks
  /// before it are expected to be here; if one has gone meanwhile, nothing is kept.
  void keep(const KvSequence& sequence, std::span<const int32_t> ids, int64_t first,
            const std::string& adapter = {});

  /// Lets the least recently used block go. False if there is none. (Its memory is free once no
  /// sequence uses it either.)
  bool evict_one();

  [[nodiscard]] int64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] int64_t blocks() const noexcept { return static_cast<int64_t>(used_.size()); }

 private:
  using Tokens = std::array<int32_t, kernels::kBlockTokens>;
  struct Node {
    Node* parent = nullptr;
    Tokens tokens{};
    std::vector<KvBlock> blocks;  // [group]
    std::map<Tokens, std::unique_ptr<Node>> children;
    std::list<Node*>::iterator use;
  };

  static Tokens tokens_at(std::span<const int32_t> ids, int64_t block);
  /// The nodes of the longest prefix of full blocks that is here, in order.
  static std::vector<Node*> path(const Node& root, std::span<const int32_t> ids);
  /// Makes the nodes of a path the most recently used ones, the first of them most of all: so the
  /// last in use_ never has children.
  void touch(std::span<Node* const> nodes);

  KvPool& pool_;
  int64_t budget_bytes_;
  int64_t node_bytes_ = 0;
  int64_t bytes_ = 0;
  std::map<std::string, Node> roots_;  // by adapter; an empty tree stays until something is kept
  std::list<Node*> used_;              // most recently used first
};

}  // namespace linnet::engine
