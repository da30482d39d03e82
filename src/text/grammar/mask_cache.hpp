// Which tokens may follow a configuration: computed once per state, kept for all stacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/grammar/configuration.hpp"
#include "text/grammar/token_index.hpp"
#include "text/hash.hpp"

namespace linnet::text::grammar {

struct MaskStatistics {
  size_t mask_bytes = 0;   ///< kept now, about
  size_t state_bytes = 0;  ///< of the DFA
  size_t states = 0;
  uint64_t walks = 0;    ///< masks that were not there and had to be computed
  uint64_t forgets = 0;  ///< how often everything was dropped because it was too much
};

/// The masks of one program over one vocabulary. Thread-safe: one lock, held while masks are
/// computed, so threads that meet a new state at once wait for the first.
///
/// A mask of threads is computed without their stack: a node keeps the tokens that are certain, and
/// where in the trie the rule may end in the middle of a token. What follows there depends on the
/// caller: a child of the node per set of states that is returned to, and so on down the stack.
class MaskCache {
 public:
  static constexpr size_t kMaxBytes = size_t{64} << 20;  ///< of masks, and of the DFA's states
  static constexpr uint64_t kMaxSteps = 20'000'000;      ///< of one mask: about a tenth of a second

  /// Both are kept by reference; `index` must be a handle that lives as long.
  MaskCache(const Program& program, const TokenIndex& index);

  /// Allows in `mask` all tokens that may follow. Errors: unsupported when the work is too much, as
  /// Simulator::step.
  void allow(const Configuration& configuration, TokenMask& mask);

  [[nodiscard]] MaskStatistics statistics() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return hash_bytes(key, 0x5EED); }
  };
  template <class T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  struct Node {
    bool is_dense = false;
    TokenMask tokens;                  // if dense
    std::vector<int32_t> ids;          // if not
    std::vector<uint32_t> unfinished;  // trie nodes where the rule may end, with tokens below
    Map<std::unique_ptr<Node>> callers;
  };
  struct DfaState {
    Configuration configuration;
    bool knows_loops = false;
    uint32_t loops = 0;  // groups of bytes that lead back to this state while counters last
    uint32_t lasts = 0;  // so many bytes, at least, until a counter is used up
  };
  using Range = std::pair<uint32_t, uint32_t>;  // of TokenIndex::order()
  static constexpr int32_t kUnknown = -2;
  static constexpr int32_t kDead = -1;

  const Node& root(const Threads& threads);
  const Node& caller(const Node& node, const Threads& returns);
  std::unique_ptr<Node> compute(Configuration start, const std::vector<uint32_t>& from,
                                bool is_return);
  void walk(int32_t start, uint32_t from, std::vector<Range>& accepted,
            std::vector<uint32_t>& unfinished);
  void keep(const std::vector<Range>& accepted, Node& node);

  int32_t intern(Configuration&& configuration);
  int32_t next(int32_t state, uint8_t byte_class) {
    const int32_t known = rows_[static_cast<size_t>(state) * classes_ + byte_class];
    return known != kUnknown ? known : follow(state, byte_class);
  }
  int32_t follow(int32_t state, uint8_t byte_class);
  void find_loops(int32_t state);
  [[nodiscard]] bool loops_on_characters(int32_t state);
  void forget_masks();
  void forget_states();

  const Program& program_;
  const TokenIndex& index_;
  const uint32_t horizon_;
  const size_t classes_;
  mutable std::mutex mutex_;
  Simulator simulator_;
  Map<std::unique_ptr<Node>> roots_;
  Map<int32_t> state_ids_;
  std::vector<DfaState> states_;
  std::vector<int32_t> rows_;  // [states, classes]
  std::vector<int32_t> path_;  // of a walk, by depth
  MaskStatistics statistics_;
};

}  // namespace linnet::text::grammar
