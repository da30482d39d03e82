#include "text/grammar/syntax.hpp"

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::text::grammar {
namespace {

void check_size(size_t size, const char* what) {
  if (size > Syntax::kMaxNodes)
    fail(ErrorCode::unsupported, "grammar: more than {} {}", Syntax::kMaxNodes, what);
}

// The nodes that a property spreads to: all that name a node, as lists in one array.
class Parents {
 public:
  explicit Parents(const Syntax& syntax) : begin_(syntax.size() + 1) {
    each_edge(syntax, [&](NodeId, NodeId child) { ++begin_[child + 1]; });
    for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    parents_.resize(begin_.back());
    std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
    each_edge(syntax, [&](NodeId parent, NodeId child) { parents_[next[child]++] = parent; });
  }
  [[nodiscard]] std::span<const NodeId> of(NodeId node) const {
    return {parents_.data() + begin_[node], begin_[node + 1] - begin_[node]};
  }

 private:
  template <class Edge>
  static void each_edge(const Syntax& syntax, const Edge& edge) {
    for (NodeId id = 0; id < syntax.size(); ++id) {
      const Node& node = syntax.node(id);
      if (node.kind == Node::Kind::sequence || node.kind == Node::Kind::choice) {
        for (const NodeId child : syntax.children(node)) edge(id, child);
      } else if (node.kind == Node::Kind::repeat) {
        edge(id, node.a);
      } else if (node.kind == Node::Kind::call) {
        edge(id, syntax.rules()[node.a].body);
      }
    }
  }

  std::vector<uint32_t> begin_;
  std::vector<NodeId> parents_;
};

// The least property that holds of the leaves for which `leaf` says so, of a sequence if it holds
// of all children, of a choice if of one, of a repeat if it may happen no times or it holds of what
// is repeated.
std::vector<bool> spread(const Syntax& syntax, const Parents& parents,
                         const std::function<bool(const Node&)>& leaf) {
  std::vector<bool> holds(syntax.size());
  std::vector<uint32_t> missing(syntax.size(), 1);
  std::vector<NodeId> todo;
  const auto set = [&](NodeId id) {
    if (holds[id]) return;
    holds[id] = true;
    todo.push_back(id);
  };
  for (NodeId id = 0; id < syntax.size(); ++id) {
    const Node& node = syntax.node(id);
    switch (node.kind) {
      case Node::Kind::bytes:
      case Node::Kind::literal:
        if (leaf(node)) set(id);
        break;
      case Node::Kind::sequence:
        missing[id] = node.b;
        if (node.b == 0) set(id);
        break;
      case Node::Kind::repeat:
        if (node.min == 0) set(id);
        break;
      default: break;
    }
  }
  while (!todo.empty()) {
    const NodeId id = todo.back();
    todo.pop_back();
    for (const NodeId parent : parents.of(id))
      if (!holds[parent] && --missing[parent] == 0) set(parent);
  }
  return holds;
}

// Looks for a way from a rule to itself on which no byte is read.
class LeftRecursion {
 public:
  LeftRecursion(const Syntax& syntax, const Analysis& analysis)
      : syntax_(syntax), analysis_(analysis), color_(syntax.size()) {}

  void check(NodeId start) {
    open(start);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == step.children.size()) {
        color_[step.node] = 2;
        path_.pop_back();
        continue;
      }
      const NodeId child = step.children[step.next++];
      if (color_[child] == 1) report(child);
      if (color_[child] == 0) open(child);
    }
  }

 private:
  struct Step {
    NodeId node;
    std::vector<NodeId> children;
    size_t next = 0;
  };

  void open(NodeId id) {
    color_[id] = 1;
    Step step{id, {}, 0};
    const Node& node = syntax_.node(id);
    switch (node.kind) {
      case Node::Kind::sequence:
        for (const NodeId child : syntax_.children(node)) {
          step.children.push_back(child);
          if (!analysis_.nullable[child]) break;
        }
        break;
      case Node::Kind::choice:
        step.children.assign(syntax_.children(node).begin(), syntax_.children(node).end());
        break;
      case Node::Kind::repeat: step.children = {node.a}; break;
      case Node::Kind::call: step.children = {syntax_.rules()[node.a].body}; break;
      default: break;
    }
    path_.push_back(std::move(step));
  }

  [[noreturn]] void report(NodeId again) const {
    std::vector<std::string> names;
    bool inside = false;
    std::string first;
    for (const Step& step : path_) {
      inside |= step.node == again;
      const Node& node = syntax_.node(step.node);
      if (inside && node.kind == Node::Kind::call) names.push_back(syntax_.rules()[node.a].name);
    }
    std::string way = printable(names.back());
    for (size_t i = 0; i < names.size() && i < 10; ++i)
      way += " -> " + (names.size() > 10 && i == 9 ? "..." : printable(names[i]));
    fail(ErrorCode::invalid_argument,
         "grammar: rule \"{}\" is left-recursive ({}): it may call itself before it reads anything",
         printable(names.back()), way);
  }

  const Syntax& syntax_;
  const Analysis& analysis_;
  std::vector<uint8_t> color_;  // 0 not seen, 1 on the path, 2 done
  std::vector<Step> path_;
};

}  // namespace

