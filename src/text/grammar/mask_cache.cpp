#include "text/grammar/mask_cache.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"

namespace linnet::text::grammar {
namespace {

std::string_view as_bytes(const Threads& threads) {
  return {reinterpret_cast<const char*>(threads.data()), threads.size() * sizeof(Thread)};
}

void append(const Threads& threads, std::string& key) {
  const auto size = static_cast<uint32_t>(threads.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size);
  key += as_bytes(threads);
}

// The frames are in it by their hashes, which stand for them.
std::string key_of(Configuration& configuration) {
  const auto place = [](const Level& level) {
    return level.frame == nullptr ? std::array<uint64_t, 2>{} : level.frame->hash;
  };
  std::ranges::sort(configuration.levels, {}, place);
  std::string key(1, configuration.ended ? 'e' : '-');
  for (const Level& level : configuration.levels) {
    const std::array<uint64_t, 2> hash = place(level);
    key.append(reinterpret_cast<const char*>(hash.data()), sizeof hash);
    append(level.threads, key);
  }
  return key;
}

}  // namespace

MaskCache::MaskCache(const Program& program, const TokenIndex& index)
    : program_(program),
      index_(index),
      horizon_(static_cast<uint32_t>(index.longest()) + 1),
      classes_(program.class_byte.size()),
      simulator_(program, horizon_),
      path_(index.longest() + 1) {}

void MaskCache::allow(const Configuration& configuration, TokenMask& mask) {
  const std::lock_guard lock(mutex_);
  if (statistics_.mask_bytes > kMaxBytes) forget_masks();
  if (statistics_.state_bytes > kMaxBytes) forget_states();
  simulator_.budget = kMaxSteps;
  const auto add = [&](const Node& node) {
    if (node.is_dense) {
      const auto from = node.tokens.words();
      const auto to = mask.words();
      for (size_t i = 0; i < to.size(); ++i) to[i] |= from[i];
    } else {
      for (const int32_t id : node.ids) mask.allow(id);
    }
  };
  // Up the stacks, as far as the rule may end inside a token. Stacks join, so nothing twice.
  constexpr size_t kMaxPaths = 100'000;
  using Place = std::pair<const Node*, const Frame*>;
  std::vector<Place> todo;
  std::set<Place> seen;
  std::set<const Node*> added;
  const auto visit = [&](const Node& node, const Frame* frame) {
    if (frame == nullptr || node.unfinished.empty()) {
      if (added.insert(&node).second) add(node);
    } else if (seen.emplace(&node, frame).second) {
      todo.emplace_back(&node, frame);
    }
  };
  try {
    for (const Level& level : configuration.levels) visit(root(level.threads), level.frame.get());
    while (!todo.empty()) {
      const auto [node, frame] = todo.back();
      todo.pop_back();
      if (added.insert(node).second) add(*node);
      for (const Frame::Caller& c : frame->callers) visit(caller(*node, c.returns), c.frame.get());
      if (seen.size() > kMaxPaths)
        fail(ErrorCode::unsupported, "grammar: more than {} stacks of rules may end in one token",
             kMaxPaths);
    }
  } catch (const Error&) {
    forget_states();  // what was too much is not kept
    throw;
  }
}

MaskStatistics MaskCache::statistics() const {
  const std::lock_guard lock(mutex_);
  MaskStatistics result = statistics_;
  result.states = states_.size();
  return result;
}

const MaskCache::Node& MaskCache::root(const Threads& threads) {
  const bool exact = program_.repeats.empty();
  const Threads clipped = exact ? Threads() : Simulator::clip(threads, horizon_);
  const Threads& key = exact ? threads : clipped;
  if (const auto found = roots_.find(as_bytes(key)); found != roots_.end()) return *found->second;
  Configuration start;
  start.levels.push_back({nullptr, key});
  std::unique_ptr<Node> node = compute(std::move(start), {0}, false);
  statistics_.mask_bytes += as_bytes(key).size();
  return *roots_.emplace(std::string(as_bytes(key)), std::move(node)).first->second;
}

const MaskCache::Node& MaskCache::caller(const Node& node, const Threads& returns) {
  const bool exact = program_.repeats.empty();
  const Threads clipped = exact ? Threads() : Simulator::clip(returns, horizon_);
  const Threads& key = exact ? returns : clipped;
  if (const auto found = node.callers.find(as_bytes(key)); found != node.callers.end())
    return *found->second;
  std::unique_ptr<Node> child = compute(simulator_.resume(key), node.unfinished, true);
  statistics_.mask_bytes += as_bytes(key).size();
  auto& callers = const_cast<Node&>(node).callers;
  return *callers.emplace(std::string(as_bytes(key)), std::move(child)).first->second;
}

std::unique_ptr<MaskCache::Node> MaskCache::compute(Configuration start,
                                                    const std::vector<uint32_t>& from,
                                                    bool is_return) {
  auto node = std::make_unique<Node>();
  ++statistics_.walks;
  // A caller that may end at once leaves everything to its own caller as well.
  if (is_return && start.ended) node->unfinished = from;
  start.ended = false;
  std::vector<Range> accepted;
  if (!start.levels.empty()) {
    const int32_t state = intern(std::move(start));
    for (const uint32_t place : from) walk(state, place, accepted, node->unfinished);
  }
  std::ranges::sort(node->unfinished);
  node->unfinished.erase(std::unique(node->unfinished.begin(), node->unfinished.end()),
                         node->unfinished.end());
  node->unfinished.shrink_to_fit();
  keep(accepted, *node);
  statistics_.mask_bytes += sizeof(Node) + node->ids.capacity() * sizeof(int32_t) +
                            node->tokens.words().size() * sizeof(uint64_t) +
                            node->unfinished.capacity() * sizeof(uint32_t) + 200;
  return node;
}

void MaskCache::walk(int32_t start, uint32_t from, std::vector<Range>& accepted,
                     std::vector<uint32_t>& unfinished) {
  const auto nodes = index_.nodes();
  const uint8_t* classes = program_.byte_class.data();
  path_[nodes[from].depth] = start;
  const uint32_t end = nodes[from].end;
  const auto accept = [&](uint32_t first, uint32_t last) {
    if (first == last) return;
    if (!accepted.empty() && accepted.back().second == first)
      accepted.back().second = last;
    else
      accepted.emplace_back(first, last);
  };
  for (uint32_t at = from + 1; at < end;) {
    const TokenIndex::Node& node = nodes[at];
    const int32_t state = next(path_[node.depth - 1U], classes[node.byte]);
    if (state == kDead) {
      at = node.end;
      continue;
    }
    path_[node.depth] = state;
    const bool has_more = node.end > at + 1;
    if (has_more) {
      if (!states_[static_cast<size_t>(state)].knows_loops) find_loops(state);
      const DfaState& known = states_[static_cast<size_t>(state)];
      if ((node.groups_below & ~known.loops) == 0 && node.height < known.lasts) {
        accept(node.first_token, nodes[node.end].first_token);
        at = node.end;
        continue;
      }
      if (known.configuration.ended) unfinished.push_back(at);
    }
    accept(node.first_token, nodes[at + 1].first_token);
    ++at;
  }
}

// As a list if it is short, else as a mask: of all tokens without the others if those are fewer.
void MaskCache::keep(const std::vector<Range>& accepted, Node& node) {
  const auto order = index_.order();
  size_t total = 0;
  for (const auto& [first, last] : accepted) total += last - first;
  if (total <= index_.vocabulary() / 64) {
    node.ids.reserve(total);
    for (const auto& [first, last] : accepted)
      node.ids.insert(node.ids.end(), order.begin() + first, order.begin() + last);
    return;
  }
  node.is_dense = true;
  // Ranges of a node's own walk rise; those below several places may overlap.
  const bool rise = std::ranges::is_sorted(accepted, {}, &Range::first);
  if (rise && total > order.size() / 2) {
    node.tokens = index_.all();
    uint32_t at = 0;
    const auto forbid_to = [&](uint32_t first) {
      for (; at < first; ++at) node.tokens.forbid(order[at]);
    };
    for (const auto& [first, last] : accepted) {
      forbid_to(first);
      at = std::max(at, last);
    }
    forbid_to(static_cast<uint32_t>(order.size()));
  } else {
    node.tokens = TokenMask(index_.vocabulary());
    for (const auto& [first, last] : accepted)
      for (uint32_t at = first; at < last; ++at) node.tokens.allow(order[at]);
  }
}

int32_t MaskCache::intern(Configuration&& configuration) {
  std::string key = key_of(configuration);
  const auto found = state_ids_.find(key);
  if (found != state_ids_.end()) return found->second;
  const auto id = static_cast<int32_t>(states_.size());
  statistics_.state_bytes += 3 * key.size() + classes_ * sizeof(int32_t) + sizeof(DfaState) + 200;
  if (statistics_.state_bytes > 4 * kMaxBytes)
    fail(ErrorCode::unsupported, "grammar: a mask of it takes more than {} MiB of states",
         4 * (kMaxBytes >> 20));
  states_.push_back({.configuration = std::move(configuration)});
  rows_.resize(rows_.size() + classes_, kUnknown);
  state_ids_.emplace(std::move(key), id);
  return id;
}

int32_t MaskCache::follow(int32_t state, uint8_t byte_class) {
  Configuration after = simulator_.step(states_[static_cast<size_t>(state)].configuration,
                                        program_.class_byte[byte_class]);
  const int32_t id = after.dead() ? kDead : intern(std::move(after));
  rows_[static_cast<size_t>(state) * classes_ + byte_class] = id;
  return id;
}

// Whether every character past ASCII leads from the state back to it.
bool MaskCache::loops_on_characters(int32_t state) {
  const auto through = [&](int32_t at, unsigned first, unsigned last, auto&& then) {
    int32_t before = kUnknown;  // neighbours mostly lead to the same state
    for (unsigned byte = first; byte <= last; ++byte) {
      const int32_t to = next(at, program_.byte_class[byte]);
      if (to == kDead) return false;
      if (to != before && !then(to)) return false;
      before = to;
    }
    return true;
  };
  const auto back = [&](int32_t at) { return at == state; };
  const auto last1 = [&](int32_t at) { return through(at, 0x80, 0xBF, back); };
  const auto last2 = [&](int32_t at) { return through(at, 0x80, 0xBF, last1); };
  return through(state, 0xC2, 0xDF, last1) &&
         through(state, 0xE0, 0xE0, [&](int32_t s) { return through(s, 0xA0, 0xBF, last1); }) &&
         through(state, 0xE1, 0xEC, last2) &&
         through(state, 0xED, 0xED, [&](int32_t s) { return through(s, 0x80, 0x9F, last1); }) &&
         through(state, 0xEE, 0xEF, last2) &&
         through(state, 0xF0, 0xF0, [&](int32_t s) { return through(s, 0x90, 0xBF, last2); }) &&
         through(state, 0xF1, 0xF3, [&](int32_t s) { return through(s, 0x80, 0xBF, last2); }) &&
         through(state, 0xF4, 0xF4, [&](int32_t s) { return through(s, 0x80, 0x8F, last2); });
}

// A state with counters is asked as one whose counters never run out (and need never be satisfied,
// which only takes ways away); the answer holds for as many bytes as the least of them lasts.
void MaskCache::find_loops(int32_t state) {
  states_[static_cast<size_t>(state)].knows_loops = true;
  uint32_t lasts = kUnbounded;
  Configuration endless = states_[static_cast<size_t>(state)].configuration;
  const auto saturate = [&](Threads& threads) {
    bool different = false;
    for (Thread& thread : threads)
      for (size_t i = 0; i < program_.states[thread.state].depth; ++i) {
        Counter& counter = thread.counters[i];
        different |=
            counter.left != kUnbounded || (counter.need != 0 && counter.need != kUnbounded);
        lasts = std::min(lasts, counter.left);
        counter.left = kUnbounded;
        if (counter.need != 0) counter.need = kUnbounded;
      }
    return different;
  };
  bool changed = false;
  std::map<const Frame*, FramePtr> done;
  // As deep as a token is long at most.
  const std::function<FramePtr(const FramePtr&)> saturated = [&](const FramePtr& frame) {
    if (frame == nullptr) return FramePtr();
    FramePtr& result = done[frame.get()];
    if (result != nullptr) return result;
    std::vector<Frame::Caller> callers = frame->callers;
    for (Frame::Caller& caller : callers) {
      changed |= saturate(caller.returns);
      caller.frame = saturated(caller.frame);
    }
    return result = std::make_shared<Frame>(std::move(callers));
  };
  if (!program_.repeats.empty()) {
    for (Level& level : endless.levels) {
      changed |= saturate(level.threads);
      level.frame = saturated(level.frame);
      std::ranges::sort(level.threads);
      level.threads.erase(std::unique(level.threads.begin(), level.threads.end()),
                          level.threads.end());
    }
  }
  uint32_t loops = 0;
  if (changed) {
    const int32_t other = intern(std::move(endless));
    if (other != state) {
      if (!states_[static_cast<size_t>(other)].knows_loops) find_loops(other);
      loops = states_[static_cast<size_t>(other)].loops;
    }
  } else {
    uint32_t missing = 0;
    for (unsigned char byte = 0; byte < 128; ++byte)
      if ((missing & TokenIndex::group(byte)) == 0 &&
          next(state, program_.byte_class[byte]) != state)
        missing |= TokenIndex::group(byte);
    loops = ~missing & ~TokenIndex::kOddBytes & ~TokenIndex::kWholeCharacters;
    if (loops_on_characters(state)) loops |= TokenIndex::kWholeCharacters;
  }
  states_[static_cast<size_t>(state)].loops = loops;
  // A height of 255 stands for more: nothing lasts that long but what lasts for ever.
  states_[static_cast<size_t>(state)].lasts = lasts == kUnbounded ? lasts : std::min(lasts, 255U);
}

// Masks do not name states: they outlive them.
void MaskCache::forget_states() {
  state_ids_.clear();
  states_.clear();
  rows_.clear();
  statistics_.state_bytes = 0;
  ++statistics_.forgets;
}

void MaskCache::forget_masks() {
  roots_.clear();
  statistics_.mask_bytes = 0;
  ++statistics_.forgets;
}

}  // namespace linnet::text::grammar
