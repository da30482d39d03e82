#include "text/grammar/program.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/error.hpp"

namespace linnet::text::grammar {
namespace {

// Builds states from the end of a rule to its start: a node is compiled with what follows it known.
class Compiler {
 public:
  explicit Compiler(const Syntax& syntax) : syntax_(syntax), analysis_(analyze(syntax)) {}

  Program run() {
    program_.states.push_back({});
    program_.root = rule(syntax_.rules()[syntax_.root].body);
    while (!todo_.empty()) {
      const auto [id, body] = todo_.back();
      todo_.pop_back();
      program_.rules[id].nullable = analysis_.nullable[body];
      program_.rules[id].start = compile(body, 0, 0, 0);
    }
    find_classes();
    find_ranks();
    return std::move(program_);
  }

 private:
  // The rule whose body is this node: a rule of the grammar, or a part that is counted too deeply.
  uint32_t rule(NodeId body) {
    const auto [found, is_new] =
        rule_of_.emplace(body, static_cast<uint32_t>(program_.rules.size()));
    if (is_new) {
      program_.rules.emplace_back();
      todo_.emplace_back(found->second, body);
    }
    return found->second;
  }

  StateId add(State::Kind kind, size_t depth, uint32_t a, uint32_t b) {
    if (program_.states.size() >= Program::kMaxStates)
      fail(ErrorCode::unsupported, "grammar: more than {} states", Program::kMaxStates);
    program_.states.push_back({kind, static_cast<uint8_t>(depth), a, b});
    return static_cast<StateId>(program_.states.size() - 1);
  }

  StateId branch(size_t depth, const std::vector<StateId>& targets) {
    if (targets.size() == 1) return targets.front();
    const auto begin = static_cast<uint32_t>(program_.targets.size());
    if (begin + targets.size() > 2 * Program::kMaxStates)
      fail(ErrorCode::unsupported, "grammar: more than {} branches", 2 * Program::kMaxStates);
    program_.targets.insert(program_.targets.end(), targets.begin(), targets.end());
    return add(State::Kind::branch, depth, begin, static_cast<uint32_t>(targets.size()));
  }

  uint32_t set_index(const ByteSet& set) {
    const auto [found, is_new] =
        set_ids_.emplace(set.to_string(), static_cast<uint32_t>(program_.sets.size()));
    if (is_new) program_.sets.push_back(set);
    return found->second;
  }

  uint32_t byte_set(char byte) {
    const auto b = static_cast<unsigned char>(byte);
    if (single_[b] == 0) single_[b] = set_index(ByteSet().set(b)) + 1;
    return single_[b] - 1;
  }

  // The state at which `id` (productive) starts if `next` follows. `nesting`: of this call.
  StateId compile(NodeId id, StateId next, size_t depth, int nesting) {
    constexpr int kMaxNesting = 1000;
    if (nesting > kMaxNesting)
      fail(ErrorCode::unsupported, "grammar: nested deeper than {}", kMaxNesting);
    const Node node = syntax_.node(id);
    switch (node.kind) {
      case Node::Kind::bytes:
        return add(State::Kind::bytes, depth, set_index(syntax_.set(node)), next);
      case Node::Kind::literal: {
        const std::string_view text = syntax_.text(node);
        for (size_t i = text.size(); i > 0; --i)
          next = add(State::Kind::bytes, depth, byte_set(text[i - 1]), next);
        return next;
      }
      case Node::Kind::sequence: {
        const auto children = syntax_.children(node);
        for (size_t i = children.size(); i > 0; --i)
          next = compile(children[i - 1], next, depth, nesting + 1);
        return next;
      }
      case Node::Kind::choice: return choice(node, next, depth, nesting);
      case Node::Kind::call:
        return add(State::Kind::call, depth, rule(syntax_.rules()[node.a].body), next);
      case Node::Kind::repeat: return repeat(id, next, depth, nesting);
    }
    fail(ErrorCode::internal, "grammar: a node of no kind");
  }

  StateId choice(const Node& node, StateId next, size_t depth, int nesting) {
    std::vector<StateId> targets;
    std::vector<std::string_view> literals;
    for (const NodeId child : syntax_.children(node)) {
      if (!analysis_.productive[child]) continue;
      const Node& part = syntax_.node(child);
      if (part.kind == Node::Kind::literal)
        literals.push_back(syntax_.text(part));
      else
        targets.push_back(compile(child, next, depth, nesting + 1));
    }
    if (!literals.empty()) targets.push_back(trie(literals, next, depth));
    return branch(depth, targets);
  }

