#include "base/thread_pool.hpp"

#include <sched.h>

#include <algorithm>
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

// Long enough to catch the next kernel of the same forward pass, short enough not to be seen by
// anyone else on the machine: about 20 microseconds of PAUSE.
constexpr int kSpins = 400;

thread_local bool inside_loop = false;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
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
  require(threads >= 0 && threads <= 4096, "thread count {} is outside 0..4096", threads);
  if (threads == 0) threads = physical_cores();
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  generation_.fetch_or(1);
  generation_.notify_all();
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
  // Four ranges a thread even out unequal work; a range is taken with one atomic add.
  step_ = std::max(grain, ceil_div(total, int64_t{4} * size()));
  task_ = task;
  total_ = total;
  next_.store(0, std::memory_order_relaxed);
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(2, std::memory_order_release);
  generation_.notify_all();
  inside_loop = true;
  take_ranges();
  inside_loop = false;
  for (int spins = 0; running_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins)
      relax();
    else
      std::this_thread::yield();
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::take_ranges() noexcept {
  for (;;) {
    const int64_t begin = next_.fetch_add(step_, std::memory_order_relaxed);
    if (begin >= total_) return;
    try {
      task_.call(task_.context, begin, std::min(begin + step_, total_));
    } catch (...) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

void ThreadPool::work() {
  const FlushSubnormals flush;
  inside_loop = true;
  uint32_t seen = 0;
  for (;;) {
    uint32_t now = generation_.load(std::memory_order_acquire);
    for (int spins = 0; now == seen && spins < kSpins; ++spins) {
      relax();
      now = generation_.load(std::memory_order_acquire);
    }
    if (now == seen) {
      generation_.wait(seen, std::memory_order_acquire);
      continue;
    }
    if ((now & 1U) != 0) return;
    seen = now;
    take_ranges();
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace linnet
