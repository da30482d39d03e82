// Labels as token sequences: which rows of logits score them all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace linnet::engine {

/// A label's log-probability after a prompt is the sum of its tokens', each given those before it.
/// Labels that begin alike share the rows of what they share: there is one node for each beginning
/// that some label goes on from. Immutable.
class LabelTrie {
 public:
  /// A token of some label, scored by the row of the node.
  struct Edge {
    size_t label;
    int32_t token;
  };
  struct Node {
    std::vector<int32_t> path;  ///< the beginning; empty: the prompt's own last row
    std::vector<Edge> edges;
  };
  /// Tokens to be fed after the prompt, and the node of each of their rows.
  struct Branch {
    std::vector<int32_t> tokens;
    std::vector<const Node*> nodes;  ///< [tokens]; null where another branch has the row
  };

  /// Errors: invalid_argument if there is none, one is empty, or two are the same.
  explicit LabelTrie(std::vector<std::vector<int32_t>> labels);
  LabelTrie(const LabelTrie&) = delete;
  LabelTrie& operator=(const LabelTrie&) = delete;

  [[nodiscard]] size_t labels() const noexcept { return labels_.size(); }
  [[nodiscard]] const std::vector<int32_t>& label(size_t index) const { return labels_[index]; }
  /// What the prompt's last row scores: the first token of every label.
  [[nodiscard]] const Node& root() const noexcept { return nodes_.front(); }
  /// The rest, with as few tokens as there are beginnings; none if all labels are single tokens.
  [[nodiscard]] const std::vector<Branch>& branches() const noexcept { return branches_; }

 private:
  std::vector<std::vector<int32_t>> labels_;
  std::vector<Node> nodes_;
  std::vector<Branch> branches_;
};

}  // namespace linnet::engine
