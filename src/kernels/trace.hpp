// A record of what ran: which op, by which kernel and why, how much it had to compute and to move,
// and how long it took. `linnet explain` shows it, and `linnet bench` takes from it what a step
// must compute and read at least.
//
// A device without a Trace (the usual case) pays one comparison an op. An op records itself with
// one statement, before it calls its kernel:
//
//   const kernels::Span span(context.trace, [&] {
//     return kernels::Work{.op = "rms_norm", .shape = ..., .passing_bytes = ...};
//   });
//
// Threads: a Trace belongs to the thread that runs the forward pass. Spans nest; the time of an
// inner one is not part of the outer one's.
#pragma once

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linnet::kernels {

/// What one call of an op is.
struct Work {
  std::string_view op;        ///< "linear"
  std::string shape = {};     ///< "512 x 1152 -> 6912"
  std::string kernel = {};    ///< which variant runs, and why: "avx512 matrix-vector: up to 4 rows"
  int64_t flops = 0;          ///< of products: two for each multiplication with its addition
  int64_t stored_bytes = 0;   ///< of what outlives the step and so lies in memory: weights, cache
  int64_t passing_bytes = 0;  ///< of the step's own arrays, read and written; may stay in caches
};

class Trace {
 public:
  struct Entry {
    Work work;
    double seconds = 0;  ///< without the spans inside
  };

  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  void clear() noexcept { entries_.clear(); }

 private:
  friend class Span;
  std::vector<Entry> entries_;  // in the order in which they ended
  double* inside_ = nullptr;    // where the open span collects the time of spans inside it
};

/// Records the time from its making to its end, if there is a trace.
class Span {
 public:
  /// `describe` returns the Work; it is not called without a trace.
  template <class Describe>
  Span(Trace* trace, const Describe& describe) : trace_(trace) {
    if (trace_ == nullptr) return;
    work_ = describe();
    outer_ = std::exchange(trace_->inside_, &inside_);
    start_ = Clock::now();
  }
  ~Span() {
    if (trace_ == nullptr) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    trace_->inside_ = outer_;
    if (outer_ != nullptr) *outer_ += seconds;
    try {
      trace_->add({std::move(work_), seconds - inside_});
    } catch (const std::bad_alloc&) {
      // A record is not worth the work that it records.
    }
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  using Clock = std::chrono::steady_clock;

  Trace* trace_;
  Work work_;
  double inside_ = 0;
  double* outer_ = nullptr;
  Clock::time_point start_;
};

}  // namespace linnet::kernels
