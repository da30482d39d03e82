// What a grammar means, in the plainest way there is: which positions each node may lead to. Shares
// nothing with the automaton but the syntax tree.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "text/grammar/syntax.hpp"

namespace linnet::test {

/// Only for syntax whose every node is productive and that has no left recursion.
class Recognizer {
 public:
  explicit Recognizer(const text::grammar::Syntax& syntax) : syntax_(syntax) {}

  /// Whether some text of the language begins with this one.
  bool viable(std::string_view text) {
    run(text);
    return wanted_more_ || complete_;
  }
  bool matches(std::string_view text) {
    run(text);
    return complete_;
  }

 private:
  using Ends = std::set<size_t>;

  void run(std::string_view text) {
    text_ = text;
    known_.clear();
    wanted_more_ = false;
    complete_ = ends(syntax_.rules()[syntax_.root].body, 0).contains(text.size());
  }

  const Ends& ends(text::grammar::NodeId id, size_t from) {
    const auto found = known_.find({id, from});
    if (found != known_.end()) return found->second;
    Ends result = find(syntax_.node(id), from);
    return known_[{id, from}] = std::move(result);
  }

  Ends find(const text::grammar::Node& node, size_t from) {
    using Kind = text::grammar::Node::Kind;
    Ends result;
    switch (node.kind) {
      case Kind::bytes:
        if (from == text_.size())
          wanted_more_ = true;
        else if (syntax_.set(node)[static_cast<unsigned char>(text_[from])])
          result.insert(from + 1);
        break;
      case Kind::literal: {
        const std::string_view literal = syntax_.text(node);
        const std::string_view rest = text_.substr(from, literal.size());
        if (rest == literal)
          result.insert(from + literal.size());
        else if (from + rest.size() == text_.size() && literal.starts_with(rest))
          wanted_more_ = true;
        break;
      }
      case Kind::sequence: {
        result.insert(from);
        for (const auto child : syntax_.children(node)) result = all(child, result);
        break;
      }
      case Kind::choice:
        for (const auto child : syntax_.children(node)) {
          const Ends& more = ends(child, from);
          result.insert(more.begin(), more.end());
        }
        break;
      case Kind::call: result = ends(syntax_.rules()[node.a].body, from); break;
      case Kind::repeat: {
        Ends at{from};
        for (size_t count = 0;; ++count) {
          if (count >= node.min) result.insert(at.begin(), at.end());
          if (count == node.max) break;
          Ends next = all(node.a, at);
          if (next.empty()) break;
          if (next == at) {  // by empty iterations only
            result.insert(at.begin(), at.end());
            break;
          }
          at = std::move(next);
        }
        break;
      }
    }
    return result;
  }

  Ends all(text::grammar::NodeId id, const Ends& from) {
    Ends result;
    for (const size_t at : from) {
      const Ends& more = ends(id, at);
      result.insert(more.begin(), more.end());
    }
    return result;
  }

  const text::grammar::Syntax& syntax_;
  std::string_view text_;
  std::map<std::pair<text::grammar::NodeId, size_t>, Ends> known_;
  bool wanted_more_ = false;
  bool complete_ = false;
};

}  // namespace linnet::test