NodeId Syntax::add(Node node) {
  check_size(nodes_.size() + 1, "nodes");
  nodes_.push_back(node);
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Syntax::bytes(const ByteSet& set) {
  const auto [found, is_new] =
      set_ids_.emplace(set.to_string(), static_cast<uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(set);
  return add({.kind = Node::Kind::bytes, .a = found->second});
}

NodeId Syntax::literal(std::string_view text) {
  if (text.empty()) return empty();
  check_size(literals_.size() + text.size(), "bytes of literals");
  const auto begin = static_cast<uint32_t>(literals_.size());
  literals_ += text;
  return add({.kind = Node::Kind::literal, .a = begin, .b = static_cast<uint32_t>(text.size())});
}

NodeId Syntax::list(Node::Kind kind, std::span<const NodeId> children) {
  if (children.size() == 1) return children.front();
  check_size(children_.size() + children.size(), "parts");
  const auto begin = static_cast<uint32_t>(children_.size());
  children_.insert(children_.end(), children.begin(), children.end());
  return add({.kind = kind, .a = begin, .b = static_cast<uint32_t>(children.size())});
}

NodeId Syntax::sequence(std::span<const NodeId> children) {
  return list(Node::Kind::sequence, children);
}

NodeId Syntax::choice(std::span<const NodeId> children) {
  return list(Node::Kind::choice, children);
}

NodeId Syntax::repeat(NodeId node, uint32_t min, uint32_t max) {
  require(min <= max, "grammar: a repeat of at least {} and at most {}", min, max);
  if (min > kLargestCount || (max != kUnbounded && max > kLargestCount))
    fail(ErrorCode::unsupported, "grammar: a repeat of more than {}", kLargestCount);
  if (max == 0) return empty();
  if (min == 1 && max == 1) return node;
  return add({.kind = Node::Kind::repeat, .a = node, .min = min, .max = max});
}

NodeId Syntax::call(RuleId rule) { return add({.kind = Node::Kind::call, .a = rule}); }

NodeId Syntax::characters(const CodePoints& set) {
  std::vector<std::pair<char32_t, char32_t>> key;
  for (const CodePoints::Range& r : set.ranges()) key.emplace_back(r.first, r.last);
  if (const auto found = characters_.find(key); found != characters_.end()) return found->second;
  std::vector<NodeId> choices;
  for (const auto& sequence : utf8_sequences(set)) {
    std::vector<NodeId> parts;
    for (const ByteSet& part : sequence) parts.push_back(bytes(part));
    choices.push_back(this->sequence(parts));
  }
  const NodeId id = choice(choices);
  characters_.emplace(std::move(key), id);
  return id;
}

RuleId Syntax::rule(std::string name) {
  check_size(rules_.size() + 1, "rules");
  rules_.push_back({.name = std::move(name)});
  return static_cast<RuleId>(rules_.size() - 1);
}

void Syntax::define(RuleId rule, NodeId body) { rules_[rule].body = body; }

Analysis analyze(const Syntax& syntax) {
  const Parents parents(syntax);
  Analysis result;
  result.nullable = spread(syntax, parents, [](const Node&) { return false; });
  result.productive = spread(syntax, parents, [&](const Node& node) {
    return node.kind == Node::Kind::literal || syntax.set(node).any();
  });
  const NodeId root = syntax.rules()[syntax.root].body;
  require(result.productive[root],
          "grammar: no text matches rule \"{}\": whatever is chosen, it never ends",
          printable(syntax.rules()[syntax.root].name));
  LeftRecursion recursion(syntax, result);
  for (const Syntax::Rule& rule : syntax.rules()) recursion.check(rule.body);
  return result;
}

}  // namespace linnet::text::grammar
