#include "text/grammar/configuration.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "text/hash.hpp"

namespace linnet::text::grammar {
namespace {

static_assert(sizeof(Thread) == 4 + 8 * kCounters, "hashed as bytes");

uint64_t hash_of(const Threads& threads, uint64_t seed) {
  return hash_bytes(
      {reinterpret_cast<const char*>(threads.data()), threads.size() * sizeof(Thread)}, seed);
}

// Null has a place of its own.
std::array<uint64_t, 2> place(const FramePtr& frame) {
  return frame == nullptr ? std::array<uint64_t, 2>{} : frame->hash;
}

// Whether every text that `b` may still read can be read by `a`.
bool covers(const Thread& a, const Thread& b) {
  for (size_t i = 0; i < kCounters; ++i)
    if (a.counters[i].need > b.counters[i].need || a.counters[i].left < b.counters[i].left)
      return false;
  return true;
}

}  // namespace

Frame::Frame(std::vector<Caller> of) {
  std::ranges::stable_sort(of, {}, [](const Caller& caller) { return place(caller.frame); });
  for (Caller& caller : of) {
    if (!callers.empty() && equal(callers.back().frame.get(), caller.frame.get())) {
      Threads& returns = callers.back().returns;
      returns.insert(returns.end(), caller.returns.begin(), caller.returns.end());
    } else {
      callers.push_back(std::move(caller));
    }
  }
  // Two hashes under seeds of this process, so that no grammar can be made to collide.
  static const uint64_t seed = hash_seed();
  hash = {seed, ~seed};
  for (Caller& caller : callers) {
    std::ranges::sort(caller.returns);
    caller.returns.erase(std::unique(caller.returns.begin(), caller.returns.end()),
                         caller.returns.end());
    if (caller.frame != nullptr) depth = std::max(depth, caller.frame->depth + 1);
    const std::array<uint64_t, 2> below = place(caller.frame);
    for (size_t i = 0; i < 2; ++i)
      hash[i] = hash_of(caller.returns, hash_mix(hash[i] ^ below[i], 0x9E3779B97F4A7C15 + 2 * i));
  }
}

// A stack of a million frames must not be freed by a million nested calls.
Frame::~Frame() {
  std::vector<FramePtr> last;
  for (Caller& caller : callers) last.push_back(std::move(caller.frame));
  while (!last.empty()) {
    const FramePtr frame = std::move(last.back());
    last.pop_back();
    if (frame == nullptr || frame.use_count() > 1) continue;
    for (Caller& caller : const_cast<Frame&>(*frame).callers)
      last.push_back(std::move(caller.frame));
  }
}

Threads Simulator::clip(const Threads& threads, uint32_t horizon) {
  Threads result = threads;
  for (Thread& thread : result)
    for (Counter& c : thread.counters) {
      if (c.need > horizon) c.need = kUnbounded;
      if (c.left > horizon) c.left = kUnbounded;
    }
  std::ranges::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void Simulator::spend(uint64_t steps) {
  if (steps > budget)
    fail(ErrorCode::unsupported,
         "grammar: one step of it takes too much work (there are too many ways to read one text)");
  budget -= steps;
}

Simulator::Work& Simulator::work_for(const FramePtr& frame) {
  spend(works_.size());
  for (const auto& work : works_)
    if (equal(work->frame.get(), frame.get())) return *work;
  works_.push_back(std::make_unique<Work>());
  works_.back()->frame = frame;
  return *works_.back();
}

Configuration Simulator::start() {
  works_.clear();
  work_for(nullptr).pending.push_back({.state = program_.rules[program_.root].start});
  return settle();
}

Configuration Simulator::resume(const Threads& threads) {
  works_.clear();
  work_for(nullptr).pending = threads;
  return settle();
}

Configuration Simulator::step(const Configuration& from, unsigned char byte) {
  works_.clear();
  for (const Level& level : from.levels) {
    Work* work = nullptr;
    for (const Thread& thread : level.threads) {
      const State& state = program_.states[thread.state];
      if (!program_.sets[state.a][byte]) continue;
      if (work == nullptr) {
        works_.push_back(std::make_unique<Work>());
        work = works_.back().get();
        work->frame = level.frame;
      }
      work->pending.push_back({state.b, thread.counters});
    }
  }
  return settle();
}

// Closes all that is pending: first the ends of rules, from the top of the stacks to the bottom;
// then calls, each rule once, after all that may call it before they read a byte. (A rule that has
// just been called does not end at once: what may be empty is skipped by its caller.)
Configuration Simulator::settle() {
  Configuration result;
  calls_.clear();
  while (!works_.empty()) {
    Work* top = nullptr;
    spend(works_.size());
    for (const auto& work : works_)
      if (!work->is_closed && (top == nullptr || depth(*work) > depth(*top))) top = work.get();
    if (top == nullptr) break;
    top->is_closed = true;
    if (!close(top->pending, top->frame, top->reading)) continue;
    if (top->frame == nullptr) {
      result.ended = true;
    } else {
      for (const Frame::Caller& caller : top->frame->callers) {
        Work& parent = work_for(caller.frame);
        parent.pending.insert(parent.pending.end(), caller.returns.begin(), caller.returns.end());
      }
    }
  }
  while (!calls_.empty()) {
    const auto call = calls_.extract(calls_.begin());
    const auto frame = std::make_shared<Frame>(std::move(call.mapped()));
    Work& work = work_for(frame);
    Threads reading;
    close({{.state = program_.rules[call.key().second].start}}, work.frame, reading);
    work.reading.insert(work.reading.end(), reading.begin(), reading.end());
  }
  size_t threads = 0;
  for (auto& work : works_) {
    if (work->reading.empty()) continue;
    std::ranges::sort(work->reading);
    work->reading.erase(std::unique(work->reading.begin(), work->reading.end()),
                        work->reading.end());
    threads += work->reading.size();
    result.levels.push_back({std::move(work->frame), std::move(work->reading)});
  }
  if (threads > kMaxThreads)
    fail(ErrorCode::unsupported, "grammar: more than {} ways to read one text", kMaxThreads);
  works_.clear();
  return result;
}

// Follows all that reads no byte, keeping only threads that no other one covers. Appends those at
// bytes to `reading` and notes the calls; returns whether the rule may end.
bool Simulator::close(const Threads& pending, const FramePtr& frame, Threads& reading) {
  bool is_final = false;
  met_.clear();
  chain_.clear();
  gone_.clear();
  heads_.assign(16, {0, -1});
  stack_.assign(pending.rbegin(), pending.rend());

  const auto head = [&](StateId state) -> std::pair<StateId, int32_t>& {
    size_t at = hash_mix(state + 1, 0x9E3779B97F4A7C15) & (heads_.size() - 1);
    while (heads_[at].second >= 0 && heads_[at].first != state) at = (at + 1) & (heads_.size() - 1);
    return heads_[at];
  };
  // Whether the thread is new.
  const auto meet = [&](const Thread& thread) {
    auto* first = &head(thread.state);
    // What reads a byte leads no further: that some are kept which others cover costs little, and
    // comparing hundreds of counts with each other would cost more.
    constexpr int kFew = 16;
    int tries = program_.states[thread.state].kind == State::Kind::bytes ? kFew : INT32_MAX;
    for (int32_t i = first->second; i >= 0 && tries > 0; i = chain_[static_cast<size_t>(i)]) {
      --tries;
      const auto at = static_cast<size_t>(i);
      if (gone_[at]) continue;
      if (covers(met_[at], thread)) return false;
      if (covers(thread, met_[at])) gone_[at] = 1;
      spend(1);
    }
    met_.push_back(thread);
    gone_.push_back(0);
    chain_.push_back(first->second);
    *first = {thread.state, static_cast<int32_t>(met_.size() - 1)};
    if (2 * met_.size() > heads_.size()) {
      heads_.assign(4 * heads_.size(), {0, -1});
      std::ranges::fill(chain_, -1);
      for (size_t i = 0; i < met_.size(); ++i) {
        auto& again = head(met_[i].state);
        chain_[i] = again.second;
        again = {met_[i].state, static_cast<int32_t>(i)};
      }
    }
    return true;
  };

  while (!stack_.empty()) {
    const Thread thread = stack_.back();
    stack_.pop_back();
    spend(met_.size() > 4 * kMaxThreads ? UINT64_MAX : 1);
    if (!meet(thread)) continue;
    const State& state = program_.states[thread.state];
    switch (state.kind) {
      case State::Kind::end: is_final = true; break;
      case State::Kind::bytes: break;
      case State::Kind::branch:
        for (uint32_t i = state.b; i > 0; --i)
          stack_.push_back({program_.targets[state.a + i - 1], thread.counters});
        break;
      case State::Kind::call:
        if (state.b == 0)  // the last thing in its rule: nothing to return to
          stack_.push_back({program_.rules[state.a].start});
        else if (program_.rules[state.a].nullable)
          stack_.push_back({state.b, thread.counters});
        break;
      case State::Kind::enter: {
        const Program::Repeat& repeat = program_.repeats[state.b];
        Thread inside{state.a, thread.counters};
        Counter& counter = inside.counters[state.depth];
        counter.need = repeat.min > horizon_ ? kUnbounded : repeat.min;
        counter.left = repeat.max > horizon_ ? kUnbounded : repeat.max;
        stack_.push_back(inside);
        break;
      }
      case State::Kind::loop: {
        const Program::Repeat& repeat = program_.repeats[state.b];
        Counter counter = thread.counters[state.depth - 1U];
        if (counter.need != 0 && counter.need != kUnbounded) --counter.need;
        if (counter.left != kUnbounded) --counter.left;
        if (counter.need == 0) {
          Thread after{state.a, thread.counters};
          after.counters[state.depth - 1U] = {};
          stack_.push_back(after);
        }
        if (counter.left > 0) {
          Thread again{repeat.body, thread.counters};
          again.counters[state.depth - 1U] = counter;
          stack_.push_back(again);
        }
        break;
      }
    }
  }
  std::map<uint32_t, Threads> returns_of;  // by rule
  for (size_t i = 0; i < met_.size(); ++i) {
    if (gone_[i]) continue;
    const State& state = program_.states[met_[i].state];
    if (state.kind == State::Kind::bytes) reading.push_back(met_[i]);
    if (state.kind == State::Kind::call && state.b != 0)
      returns_of[state.a].push_back({state.b, met_[i].counters});
  }
  for (auto& [rule, returns] : returns_of)
    calls_[{program_.rules[rule].rank, rule}].push_back({std::move(returns), frame});
  return is_final;
}

}  // namespace linnet::text::grammar
