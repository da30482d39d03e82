// A fork/join pool for data-parallel loops.
//
// Threads: the loops may be called from any thread; calls are serialised by a mutex, and a call
// from inside a running loop runs inline. The body runs with subnormals flushed (see fp_mode.hpp).
// Invariant: no result may depend on which thread computes what: each index is computed on its own.
//
// How it runs. The indices are cut into chunks, and each thread owns one contiguous run of them,
// so that what it reads streams through memory in order; a thread that is done takes chunks from
// the ends of the others' runs. Nothing waits for a worker that has not woken up yet: the loop
// closes when its chunks are taken and those who took part have left. Workers spin for about 50
// microseconds after a loop, which covers the gaps of a forward pass, and then sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace linnet {

class ThreadPool {
 public:
  /// `threads` >= 1 counts the calling thread; 0 means one per physical core this process may run
  /// on.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(begin, end) on disjoint ranges that cover [0, total); ranges hold at least `grain`
  /// indices where there are enough. A thread mostly gets consecutive ranges, in rising order.
  /// Returns when all are done; rethrows the first exception.
  template <class Body>
  void parallel_for(int64_t total, int64_t grain, const Body& body) {
    run(total, grain, {&body, [](const void* context, int64_t begin, int64_t end) {
                         (*static_cast<const Body*>(context))(begin, end);
                       }});
  }

  /// Calls body(thread, threads) once for every thread in 0..threads - 1, threads being size():
  /// for loops that split their work themselves. Index 0 is the caller's, and a worker mostly gets
  /// the same index every time, but one that is late leaves its index to the others; so a body must
  /// not wait for another. Exceptions and nested calls as above.
  template <class Body>
  void run_on_all(const Body& body) {
    const int threads = size();
    const auto each = [&](int64_t begin, int64_t end) {
      for (int64_t thread = begin; thread < end; ++thread) body(static_cast<int>(thread), threads);
    };
    run(threads, 1, {&each, [](const void* context, int64_t begin, int64_t end) {
                       (*static_cast<const decltype(each)*>(context))(begin, end);
                     }});
  }

 private:
  struct Task {
    const void* context = nullptr;
    void (*call)(const void*, int64_t, int64_t) = nullptr;
  };
  /// The chunks that a thread owns and nobody has taken: first in the lower half, end in the upper.
  struct alignas(64) Run {
    std::atomic<uint64_t> chunks{0};
  };

  void run(int64_t total, int64_t grain, Task task);
  void work(int thread);
  void take_chunks(int thread) noexcept;
  bool enter(uint32_t state) noexcept;
  void sleep(uint32_t state) noexcept;
  void wake(int count) noexcept;

  std::vector<std::thread> workers_;
  std::unique_ptr<Run[]> runs_;  // [size()]
  std::mutex caller_;            // held by the thread whose loop runs

  // The loop that runs; read by those who have entered it, written while nobody is inside.
  Task task_;
  int64_t total_ = 0;
  int64_t step_ = 1;  // indices of a chunk

  // Which loop it is (upper 16 bits), whether it may be entered, whether the pool ends, and how
  // many workers are inside (lower 14 bits). Workers sleep on it.
  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<int> sleeping_{0};
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
};

/// Physical cores that this process may run on (affinity mask, one per core with SMT); at least 1.
int physical_cores();

}  // namespace linnet
