#include "engine/label_trie.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"

namespace linnet::engine {

LabelTrie::LabelTrie(std::vector<std::vector<int32_t>> labels) : labels_(std::move(labels)) {
  require(!labels_.empty(), "there are no labels");
  std::map<std::vector<int32_t>, std::vector<Edge>> edges{{{}, {}}};
  std::set<std::vector<int32_t>> seen;
  for (size_t i = 0; i < labels_.size(); ++i) {
    const std::vector<int32_t>& label = labels_[i];
    require(!label.empty(), "label {} has no tokens", i);
    require(seen.insert(label).second, "label {} has the same tokens as an earlier one", i);
    for (size_t k = 0; k < label.size(); ++k)
      edges[{label.begin(), label.begin() + static_cast<int64_t>(k)}].push_back(
          {.label = i, .token = label[k]});
  }
  // In lexicographic order, so a path is followed by those that it begins.
  nodes_.reserve(edges.size());
  for (auto& [path, of] : edges) nodes_.push_back({.path = path, .edges = std::move(of)});
  const auto begins = [](const Node& a, const Node& b) {
    return a.path.size() <= b.path.size() &&
           std::equal(a.path.begin(), a.path.end(), b.path.begin());
  };
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (i + 1 < nodes_.size() && begins(nodes_[i], nodes_[i + 1])) continue;
    Branch branch{.tokens = nodes_[i].path, .nodes = {}};
    branch.nodes.resize(branch.tokens.size());
    branches_.push_back(std::move(branch));
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const auto first = std::ranges::find_if(branches_, [&](const Branch& branch) {
      return node.path.size() <= branch.tokens.size() &&
             std::equal(node.path.begin(), node.path.end(), branch.tokens.begin());
    });
    first->nodes[node.path.size() - 1] = &node;
  }
}

}  // namespace linnet::engine
