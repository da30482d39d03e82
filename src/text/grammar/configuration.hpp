// All ways in which a grammar may have read the bytes so far, and how they go on.
//
// A thread is a state with its counters. A frame is where a rule returns to: for each caller, the
// threads that go on and the caller's own frame. (It is a node of a graph-structured stack, as in
// generalised LR parsing: all calls of a rule at one byte share a frame, so that the number of
// frames grows with the text and not with the number of ways to read it.) A configuration has, for
// each frame, the threads that run on top of it; equal frames are one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "text/grammar/program.hpp"

namespace linnet::text::grammar {

/// Of a repeat, counting the iteration that runs.
struct Counter {
  uint32_t need = 0;  ///< iterations before it may end
  uint32_t left = 0;  ///< iterations that may still be; kUnbounded: any number
  auto operator<=>(const Counter&) const = default;
};

struct Thread {
  StateId state = 0;
  std::array<Counter, kCounters> counters{};
  auto operator<=>(const Thread&) const = default;
};
using Threads = std::vector<Thread>;

struct Frame;
using FramePtr = std::shared_ptr<const Frame>;

/// Immutable, shared by configurations and by copies of them, on any thread.
struct Frame {
  struct Caller {
    Threads returns;  ///< sorted
    FramePtr frame;   ///< null: the root rule is the caller
  };
  /// Brings the callers into order; those with one frame become one.
  explicit Frame(std::vector<Caller> of);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  std::vector<Caller> callers;
  uint32_t depth = 1;              ///< more than that of any caller
  std::array<uint64_t, 2> hash{};  ///< of all that is below: equal hashes are equal frames
};
inline bool equal(const Frame* a, const Frame* b) {
  return a == b || (a != nullptr && b != nullptr && a->hash == b->hash);
}

struct Level {
  FramePtr frame;   ///< null: the root rule runs
  Threads threads;  ///< all at states that read a byte; sorted
};

struct Configuration {
  std::vector<Level> levels;
  /// Whether the bytes so far end the bottom rule (in a walk that knows no stack below it: whether
  /// they end the rule that it began in).
  bool ended = false;
  [[nodiscard]] bool dead() const { return levels.empty() && !ended; }
};

/// Runs a program. Counters are exact, or, with a `horizon`, right for so many bytes at least:
/// larger ones are taken for infinite. Not thread-safe.
class Simulator {
 public:
  static constexpr uint32_t kExact = UINT32_MAX - 1;
  static constexpr size_t kMaxThreads = 20'000;

  explicit Simulator(const Program& program, uint32_t horizon = kExact)
      : program_(program), horizon_(horizon) {}

  /// Before the first byte.
  [[nodiscard]] Configuration start();
  /// Where a rule has returned to `threads` (any states, as in Frame::returns), without a stack.
  [[nodiscard]] Configuration resume(const Threads& threads);
  /// After one more byte. Errors: unsupported when there are more than kMaxThreads ways, or when
  /// `budget` steps are passed.
  [[nodiscard]] Configuration step(const Configuration& from, unsigned char byte);

  /// Steps that may still be made; each call counts down.
  uint64_t budget = UINT64_MAX;

  /// Threads with counters past the horizon made infinite; sorted.
  static Threads clip(const Threads& threads, uint32_t horizon);

 private:
  struct Work {
    FramePtr frame;
    Threads pending;  ///< before closure
    Threads reading;  ///< after: at bytes
    bool is_closed = false;
  };
  Configuration settle();
  bool close(const Threads& pending, const FramePtr& frame, Threads& reading);
  void spend(uint64_t steps);
  Work& work_for(const FramePtr& frame);
  [[nodiscard]] static uint32_t depth(const Work& work) {
    return work.frame == nullptr ? 0 : work.frame->depth;
  }

  const Program& program_;
  uint32_t horizon_;
  std::vector<std::unique_ptr<Work>> works_;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<Frame::Caller>> calls_;  // by rank and rule
  // Of one closure: what is to be looked at, and what was met, in chains by state.
  Threads stack_;
  Threads met_;
  std::vector<uint8_t> gone_;                       // covered by a later one
  std::vector<int32_t> chain_;                      // the next one of the same state, or -1
  std::vector<std::pair<StateId, int32_t>> heads_;  // open addressing; second -1: free
};

}  // namespace linnet::text::grammar
