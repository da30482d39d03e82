#include "engine/read_run.hpp"

#include <deque>
#include <utility>

#include "engine/engine.hpp"

namespace linnet::engine {

RunningRead::RunningRead(Engine& engine, std::shared_ptr<ReadJob> job) {
  engine.scheduler().submit_when_possible(job);
  job_ = std::move(job);
}

RunningRead& RunningRead::operator=(RunningRead&& other) noexcept {
  abandon();
  job_ = std::exchange(other.job_, nullptr);
  return *this;
}

Metrics RunningRead::wait() { return std::exchange(job_, nullptr)->wait(); }

void RunningRead::abandon() noexcept {
  if (!job_) return;
  job_->cancelled.store(true, std::memory_order_relaxed);
  try {
    wait();
  } catch (...) {  // what became of it interests nobody any more
    job_ = nullptr;
  }
}

void read_all(Engine& engine, int64_t count,
              const std::function<std::shared_ptr<ReadJob>(int64_t index)>& make,
              const std::function<void(int64_t index, const Metrics&)>& done) {
  const auto most = static_cast<size_t>(engine.scheduler().options().max_batch) * 2;
  std::deque<RunningRead> running;
  int64_t next = 0;
  for (int64_t i = 0; i < count; ++i) {
    while (next < count && running.size() < most) running.emplace_back(engine, make(next++));
    const Metrics metrics = running.front().wait();
    running.pop_front();
    done(i, metrics);
  }
}

}  // namespace linnet::engine
