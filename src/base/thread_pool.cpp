#include "base/thread_pool.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "base/checked.hpp"
#include "base/fp_mode.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace linnet {
namespace {

// Parts of ThreadPool::state_.
constexpr uint32_t kInside = 0x3fff;  // a mask
constexpr uint32_t kOpen = 1U << 14;
constexpr uint32_t kStop = 1U << 15;
constexpr uint32_t kNextLoop = 1U << 16;
constexpr int kMaxThreads = 4096;

// Chunks of a thread's run: what is left at the end for a late thread is one of them.
constexpr int64_t kChunksPerThread = 8;

thread_local bool inside_loop = false;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until done() or for about 50 microseconds; returns done().
template <class Done>
bool spin_until(const Done& done) {
  using Clock = std::chrono::steady_clock;
  constexpr auto limit = std::chrono::microseconds(50);
  constexpr int between_looks_at_the_clock = 32;
  Clock::time_point start;
  for (;;) {
    for (int i = 0; i < between_looks_at_the_clock; ++i) {
      if (done()) return true;
      relax();
    }
    const Clock::time_point now = Clock::now();
    if (start == Clock::time_point()) start = now;
    if (now - start > limit) return done();
  }
}

long futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  return syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

}  // namespace

int physical_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0)
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::set<std::pair<int, int>> cores;  // (package, core)
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    const std::string base = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    int package = 0;
    int core = cpu;
    std::ifstream(base + "physical_package_id") >> package;
    std::ifstream core_file(base + "core_id");
    if (!(core_file >> core)) core = cpu;
    cores.emplace(package, core);
  }
  return std::max(1, static_cast<int>(cores.size()));
}

ThreadPool::ThreadPool(int threads) {
  require(threads >= 0 && threads <= kMaxThreads, "thread count {} is outside 0..{}", threads,
          kMaxThreads);
  if (threads == 0) threads = physical_cores();
  runs_ = std::make_unique<Run[]>(static_cast<size_t>(threads));
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  state_.fetch_or(kStop);
  wake(size());
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int64_t total, int64_t grain, Task task) {
  if (total <= 0) return;
  const FlushSubnormals flush;
  grain = std::max<int64_t>(grain, 1);
  if (workers_.empty() || total <= grain || inside_loop) {
    task.call(task.context, 0, total);
    return;
  }
  const std::scoped_lock lock(caller_);
  const int64_t threads = size();
  task_ = task;
  total_ = total;
  // A thread's run is whole chunks; a grain that leaves fewer chunks than threads leaves runs
  // empty.
  step_ = std::max(grain, ceil_div(total, kChunksPerThread * threads));
  const int64_t chunks = ceil_div(total, step_);
  for (int64_t i = 0; i < threads; ++i) {
    const auto first = static_cast<uint64_t>(ceil_div(chunks * i, threads));
    const auto end = static_cast<uint64_t>(ceil_div(chunks * (i + 1), threads));
    runs_[static_cast<size_t>(i)].chunks.store(end << 32 | first, std::memory_order_relaxed);
  }
  const uint32_t opened = (state_.load(std::memory_order_relaxed) & ~kStop) + kNextLoop + kOpen;
  state_.store(opened);
  if (sleeping_.load() > 0) wake(static_cast<int>(std::min(chunks, threads) - 1));
  inside_loop = true;
  take_chunks(0);
  inside_loop = false;
  state_.fetch_and(~kOpen, std::memory_order_relaxed);
  const auto nobody_inside = [&] {
    return (state_.load(std::memory_order_acquire) & kInside) == 0;
  };
  // Somebody is in a long chunk, or another process has its core.
  if (!spin_until(nobody_inside))
    while (!nobody_inside()) std::this_thread::yield();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::take_chunks(int thread) noexcept {
  const int threads = size();
  for (int i = 0; i < threads; ++i) {
    const bool own = i == 0;
    std::atomic<uint64_t>& run = runs_[static_cast<size_t>((thread + i) % threads)].chunks;
    uint64_t left = run.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t first = left & 0xffffffffU;
      const uint64_t end = left >> 32;
      if (first >= end) break;
      const uint64_t rest = own ? left + 1 : left - (uint64_t{1} << 32);
      if (!run.compare_exchange_weak(left, rest, std::memory_order_relaxed)) continue;
      left = rest;
      const int64_t begin = static_cast<int64_t>(own ? first : end - 1) * step_;
      try {
        task_.call(task_.context, begin, std::min(begin + step_, total_));
      } catch (...) {
        const std::scoped_lock lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
    }
  }
}

/// Counts this worker as inside the loop that `state` names; false if it has closed since.
bool ThreadPool::enter(uint32_t state) noexcept {
  const uint32_t loop = state / kNextLoop;
  while ((state & kOpen) != 0 && state / kNextLoop == loop)
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) return true;
  return false;
}

void ThreadPool::work(int thread) {
  const FlushSubnormals flush;
  inside_loop = true;
  uint32_t seen = 0;  // the loop taken part in last
  for (;;) {
    uint32_t state = 0;
    const auto called = [&] {
      state = state_.load(std::memory_order_relaxed);
      return (state & kStop) != 0 || ((state & kOpen) != 0 && state / kNextLoop != seen);
    };
    if (!spin_until(called)) {
      sleep(state);
      continue;
    }
    if ((state & kStop) != 0) return;
    seen = state / kNextLoop;
    if (!enter(state)) continue;
    take_chunks(thread);
    state_.fetch_sub(1, std::memory_order_release);
  }
}

/// Sleeps until woken, unless the state is another one already. (The caller changes the state, then
/// looks for sleepers; a worker counts itself a sleeper, then the system looks at the state.)
void ThreadPool::sleep(uint32_t state) noexcept {
  sleeping_.fetch_add(1);
  futex(state_, FUTEX_WAIT_PRIVATE, state);
  sleeping_.fetch_sub(1);
}

void ThreadPool::wake(int count) noexcept {
  futex(state_, FUTEX_WAKE_PRIVATE, static_cast<uint32_t>(count));
}

}  // namespace linnet
