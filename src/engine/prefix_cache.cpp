#include "engine/prefix_cache.hpp"

#include <algorithm>

#include "engine/kv_sequence.hpp"

namespace linnet::engine {

using kernels::kBlockTokens;

PrefixCache::PrefixCache(KvPool& pool, int64_t budget_bytes)
    : pool_(pool), budget_bytes_(budget_bytes) {
  for (size_t g = 0; g < pool.groups().size(); ++g) node_bytes_ += pool.block_bytes(g);
}

PrefixCache::~PrefixCache() {
  // One by one: a chain of nodes would be destroyed by recursion as deep as it is long.
  while (evict_one()) {
  }
}

PrefixCache::Tokens PrefixCache::tokens_at(std::span<const int32_t> ids, int64_t block) {
  Tokens tokens;
  std::ranges::copy(ids.subspan(static_cast<size_t>(block * kBlockTokens), tokens.size()),
                    tokens.begin());
  return tokens;
}

std::vector<PrefixCache::Node*> PrefixCache::path(const Node& root, std::span<const int32_t> ids) {
  std::vector<Node*> nodes;
  const Node* node = &root;
  const int64_t blocks = static_cast<int64_t>(ids.size()) / kBlockTokens;
  while (static_cast<int64_t>(nodes.size()) < blocks) {
    const auto child = node->children.find(tokens_at(ids, static_cast<int64_t>(nodes.size())));
    if (child == node->children.end()) break;
    node = child->second.get();
    nodes.push_back(child->second.get());
  }
  return nodes;
}

void PrefixCache::touch(std::span<Node* const> nodes) {
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
    used_.splice(used_.begin(), used_, (*node)->use);
}

int64_t PrefixCache::fill(KvSequence& sequence, std::span<const int32_t> ids,
                          const std::string& adapter) {
  const auto root = roots_.find(adapter);
  if (root == roots_.end()) return 0;
  const std::vector<Node*> nodes = path(root->second, ids.first(ids.size() - 1));
  if (nodes.empty()) return 0;
  touch(nodes);
  const auto length = static_cast<int64_t>(nodes.size()) * kBlockTokens;
  std::vector<std::vector<KvBlock>> blocks(pool_.groups().size());
  for (size_t g = 0; g < blocks.size(); ++g) {
    const int64_t window = pool_.groups()[g].window;
    const int64_t oldest = window == 0 ? 0 : std::max<int64_t>(0, length - window + 1);
    for (size_t i = 0; i < nodes.size(); ++i)
      blocks[g].push_back(
          (static_cast<int64_t>(i) + 1) * kBlockTokens > oldest ? nodes[i]->blocks[g] : nullptr);
  }
  sequence.adopt(blocks, length);
  return length;
}

void PrefixCache::keep(const KvSequence& sequence, std::span<const int32_t> ids, int64_t first,
                       const std::string& adapter) {
  if (budget_bytes_ == 0) return;
  std::erase_if(roots_, [](const auto& root) { return root.second.children.empty(); });
  Node& root = roots_[adapter];
  const int64_t full = static_cast<int64_t>(ids.size()) / kBlockTokens;
  std::vector<Node*> nodes = path(root, ids.first(static_cast<size_t>(full * kBlockTokens)));
  for (auto index = static_cast<int64_t>(nodes.size()); index < full; ++index) {
    if (index < first || bytes_ + node_bytes_ > budget_bytes_) {
      // The path itself must not be what makes room for its continuation.
      touch(nodes);
      if (index < first || node_bytes_ > budget_bytes_ - node_bytes_ * index) return;
      while (bytes_ + node_bytes_ > budget_bytes_) evict_one();
    }
    auto node = std::make_unique<Node>();
    Node* parent = nodes.empty() ? &root : nodes.back();
    node->parent = parent;
    node->tokens = tokens_at(ids, index);
    for (size_t g = 0; g < pool_.groups().size(); ++g) {
      node->blocks.push_back(sequence.block(g, index));
      // Behind the window already: it cannot be continued from here.
      if (!node->blocks.back()) return touch(nodes);
    }
    nodes.push_back(node.get());
    std::list<Node*> use{node.get()};
    node->use = use.begin();
    parent->children.emplace(node->tokens, std::move(node));
    used_.splice(used_.begin(), use);
    bytes_ += node_bytes_;
  }
  touch(nodes);
}

bool PrefixCache::evict_one() {
  if (used_.empty()) return false;
  Node* node = used_.back();
  used_.pop_back();
  bytes_ -= node_bytes_;
  const Tokens key = node->tokens;
  node->parent->children.erase(key);
  return true;
}

}  // namespace linnet::engine
