#include "engine/scheduler.hpp"

#include <algorithm>

#include "engine/engine.hpp"

namespace linnet::engine {
namespace {

/// Positions beyond its prompt for which a request takes blocks at once, so that its memory does
/// not grow while it runs.
constexpr int64_t kReserveAhead = 2048;

/// So long without a job, and the memory that was kept for the next one goes back to the system.
constexpr std::chrono::seconds kIdle{1};

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

bool before(const std::shared_ptr<Job>& a, const std::shared_ptr<Job>& b) {
  if (a->terms.priority != b->terms.priority) return a->terms.priority > b->terms.priority;
  return a->number < b->number;
}

void insert_in_order(std::vector<std::shared_ptr<Job>>& jobs, std::shared_ptr<Job> job) {
  const auto place = std::ranges::upper_bound(jobs, job, before);
  jobs.insert(place, std::move(job));
}

}  // namespace

Scheduler::Scheduler(Engine& engine, const SchedulerOptions& options)
    : engine_(engine), options_(options), prefixes_(engine.pool(), options.prefix_cache_bytes) {
  thread_ = std::thread([this] { run(); });
}

Scheduler::~Scheduler() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  room_.notify_all();
  reserved_.notify_all();
  thread_.join();
}

int64_t Scheduler::cache_bytes(const Job& job) const {
  const KvPool& pool = engine_.pool();
  int64_t bytes = 0;
  for (size_t g = 0; g < pool.groups().size(); ++g)
    bytes += pool.block_bytes(g) *
             KvSequence::blocks_needed(pool.groups()[g].window, job.positions(), kPrefillChunk);
  return bytes;
}

void Scheduler::check_job(const Job& job) const {
  require(!job.terms.adapter || !job.terms.adapter_key().empty(),
          "the adapter {} has no key that caches could know it by",
          job.terms.adapter ? job.terms.adapter->name() : "");
  const KvPool& pool = engine_.pool();
  const int64_t bytes = cache_bytes(job);
  if (bytes > pool.budget_bytes())
    fail(
        ErrorCode::out_of_memory,
        "{} tokens of prompt and {} to generate need {} bytes of cache; the budget is {}, of which "
        "weights, adapters and workspace leave {}",
        job.prompt_tokens, job.positions() + 1 - job.prompt_tokens, bytes,
        engine_.model().device()->memory().stats().limit_bytes, pool.budget_bytes());
}

bool Scheduler::has_room() const {
  const int64_t running = known_ - queued_;
  return queued_ < options_.max_queue + std::max<int64_t>(0, options_.max_batch - running);
}

void Scheduler::enqueue(const JobPtr& job) {
  job->number = ++submissions_;
  job->submitted = Clock::now();
  incoming_.push_back(job);
  ++known_;
  ++queued_;
  wake_.notify_one();
}

void Scheduler::submit(const JobPtr& job) {
  check_job(*job);
  const std::scoped_lock lock(mutex_);
  if (!has_room())
    fail(ErrorCode::busy, "{} requests run and {} wait, which is as many as may wait",
         known_ - queued_, queued_);
  enqueue(job);
}

void Scheduler::submit_when_possible(const JobPtr& job) {
  check_job(*job);
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closing_ || has_room(); });
  if (closing_) fail(ErrorCode::cancelled, "the model is being closed");
  enqueue(job);
}

void Scheduler::watch(const std::shared_ptr<HeldCache>& cache) {
  const std::scoped_lock lock(mutex_);
  incoming_caches_.push_back(cache);
}

std::shared_ptr<void> Scheduler::reserve(int64_t bytes) {
  const auto wanted = std::make_shared<Reservation>(Reservation{.bytes = bytes});
  std::unique_lock lock(mutex_);
  reservations_.push_back(wanted);
  wake_.notify_one();
  reserved_.wait(lock, [&] { return closing_ || wanted->done; });
  if (!wanted->done) fail(ErrorCode::cancelled, "the model is being closed");
  if (wanted->error) std::rethrow_exception(wanted->error);
  return wanted->result;
}

