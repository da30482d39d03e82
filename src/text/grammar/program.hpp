// A grammar as a pushdown automaton over bytes: states, calls of rules, counters.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "text/grammar/code_points.hpp"
#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

using StateId = uint32_t;

struct State {
  enum class Kind : uint8_t {
    end,     ///< the rule's end; there is one, state 0
    bytes,   ///< a byte of set `a`, then `b`
    branch,  ///< any of targets [a, a + b), no byte
    call,    ///< rule `a`, then `b`
    enter,   ///< a counter begins: repeat `b`, whose body starts at `a`
    loop,    ///< an iteration of repeat `b` is over: another one at its body, or on to `a`
  };
  Kind kind = Kind::end;
  uint8_t depth = 0;  ///< counters that run here
  uint32_t a = 0;
  uint32_t b = 0;
};

/// How many counters a state of one rule may have; a body below more becomes a rule of its own.
inline constexpr size_t kCounters = 2;

/// Immutable. State 0 is the end of every rule. From every state an end can be reached.
struct Program {
  static constexpr size_t kMaxStates = 1'000'000;

  struct Rule {
    StateId start = 0;
    bool nullable = false;
    uint32_t rank = 0;  ///< below that of all rules that it may call before it reads a byte
  };
  struct Repeat {
    uint32_t min = 0;
    uint32_t max = 0;  // or kUnbounded
    StateId body = 0;
  };
  std::vector<State> states;
  std::vector<StateId> targets;
  std::vector<ByteSet> sets;
  std::vector<Repeat> repeats;
  std::vector<Rule> rules;
  uint32_t root = 0;  ///< rule

  /// Bytes that no set tells apart have the same class.
  std::array<uint8_t, 256> byte_class{};
  std::vector<uint8_t> class_byte;  ///< a byte of each class
};

/// Errors: as analyze(); unsupported for more than kMaxStates.
Program compile(const Syntax& syntax);

}  // namespace linnet::text::grammar
