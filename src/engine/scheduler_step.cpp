// A step of the scheduler: which rows, their blocks, the forward pass, and what comes out of it.
#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/engine.hpp"
#include "engine/sampler.hpp"
#include "engine/scheduler.hpp"
#include "engine/step_plan.hpp"
#include "ops/view.hpp"

namespace linnet::engine {
namespace {

/// What those who decode wait for a piece of somebody's prompt, about.
constexpr double kPieceSeconds = 0.1;
/// Rows of a prompt that are worth a pass, and the first guess before a rate is known.
constexpr int64_t kSmallestPiece = 32;
/// Guesses that one pass checks, of all jobs together.
constexpr int64_t kGuesses = 64;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void Scheduler::step(bool nested) {
  receive();
  drop_ended(waiting_);
  drop_ended(running_);
  admit();
  std::vector<Share> shares = plan(nested);
  if (!shares.empty()) compute(shares, nested);
}

std::vector<Scheduler::Share> Scheduler::plan(bool nested) {
  std::vector<JobPtr> jobs;
  std::vector<int64_t> remaining;
  for (const JobPtr& job : running_) {
    if (job->in_pass) continue;
    jobs.push_back(job);
    remaining.push_back(job->remaining());
  }
  const int64_t largest = nested ? kNestedChunk : kPrefillChunk;
  int64_t piece = largest;
  if (nested || std::ranges::find(remaining, 1) != remaining.end()) {
    const double rows = seconds_per_row_ > 0 ? kPieceSeconds / seconds_per_row_ : 0;
    piece = std::clamp(static_cast<int64_t>(std::min(rows, 1e6)), kSmallestPiece, largest);
  }
  const std::vector<int64_t> rows = plan_rows(remaining, kPrefillChunk, piece);
  std::vector<Share> shares;
  int64_t first_row = 0;
  int64_t guesses = kGuesses;
  for (size_t i = 0; i < jobs.size(); ++i) {
    Job& job = *jobs[i];
    // It may have been sent back to make room for one before it.
    if (rows[i] == 0 || !job.running) continue;
    job.draft.clear();
    if (!nested && remaining[i] == 1 && guesses > 0) job.guess(std::min(guesses, kMostGuesses));
    Share share{.job = jobs[i], .rows = rows[i] + static_cast<int64_t>(job.draft.size())};
    if (!extend(share, first_row)) continue;
    guesses -= static_cast<int64_t>(job.draft.size());
    first_row += share.rows;
    share.first = job.cache->length();
    const auto fed =
        std::span(job.ids).subspan(static_cast<size_t>(share.first), static_cast<size_t>(rows[i]));
    share.ids.assign(fed.begin(), fed.end());
    share.ids.insert(share.ids.end(), job.draft.begin(), job.draft.end());
    share.known = share.valid = rows[i];
    share.first_wanted = std::max<int64_t>(0, job.first_wanted() - share.first);
    shares.push_back(std::move(share));
  }
  group_adapters(shares);
  return shares;
}

/// Rows of one adapter side by side, so that its matrices are read once.
void Scheduler::group_adapters(std::vector<Share>& shares) {
  const auto key = [](const Share& share) -> const std::string& {
    return share.job->terms.adapter_key();
  };
  if (std::ranges::all_of(shares, [](const Share& share) { return !share.job->terms.adapter; }))
    return;
  std::ranges::stable_sort(shares, {}, key);
  int64_t first_row = 0;
  for (Share& share : shares) {
    for (kernels::KvSequence& group : share.groups) group.first_row = first_row;
    first_row += share.rows;
  }
}

/// Takes the blocks that a share needs. False: the job does not run any more.
bool Scheduler::extend(Share& share, int64_t first_row) {
  const JobPtr job = share.job;
  for (;;) {
    try {
      share.groups = job->cache->extend(share.rows, first_row);
      return true;
    } catch (const Error& error) {
      if (!job->draft.empty()) {  // a guess is not worth anybody's memory
        share.rows -= static_cast<int64_t>(job->draft.size());
        job->draft.clear();
        continue;
      }
      if (error.code() == ErrorCode::out_of_memory && make_room(*job)) continue;
      if (error.code() == ErrorCode::out_of_memory && running_.size() > 1) {
        send_back(job);
      } else {
        std::erase(running_, job);
        end(*job, {.error = std::current_exception()});
      }
      return false;
    }
  }
}

/// Frees some memory for a job. False: there is nothing that it may take.
bool Scheduler::make_room(const Job& job) {
  if (free_unneeded(&job)) return true;
  for (auto last = running_.rbegin(); last != running_.rend() && last->get() != &job; ++last) {
    if ((*last)->in_pass) continue;
    send_back(JobPtr(*last));
    return true;
  }
  return false;
}

void Scheduler::compute(std::span<Share> shares, bool nested) {
  nn::Batch batch;
  batch.sequences.resize(engine_.pool().groups().size());
  int64_t prompt_rows = 0;
  for (const Share& share : shares) {
    const auto first_row = static_cast<int64_t>(batch.ids.size());
    batch.ids.insert(batch.ids.end(), share.ids.begin(), share.ids.end());
    batch.positions.resize(batch.ids.size());
    std::iota(batch.positions.end() - share.rows, batch.positions.end(), share.first);
    for (int64_t row = share.first_wanted; row < share.rows; ++row)
      batch.logit_rows.push_back(static_cast<int32_t>(first_row + row));
    if (const nn::Adapter* adapter = share.job->terms.adapter.get()) {
      if (!batch.adapters.empty() && batch.adapters.back().adapter == adapter)
        batch.adapters.back().rows += share.rows;
      else
        batch.adapters.push_back({.first_row = first_row, .rows = share.rows, .adapter = adapter});
    }
    if (share.known > 1) prompt_rows += share.known;
    for (size_t g = 0; g < share.groups.size(); ++g) batch.sequences[g].push_back(share.groups[g]);
  }
  if (!nested && prompt_rows > kSmallestPiece) batch.between_layers = [this] { between_layers(); };
  for (const Share& share : shares) share.job->in_pass = true;
  const Clock::time_point start = Clock::now();
  nested_seconds_ = nested ? nested_seconds_ : 0;
  Array states;
  std::exception_ptr error;
  try {
    // A nested pass runs inside one that has the engine for itself already.
    states = nested ? engine_.model().states(batch) : engine_.states(batch);
  } catch (...) {
    error = std::current_exception();
  }
  for (const Share& share : shares) share.job->in_pass = false;
  last_pass_ = Clock::now();
  const double taken = seconds(last_pass_ - start);
  if (error && shares.size() == 1) {
    const JobPtr job = shares.front().job;
    std::erase(running_, job);
    return end(*job, {.error = error});
  }
  if (error) {
    // Perhaps there was no memory for all of them together; what was written is written again.
    // Until then nobody else may have their blocks, or compute them.
    for (const Share& share : shares) share.job->in_pass = true;
    for (Share& share : shares) {
      for (kernels::KvSequence& group : share.groups) group.first_row = 0;
      compute({&share, 1}, nested);
    }
    return;
  }
  if (nested) {
    nested_seconds_ += taken;
    const std::scoped_lock lock(mutex_);
    ++state_.nested_passes;
  } else if (prompt_rows >= kSmallestPiece) {
    const double now = (taken - nested_seconds_) / static_cast<double>(batch.ids.size());
    seconds_per_row_ = seconds_per_row_ == 0 ? now : 0.7 * seconds_per_row_ + 0.3 * now;
  }
  hand_out(shares, std::exchange(states, {}));
  for (Share& share : shares) settle(share);
  std::erase_if(running_, [](const JobPtr& job) { return !job->cache; });
}

/// Gives each job its rows. Logits are made of few rows at a time: a text that wants those of every
/// token would need a gigabyte for them otherwise.
void Scheduler::hand_out(std::span<Share> shares, Array states) {
  struct Row {
    Share* share;
    int64_t position;
  };
  std::vector<Row> rows;
  for (Share& share : shares)
    for (int64_t row = share.first_wanted; row < share.rows; ++row)
      rows.push_back({.share = &share, .position = share.first + row});
  const auto give = [](Share& share, int64_t position, const Array& row) {
    if (share.ending) return;
    const int64_t index = position - share.first;
    if (index >= share.valid) {  // of a guess: right if the rows before it led there
      const auto at = static_cast<size_t>(position);
      if (index > share.valid || share.job->ids.size() <= at ||
          share.job->ids[at] != share.ids[static_cast<size_t>(index)])
        return;
      ++share.valid;
    }
    try {
      share.ending = share.job->read(position, row);
    } catch (...) {
      share.ending = Ending{.error = std::current_exception()};
    }
  };
  const auto count = static_cast<int64_t>(rows.size());
  const auto slice = [](const Array& x, int64_t start, int64_t stop) {
    return ops::slice_axis(x, 0, {.start = start, .stop = stop});
  };
  for (int64_t start = 0; start < count;) {
    const Output output = rows[static_cast<size_t>(start)].share->job->output();
    int64_t stop = start;
    while (stop < count && (output == Output::state || stop - start < options_.max_batch) &&
           rows[static_cast<size_t>(stop)].share->job->output() == output)
      ++stop;
    Array values = slice(states, start, stop);
    if (output == Output::logits) values = engine_.model().head(values);
    for (int64_t i = start; i < stop; ++i) {
      const Row& row = rows[static_cast<size_t>(i)];
      give(*row.share, row.position, slice(values, i - start, i - start + 1));
    }
    start = stop;
  }
}

/// What a share's rows leave: a longer cache, full blocks for others, perhaps the job's end.
void Scheduler::settle(Share& share) {
  Job& job = *share.job;
  const int64_t length = share.first + share.valid;
  const int64_t full = share.first / kernels::kBlockTokens;
  job.draft.clear();
  if (job.terms.keep_prefix && length / kernels::kBlockTokens > full)
    prefixes_.keep(*job.cache, std::span(job.ids).first(static_cast<size_t>(length)), full,
                   job.terms.adapter_key());
  job.cache->advance(share.valid);
  if (!job.prompt_read) job.metrics.prefill_seconds = seconds(last_pass_ - *job.admitted);
  job.prompt_read = job.prompt_read || length >= job.prompt_tokens;
  job.metrics.drafted_tokens += share.rows - share.known;
  job.metrics.accepted_tokens += share.valid - share.known;
  if (share.known == 1) job.decoded(share.rows - 1, share.valid - 1);
  if (share.ending) end(job, *share.ending);
}

/// Serves others while a large pass is under way.
void Scheduler::between_layers() {
  const Clock::time_point start = Clock::now();
  bool due = false;
  {
    const std::scoped_lock lock(mutex_);
    due = !incoming_.empty() || !reservations_.empty();
  }
  due = due || (seconds(start - last_pass_) > kPieceSeconds &&
                std::ranges::any_of(running_, [](const JobPtr& job) { return !job->in_pass; }));
  if (!due) return;
  // Until newcomers have their first token, but the pass that waits gets its share of the time.
  do step(true);
  while (seconds(Clock::now() - start) < kPieceSeconds &&
         std::ranges::any_of(
             running_, [](const JobPtr& job) { return !job->in_pass && job->remaining() > 1; }));
}

}  // namespace linnet::engine
