// Guesses of the next tokens. They are checked in one forward pass with the last token; because a
// row's bits do not depend on the rows beside it, and because each position is sampled with its own
// random numbers, the answer is the same with and without (docs/numerics.md).
//
// Guessing costs: rows that are computed for nothing. So it is measured: while steps with guesses
// take longer per token than steps without, they are left out for a while, twice as long each time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace linnet::engine {

/// A source of guesses. Not thread-safe: the engine thread's.
class Drafter {
 public:
  virtual ~Drafter() = default;
  /// Guesses what follows `ids`, `most` (>= 1) tokens at most; perhaps none. `ids` has grown since
  /// the last call, or ends differently. Errors: none; without memory there are no guesses.
  virtual std::vector<int32_t> guess(std::span<const int32_t> ids, int64_t most) = 0;
};

/// Prompt lookup: what followed the last few tokens when they last occurred. Memory: some 24 bytes
/// per token.
class LookupDrafter final : public Drafter {
 public:
  std::vector<int32_t> guess(std::span<const int32_t> ids, int64_t most) override;

 private:
  static constexpr size_t kLength = 3;  // tokens that have to be the same
  static uint64_t key(const int32_t* tokens);

  std::unordered_map<uint64_t, size_t> after_;  // where what followed them begins
  size_t indexed_ = 0;                          // tokens that are in there
};

/// When to guess, and how many tokens.
class Speculator {
 public:
  Speculator(std::unique_ptr<Drafter> drafter, int64_t most)
      : drafter_(std::move(drafter)), most_(most), length_(most < 2 ? most : 2) {}

  /// `most`: what the pass has room for.
  std::vector<int32_t> guess(std::span<const int32_t> ids, int64_t most);
  /// A step that brought `accepted` + 1 tokens took `seconds`, with `guessed` guesses.
  void learn(int64_t guessed, int64_t accepted, double seconds);

 private:
  std::unique_ptr<Drafter> drafter_;
  int64_t most_;
  int64_t length_;        // of the next guess
  int64_t pause_ = 0;     // tokens until then
  int64_t failures_ = 0;  // in a row
  int64_t plain_steps_ = 0;
  double plain_seconds_ = 0;  // of a step without guesses, lately
};

}  // namespace linnet::engine
