// What a template may use: steps, bytes of values alive at once, bytes of output. A template comes
// from a file and a conversation from anywhere, so both are taken for hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/error.hpp"

namespace linnet::text::jinja {

struct Limits {
  int64_t steps = 20'000'000;                ///< nodes evaluated, plus one per 32 bytes handled
  int64_t value_bytes = int64_t{256} << 20;  ///< of strings, lists and so on, alive at once
  int64_t output_bytes = int64_t{64} << 20;  ///< of the rendered text
  int depth = 700;                           ///< nested evaluations, macro calls among them
};

/// Counts against Limits; one for each rendering. Not thread-safe.
/// Errors: unsupported, naming the template's current line and the limit that is passed.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// One step, or the steps of handling `bytes`.
  void step() {
    if (++steps_ > limits_.steps) too_many_steps();
  }
  void work(size_t bytes) {
    steps_ += static_cast<int64_t>(bytes / 32) + 1;
    if (steps_ > limits_.steps) too_many_steps();
  }
  /// Bytes of a value that begins or grows, and their end.
  void take(size_t bytes) {
    if (bytes > static_cast<size_t>(limits_.value_bytes - used_)) too_many_bytes(bytes);
    used_ += static_cast<int64_t>(bytes);
  }
  void give_back(size_t bytes) noexcept { used_ -= static_cast<int64_t>(bytes); }

  void check_output(size_t bytes) const {
    if (bytes > static_cast<size_t>(limits_.output_bytes))
      fail(ErrorCode::unsupported, "template line {}: more than {} bytes of output", line,
           limits_.output_bytes);
  }
  [[nodiscard]] int max_depth() const { return limits_.depth; }

  /// The line that is evaluated, for messages.
  int line = 1;

 private:
  [[noreturn]] void too_many_steps() const {
    fail(ErrorCode::unsupported, "template line {}: more than {} steps", line, limits_.steps);
  }
  [[noreturn]] void too_many_bytes(size_t bytes) const {
    fail(ErrorCode::unsupported,
         "template line {}: {} bytes more would pass the limit of {} bytes of values", line, bytes,
         limits_.value_bytes);
  }

  Limits limits_;
  int64_t steps_ = 0;
  int64_t used_ = 0;
};

/// Bytes taken from a budget and given back when this ends. Without a budget (values of the caller,
/// constants of a template) it counts nothing.
class Charge {
 public:
  Charge() = default;
  Charge(Budget* budget, size_t bytes) : budget_(budget), bytes_(bytes) {
    if (budget_ != nullptr) budget_->take(bytes);
  }
  Charge(Charge&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&&) = delete;
  ~Charge() {
    if (budget_ != nullptr) budget_->give_back(bytes_);
  }
  void grow(size_t bytes) {
    if (budget_ != nullptr) budget_->take(bytes);
    bytes_ += bytes;
  }

 private:
  Budget* budget_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace linnet::text::jinja
