// Reading many texts: jobs are kept under way in number, results come in order.
#pragma once

#include <functional>
#include <memory>

#include "engine/read_job.hpp"

namespace linnet::engine {

class Engine;

/// A job that was submitted. If it is not waited for, its end cancels it and waits, so that what
/// its callback refers to may go.
class RunningRead {
 public:
  RunningRead() = default;
  /// Waits for room in the queue. Errors: out_of_memory if its cache can never fit; cancelled if
  /// the engine is closing.
  RunningRead(Engine& engine, std::shared_ptr<ReadJob> job);
  RunningRead(RunningRead&&) noexcept = default;
  RunningRead& operator=(RunningRead&& other) noexcept;
  ~RunningRead() { abandon(); }

  /// Once. Errors: as ReadJob::wait.
  Metrics wait();

 private:
  void abandon() noexcept;

  std::shared_ptr<ReadJob> job_;
};

/// Runs `count` jobs that `make` makes one by one, about as many at a time as the engine serves
/// together, and calls `done` for each in order. Errors: the first of any of them; the rest is
/// cancelled then.
void read_all(Engine& engine, int64_t count,
              const std::function<std::shared_ptr<ReadJob>(int64_t index)>& make,
              const std::function<void(int64_t index, const Metrics&)>& done);

}  // namespace linnet::engine
