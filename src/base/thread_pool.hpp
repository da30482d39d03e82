// A fork/join pool for data-parallel loops.
//
// Threads: parallel_for may be called from any thread; calls are serialised by a mutex, and a call
// from inside a running loop runs inline. The body runs with subnormals flushed (see fp_mode.hpp).
// Invariant: the split into ranges depends on the total and the grain only through the number of
// threads, and no result may depend on the split: each index is computed on its own.
#pragma once

#include <atomic>
#include <condition_variable>
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
  /// indices where there are enough. Returns when all are done; rethrows the first exception.
  template <class Body>
  void parallel_for(int64_t total, int64_t grain, const Body& body) {
    run(total, grain, {&body, [](const void* context, int64_t begin, int64_t end) {
                         (*static_cast<const Body*>(context))(begin, end);
                       }});
  }

 private:
  struct Task {
    const void* context = nullptr;
    void (*call)(const void*, int64_t, int64_t) = nullptr;
  };

  void run(int64_t total, int64_t grain, Task task);
  void work();
  void take_ranges() noexcept;

  std::vector<std::thread> workers_;
  std::mutex caller_;  // held by the thread whose loop runs
  Task task_;
  int64_t total_ = 0;
  int64_t step_ = 1;
  std::atomic<int64_t> next_{0};
  std::atomic<int> running_{0};
  std::exception_ptr failure_;
  std::mutex failure_mutex_;

  // Workers wait for a new value of generation_; the lowest bit set means "stop".
  std::atomic<uint32_t> generation_{0};
};

/// Physical cores that this process may run on (affinity mask, one per core with SMT); at least 1.
int physical_cores();

}  // namespace linnet