void Scheduler::wait_until_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return known_ == 0; });
}

SchedulerState Scheduler::state() const {
  const std::scoped_lock lock(mutex_);
  SchedulerState state = state_;
  state.running = known_ - queued_;
  state.waiting = queued_;
  return state;
}

void Scheduler::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [&] {
        return closing_ || !reservations_.empty() || !incoming_.empty() || !waiting_.empty() ||
               !running_.empty();
      };
      if (!wake_.wait_for(lock, kIdle, has_work)) {
        lock.unlock();  // callers need not wait for it
        engine_.model().device()->memory().clear_cache();
        lock.lock();
        wake_.wait(lock, has_work);
      }
      if (closing_) break;
    }
    step(false);
  }
  receive();
  for (std::vector<JobPtr>* jobs : {&running_, &waiting_})
    for (const JobPtr& job : *jobs) end(*job, {.reason = FinishReason::cancelled});
}

/// Takes new jobs into the queue.
void Scheduler::receive() {
  std::vector<JobPtr> incoming;
  std::vector<std::shared_ptr<Reservation>> reservations;
  {
    const std::scoped_lock lock(mutex_);
    incoming.swap(incoming_);
    reservations.swap(reservations_);
    held_.insert(held_.end(), incoming_caches_.begin(), incoming_caches_.end());
    incoming_caches_.clear();
    state_.prefix_cache_bytes = prefixes_.bytes();
  }
  for (JobPtr& job : incoming) insert_in_order(waiting_, std::move(job));
  for (const std::shared_ptr<Reservation>& wanted : reservations) {
    try {
      wanted->result = take_room(wanted->bytes);
    } catch (...) {
      wanted->error = std::current_exception();
    }
    const std::scoped_lock lock(mutex_);
    wanted->done = true;
    reserved_.notify_all();
  }
}

std::shared_ptr<void> Scheduler::take_room(int64_t bytes) {
  KvPool& pool = engine_.pool();
  int64_t promised = 0;
  for (const std::vector<JobPtr>* jobs : {&running_, &waiting_})
    for (const JobPtr& job : *jobs) promised = std::max(promised, cache_bytes(*job));
  if (bytes > pool.budget_bytes() - promised)
    fail(ErrorCode::out_of_memory,
         "{} bytes asked for beside the cache, which may have {} and has promised {} to a request",
         bytes, pool.budget_bytes(), promised);
  while (pool.bytes_in_use() + bytes > pool.budget_bytes() && free_unneeded(nullptr)) {
  }
  return pool.reserve(bytes);
}

/// Ends jobs whose caller asked for it, and those that have waited too long.
void Scheduler::drop_ended(std::vector<JobPtr>& jobs) {
  const Clock::time_point now = Clock::now();
  std::erase_if(jobs, [&](const JobPtr& job) {
    if (job->in_pass) return false;
    if (job->stop_requested()) {
      end(*job, {.reason = FinishReason::cancelled});
      return true;
    }
    const double limit = job->terms.max_queue_seconds;
    const double waited = seconds(now - job->submitted);
    if (limit == 0 || job->admitted || waited <= limit) return false;
    end(*job, {.error = std::make_exception_ptr(
                   Error(ErrorCode::busy,
                         fmt::format("the request has waited for {:.3f} s, its limit is {:.3f} s",
                                     waited, limit)))});
    return true;
  });
}

void Scheduler::admit() {
  while (!waiting_.empty() && static_cast<int64_t>(running_.size()) < options_.max_batch &&
         !(short_of_memory_ && !running_.empty())) {
    const JobPtr job = waiting_.front();
    try {
      if (!give_cache(job)) return;
    } catch (...) {
      job->cache.reset();
      waiting_.erase(waiting_.begin());
      end(*job, {.error = std::current_exception()});
      continue;
    }
    waiting_.erase(waiting_.begin());
    insert_in_order(running_, job);
    job->running = true;
    const std::scoped_lock lock(mutex_);
    --queued_;
    room_.notify_all();
  }
}

