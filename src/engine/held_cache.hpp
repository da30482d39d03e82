// Keys and values of a text that somebody will go on with: a session between two turns, the
// instruction that many prompts begin with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/kv_sequence.hpp"

namespace linnet::engine {

/// A place for a KvSequence and the tokens that it holds. It may be empty: when nothing was put
/// yet, while a job has taken it, and after the scheduler took its memory because others needed it;
/// its text is computed again then, to the same bits. So it is for a job with another adapter. All
/// functions may be called from any thread.
class HeldCache {
 public:
  /// Puts a sequence that holds the first tokens of `ids`, in place of what was there. `adapter`:
  /// the key of the adapter that they were computed with (nn::Adapter::key); empty: none.
  void put(std::unique_ptr<KvSequence> cache, std::span<const int32_t> ids,
           std::string adapter = {});
  /// Gives its memory back, unless others hold the same blocks.
  void drop();

  /// What a job needs of it.
  struct Wanted {
    int64_t most = 0;        ///< tokens at most
    int64_t max_tokens = 0;  ///< positions of the sequence
    int64_t max_step = 0;
    std::string adapter = {};
  };
  /// A sequence that begins with as many tokens of `ids` as are here and shares their blocks; null
  /// if there are none, or those of another adapter. `take`: this is empty afterwards.
  std::unique_ptr<KvSequence> fork(std::span<const int32_t> ids, const Wanted& wanted, bool take);
  /// Another place for as many tokens of `ids` as are here, sharing their blocks.
  [[nodiscard]] std::shared_ptr<HeldCache> copy(std::span<const int32_t> ids) const;

  /// How many tokens of `ids` are here.
  [[nodiscard]] int64_t matching(std::span<const int32_t> ids) const;

  /// What is here, for saving it: null if this is empty, and its adapter's key. No other function
  /// goes on meanwhile.
  void read(
      const std::function<void(const KvSequence* cache, const std::string& adapter)>& use) const;

 private:
  [[nodiscard]] int64_t common(std::span<const int32_t> ids) const;

  mutable std::mutex mutex_;
  std::vector<int32_t> ids_;
  std::string adapter_;
  std::unique_ptr<KvSequence> cache_;
};

}  // namespace linnet::engine