  // Many words as one tree, so that a list of thousands costs no more to follow than one.
  StateId trie(std::vector<std::string_view>& words, StateId next, size_t depth) {
    struct Place {
      std::map<char, size_t> children;
      bool is_end = false;
    };
    std::vector<Place> places(1);
    for (const std::string_view word : words) {
      size_t at = 0;
      for (const char c : word) {
        const auto found = places[at].children.find(c);
        if (found != places[at].children.end()) {
          at = found->second;
          continue;
        }
        places[at].children.emplace(c, places.size());
        at = places.size();
        places.emplace_back();
      }
      places[at].is_end = true;
    }
    std::vector<StateId> states(places.size());
    for (size_t i = places.size(); i > 0; --i) {  // children come after their parents
      const Place& place = places[i - 1];
      std::vector<StateId> targets;
      if (place.is_end) targets.push_back(next);
      for (const auto& [c, child] : place.children)
        targets.push_back(add(State::Kind::bytes, depth, byte_set(c), states[child]));
      states[i - 1] = branch(depth, targets);
    }
    return states.front();
  }

  StateId repeat(NodeId id, StateId next, size_t depth, int nesting) {
    const Node node = syntax_.node(id);
    if (!analysis_.productive[node.a]) return next;  // min is 0
    // Empty iterations fill up what is missing.
    const uint32_t min = analysis_.nullable[node.a] ? 0 : node.min;
    if (node.max == 1) return branch(depth, {compile(node.a, next, depth, nesting + 1), next});
    if (node.max == kUnbounded && min <= 1) {
      const StateId again = branch(depth, {0, next});
      const StateId body = compile(node.a, again, depth, nesting + 1);
      program_.targets[program_.states[again].a] = body;
      return min == 0 ? again : body;
    }
    if (depth == kCounters) return add(State::Kind::call, depth, rule(id), next);
    const auto number = static_cast<uint32_t>(program_.repeats.size());
    program_.repeats.push_back({std::max(min, 1U), node.max, 0});
    const StateId loop = add(State::Kind::loop, depth + 1, next, number);
    const StateId body = compile(node.a, loop, depth + 1, nesting + 1);
    program_.repeats[number].body = body;
    const StateId enter = add(State::Kind::enter, depth, body, number);
    return min == 0 ? branch(depth, {enter, next}) : enter;
  }

  void find_classes() {
    std::array<uint32_t, 256> of{};
    for (const ByteSet& set : program_.sets) {  // each class is cut by each set
      std::array<std::array<int32_t, 2>, 256> refined;
      refined.fill({-1, -1});
      int32_t count = 0;
      for (size_t b = 0; b < 256; ++b) {
        int32_t& found = refined[of[b]][set[b] ? 1 : 0];
        if (found < 0) found = count++;
        of[b] = static_cast<uint32_t>(found);
      }
    }
    const uint32_t count = *std::ranges::max_element(of) + 1;
    program_.class_byte.resize(count);
    for (size_t b = 0; b < 256; ++b) {
      program_.byte_class[b] = static_cast<uint8_t>(of[b]);
      program_.class_byte[of[b]] = static_cast<uint8_t>(b);
    }
  }

  // In a depth-first search over what reads no byte, a rule's start is left after the starts of the
  // rules that it calls there (no rule gets back to its own start so: none is left-recursive).
  void find_ranks() {
    std::vector<bool> seen(program_.states.size());
    std::vector<uint32_t> left(program_.states.size());
    uint32_t count = 0;
    std::vector<std::pair<StateId, std::vector<StateId>>> path;
    const auto open = [&](StateId id) {
      if (seen[id]) return;
      seen[id] = true;
      const State& state = program_.states[id];
      std::vector<StateId> next;
      switch (state.kind) {
        case State::Kind::branch:
          next.assign(program_.targets.begin() + state.a,
                      program_.targets.begin() + state.a + state.b);
          break;
        case State::Kind::call:
          next = {program_.rules[state.a].start};
          if (program_.rules[state.a].nullable) next.push_back(state.b);
          break;
        case State::Kind::enter: next = {state.a}; break;
        case State::Kind::loop: next = {state.a, program_.repeats[state.b].body}; break;
        default: break;
      }
      path.emplace_back(id, std::move(next));
    };
    for (const Program::Rule& rule : program_.rules) {
      open(rule.start);
      while (!path.empty()) {
        auto& [id, next] = path.back();
        if (next.empty()) {
          left[id] = ++count;
          path.pop_back();
        } else {
          const StateId to = next.back();
          next.pop_back();
          open(to);
        }
      }
    }
    for (Program::Rule& rule : program_.rules) rule.rank = count - left[rule.start];
  }

  const Syntax& syntax_;
  Analysis analysis_;
  Program program_;
  std::unordered_map<NodeId, uint32_t> rule_of_;
  std::vector<std::pair<uint32_t, NodeId>> todo_;
  std::map<std::string, uint32_t> set_ids_;
  std::array<uint32_t, 256> single_{};
};

}  // namespace

Program compile(const Syntax& syntax) { return Compiler(syntax).run(); }

}  // namespace linnet::text::grammar