/// Puts a running job back into the queue; it keeps what it has generated.
void Scheduler::send_back(const JobPtr& job) {
  job->cache.reset();
  job->running = false;
  ++job->metrics.preemptions;
  insert_in_order(waiting_, job);
  std::erase(running_, job);
  short_of_memory_ = true;
  const std::scoped_lock lock(mutex_);
  ++queued_;
}

/// False: there is no memory for it now. Errors: out_of_memory if there never will be.
bool Scheduler::give_cache(const JobPtr& job) {
  const Job::Terms& terms = job->terms;
  // The rows that are wanted have to be computed; what comes before them may be there already.
  const int64_t most = job->first_wanted();
  if (terms.from)
    job->cache = terms.from->fork(job->ids,
                                  {.most = most,
                                   .max_tokens = job->positions(),
                                   .max_step = kPrefillChunk,
                                   .adapter = terms.adapter_key()},
                                  terms.from == terms.to);
  if (!job->cache) {
    job->cache = std::make_unique<KvSequence>(engine_.pool(), job->positions(), kPrefillChunk,
                                              KvSequence::Reserve::nothing);
    prefixes_.fill(*job->cache, std::span(job->ids).first(static_cast<size_t>(most) + 1),
                   terms.adapter_key());
  }
  const int64_t cached = job->cache->length();
  try {
    job->cache->reserve(job->prompt_tokens + kReserveAhead);
  } catch (const Error&) {
    // For its prompt, though not for its future, others give what they do not need yet.
    for (;;) try {
        job->cache->reserve(static_cast<int64_t>(job->ids.size()));
        break;
      } catch (const Error&) {
        if (free_unneeded(job.get())) continue;
        if (running_.empty()) throw;
        give_up_cache(*job);
        return false;
      }
  }
  if (!job->admitted) {
    job->admitted = Clock::now();
    job->metrics.queue_seconds = seconds(*job->admitted - job->submitted);
    job->metrics.cached_prompt_tokens = cached;
  }
  return true;
}

/// Takes a job's cache away, for the text's next user if there is one.
void Scheduler::give_up_cache(Job& job) {
  if (job.terms.to && job.cache && job.cache->length() > 0) {
    job.terms.to->put(std::move(job.cache), job.ids, job.terms.adapter_key());
    std::erase_if(held_, [&](const std::weak_ptr<HeldCache>& held) {
      return held.expired() || held.lock() == job.terms.to;
    });
    held_.push_back(job.terms.to);
  }
  job.cache.reset();
}

/// Frees memory that nobody needs now, for a job if there is one. False: there is none.
bool Scheduler::free_unneeded(const Job* job) {
  if (prefixes_.evict_one()) return true;
  const int64_t bytes = engine_.pool().bytes_in_use();
  while (!held_.empty()) {
    if (const auto held = held_.front().lock()) held->drop();
    held_.erase(held_.begin());
    if (engine_.pool().bytes_in_use() < bytes) return true;
  }
  for (const JobPtr& other : running_)
    if (other.get() != job) other->cache->give_back_reserve();
  return engine_.pool().bytes_in_use() < bytes;
}

void Scheduler::end(Job& job, const Ending& ending) {
  Metrics& m = job.metrics;
  const MemoryStats memory = engine_.model().device()->memory().stats();
  m.prompt_tokens = job.prompt_tokens;
  m.active_bytes = memory.active_bytes;
  m.peak_bytes = memory.peak_bytes;
  if (m.prefill_seconds > 0)
    m.prefill_tokens_per_second =
        static_cast<double>(m.prompt_tokens - m.cached_prompt_tokens) / m.prefill_seconds;
  give_up_cache(job);
  // The job may live a little longer than the text that it was about.
  job.terms.from.reset();
  job.terms.to.reset();
  job.terms.adapter.reset();
  short_of_memory_ = false;
  {
    const std::scoped_lock lock(mutex_);
    --known_;
    if (!job.running) --queued_;
    room_.notify_all();
    if (known_ == 0) idle_.notify_all();
  }
  job.close(ending);
}

}  // namespace linnet::engine
