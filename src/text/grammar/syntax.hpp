// What every kind of grammar is written as: rules over bytes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/code_points.hpp"

namespace linnet::text::grammar {

using NodeId = uint32_t;
using RuleId = uint32_t;
/// Of a repeat: no upper bound.
inline constexpr uint32_t kUnbounded = UINT32_MAX;
/// The largest count that a repeat may have.
inline constexpr uint32_t kLargestCount = 1'000'000'000;

struct Node {
  enum class Kind : uint8_t {
    bytes,     ///< one byte of a set (index `a`)
    literal,   ///< bytes [a, a + b) of the literals
    sequence,  ///< children [a, a + b), one after another; none: the empty text
    choice,    ///< any of the children [a, a + b); none: no text at all
    repeat,    ///< node `a`, min to max times
    call,      ///< rule `a`
  };
  Kind kind = Kind::sequence;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t min = 0;
  uint32_t max = 0;
};

/// A grammar's rules. A node may be used in several places. Building one is bounded: a syntax that
/// passes kMaxNodes is refused.
class Syntax {
 public:
  static constexpr size_t kMaxNodes = 500'000;  ///< nodes, children and bytes of literals, each

  NodeId bytes(const ByteSet& set);
  NodeId literal(std::string_view text);
  NodeId empty() { return sequence({}); }
  NodeId nothing() { return choice({}); }
  NodeId sequence(std::span<const NodeId> children);
  NodeId choice(std::span<const NodeId> children);
  NodeId sequence(std::initializer_list<NodeId> c) { return sequence(std::span(c)); }
  NodeId choice(std::initializer_list<NodeId> c) { return choice(std::span(c)); }
  /// Between `min` and `max` (or kUnbounded) times. Errors: invalid_argument for max < min;
  /// unsupported for counts past kLargestCount.
  NodeId repeat(NodeId node, uint32_t min, uint32_t max);
  NodeId optional(NodeId node) { return repeat(node, 0, 1); }
  NodeId star(NodeId node) { return repeat(node, 0, kUnbounded); }
  NodeId call(RuleId rule);
  /// One character of a set, as UTF-8.
  NodeId characters(const CodePoints& set);

  /// A rule without a body yet; `name` is for messages.
  RuleId rule(std::string name);
  void define(RuleId rule, NodeId body);

  RuleId root = 0;

  struct Rule {
    std::string name;
    NodeId body = UINT32_MAX;  // not defined
  };
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
  [[nodiscard]] size_t size() const { return nodes_.size(); }
  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
  /// Of a sequence or a choice.
  [[nodiscard]] std::span<const NodeId> children(const Node& node) const {
    return {children_.data() + node.a, node.b};
  }
  [[nodiscard]] std::string_view text(const Node& node) const {
    return std::string_view(literals_).substr(node.a, node.b);
  }
  [[nodiscard]] const ByteSet& set(const Node& node) const { return sets_[node.a]; }

 private:
  NodeId add(Node node);
  NodeId list(Node::Kind kind, std::span<const NodeId> children);

  std::vector<Node> nodes_;
  std::vector<NodeId> children_;
  std::string literals_;
  std::vector<ByteSet> sets_;
  std::map<std::string, uint32_t> set_ids_;
  std::vector<Rule> rules_;
  std::map<std::vector<std::pair<char32_t, char32_t>>, NodeId> characters_;
};

/// What is true of every node, found in one linear pass over their dependence.
struct Analysis {
  std::vector<bool> nullable;    ///< by node: may be the empty text
  std::vector<bool> productive;  ///< by node: is some text at all
};

/// Errors: invalid_argument if the root matches no text, or naming a rule that is left-recursive
/// and the rules on the way. Every rule must be defined.
Analysis analyze(const Syntax& syntax);

}  // namespace linnet::text::grammar
