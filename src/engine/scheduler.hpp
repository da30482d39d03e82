// Many requests, one model: the engine's thread.
//
// Each step packs rows of all running requests into one forward pass - the last token of those who
// decode, pieces of the prompts of the others - and hands out what was sampled. Requests come and
// go between steps. Since a row's bits do not depend on the rows beside it (docs/numerics.md), no
// answer depends on who else is served.
//
// Order: higher priority first, then first come, first served. Whoever is admitted has memory for
// its prompt; if there is any, for some of its answer too. When memory is short, kept prefixes go
// first, then texts that are held between two turns (engine/held_cache.hpp), then blocks that were
// taken ahead, then the last of the running requests goes back into the
// queue: it is computed again later, from its prompt and what it has generated, to the same bits.
// Until somebody has ended, nobody is admitted then.
//
// A long prompt is cut into pieces of at most kPrefillChunk rows, and smaller ones while others
// decode, so that these wait about a tenth of a second. A request that comes while a large piece is
// being computed does not wait for its end: it is served between two layers of it.
//
// After a second without a job, memory that was kept for the next one goes back to the system.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "engine/job.hpp"
#include "engine/prefix_cache.hpp"

namespace linnet::engine {

class Engine;

struct SchedulerOptions {
  int64_t max_batch = 32;          ///< requests that run at the same time, >= 1
  int64_t max_queue = 1024;        ///< requests that wait, >= 0
  int64_t prefix_cache_bytes = 0;  ///< of prefixes kept for later requests, >= 0
};

/// Numbers of a moment.
struct SchedulerState {
  int64_t running = 0;
  int64_t waiting = 0;
  int64_t prefix_cache_bytes = 0;
  int64_t nested_passes = 0;  ///< so far, between two layers of others
};

/// Threads: the public functions may be called from any thread. The constructor starts the engine's
/// thread; the destructor cancels what runs and joins it.
class Scheduler {
 public:
  Scheduler(Engine& engine, const SchedulerOptions& options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Puts a job into the queue. Its options and ids have been checked.
  /// Errors: out_of_memory if its cache can never fit; busy if the queue is full.
  void submit(const std::shared_ptr<Job>& job);
  /// The same, but waits for room in the queue instead of failing. Errors: out_of_memory; cancelled
  /// if the scheduler is being closed meanwhile.
  void submit_when_possible(const std::shared_ptr<Job>& job);
  /// Lets a held cache go when its memory is needed.
  void watch(const std::shared_ptr<HeldCache>& cache);
  /// Takes bytes of what the cache may have, as KvPool::reserve. What nobody needs now makes room:
  /// kept prefixes, held texts, blocks that were taken ahead. Waits for the pass that runs, or for
  /// a layer of it. Not from the engine's thread. Errors: out_of_memory if they are not to be had,
  /// or if a request that was accepted could not be served any more even alone; cancelled if the
  /// scheduler is being closed.
  std::shared_ptr<void> reserve(int64_t bytes);
  /// Waits until nothing runs and nothing waits.
  void wait_until_idle();
  [[nodiscard]] SchedulerState state() const;
  [[nodiscard]] const SchedulerOptions& options() const noexcept { return options_; }

 private:
  using Clock = Job::Clock;
  using JobPtr = std::shared_ptr<Job>;
  /// What a job has in a forward pass.
  struct Share {
    JobPtr job;
    int64_t rows = 0;
    int64_t first = 0;         // position of the first row
    std::vector<int32_t> ids;  // [rows]
    std::vector<kernels::KvSequence> groups;
    int64_t known = 0;         // rows of its ids; guesses follow
    int64_t first_wanted = 0;  // the first row that it wants
    int64_t valid = 0;         // rows that turned out to be of its text: all but wrong guesses
    std::optional<Ending> ending = {};
  };

  void run();
  /// Bytes of the cache that it may come to hold.
  [[nodiscard]] int64_t cache_bytes(const Job& job) const;
  /// Errors: out_of_memory if the job's cache can never fit; invalid_argument for an adapter
  /// without a key.
  void check_job(const Job& job) const;
  // With the mutex.
  [[nodiscard]] bool has_room() const;
  void enqueue(const JobPtr& job);

  // Coming and going.
  void receive();
  void drop_ended(std::vector<JobPtr>& jobs);
  void admit();
  bool give_cache(const JobPtr& job);
  void give_up_cache(Job& job);
  bool free_unneeded(const Job* job);
  std::shared_ptr<void> take_room(int64_t bytes);
  void send_back(const JobPtr& job);
  void end(Job& job, const Ending& ending);

  // A step: one forward pass, with what comes before and after it. A nested one runs between two
  // layers of another and leaves the jobs of that alone.
  void step(bool nested);
  std::vector<Share> plan(bool nested);
  static void group_adapters(std::vector<Share>& shares);
  bool extend(Share& share, int64_t first_row);
  bool make_room(const Job& job);
  void compute(std::span<Share> shares, bool nested);
  void between_layers();
  void hand_out(std::span<Share> shares, Array states);
  void settle(Share& share);

  Engine& engine_;
  SchedulerOptions options_;

  // Shared with callers.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::condition_variable room_;  // in the queue
  std::vector<JobPtr> incoming_;
  std::vector<std::weak_ptr<HeldCache>> incoming_caches_;
  int64_t known_ = 0;   // jobs that wait or run, those in incoming_ too
  int64_t queued_ = 0;  // of these, those that wait
  uint64_t submissions_ = 0;
  bool closing_ = false;
  struct Reservation {
    int64_t bytes = 0;
    std::shared_ptr<void> result = nullptr;
    std::exception_ptr error = nullptr;
    bool done = false;
  };
  std::vector<std::shared_ptr<Reservation>> reservations_;  // that are waited for
  std::condition_variable reserved_;
  SchedulerState state_;

  // The engine thread's. Both in order: priority, then number.
  std::vector<JobPtr> waiting_;
  std::vector<JobPtr> running_;
  PrefixCache prefixes_;
  std::vector<std::weak_ptr<HeldCache>> held_;  // least recently put first
  bool short_of_memory_ = false;  // one was sent back to the queue, and nobody has ended since
  double seconds_per_row_ = 0;    // of prompts, lately; 0: not known
  double nested_seconds_ = 0;     // of the steps inside the pass that runs
  Clock::time_point last_pass_;   // when the latest one ended

  std::thread thread_;
};

}  // namespace linnet::engine
