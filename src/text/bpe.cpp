#include "text/bpe.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/huge_pages.hpp"
#include "base/printable.hpp"
#include "text/byte_level.hpp"
#include "text/hash.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr char32_t kPlane = 0x10000;

// Up to here looking for the lowest rank again and again beats a heap.
constexpr size_t kShortWord = 32;

}  // namespace

void BpeScratch::trim() {
  constexpr size_t kKeep = size_t{1} << 16;
  if (symbols.capacity() > kKeep) symbols = {};
  if (previous.capacity() > kKeep) previous = {};
  if (next.capacity() > kKeep) next = {};
  if (queue.capacity() > kKeep) queue = {};
  if (spelled.capacity() > kKeep) spelled = {};
}

Bpe Bpe::parse(const Json& model, size_t added_tokens, bool input_is_bytes) {
  const std::string type = model.get("type", "BPE");  // old files have none
  if (type != "BPE")
    fail(ErrorCode::unsupported, "{}: the model type \"{}\" is not implemented", model.where(),
         printable(type));
  if (model.get("dropout", 0.0) != 0.0)
    fail(ErrorCode::unsupported, "{}: dropout is {}: encoding at random is not implemented",
         model.where(), model.get("dropout", 0.0));
  Bpe bpe;
  bpe.vocabulary_ = Vocabulary::parse(model.at("vocab"), added_tokens);
  bpe.seed_ = hash_seed();
  bpe.prefix_ = model.get("continuing_subword_prefix", "");
  bpe.suffix_ = model.get("end_of_word_suffix", "");
  bpe.fuse_unknown_ = model.get("fuse_unk", false);
  bpe.byte_fallback_ = model.get("byte_fallback", false);
  bpe.ignore_merges_ = model.get("ignore_merges", false);
  bpe.input_is_bytes_ = input_is_bytes;
  if (const auto unknown = model.find("unk_token")) {
    bpe.unknown_ = bpe.vocabulary_.find(unknown->as_string());
    if (bpe.unknown_ < 0)
      fail(ErrorCode::malformed_file, "{} \"{}\" is not in the vocabulary", unknown->where(),
           printable(unknown->as_string()));
  }
  bpe.read_merges(model.at("merges"));
  bpe.find_single_characters();
  bpe.find_word_ends();
  return bpe;
}

size_t Bpe::slot_of(uint64_t pair) const {
  return static_cast<size_t>(hash_mix(pair ^ seed_, 0x9E3779B97F4A7C15) & merge_mask_);
}

const Bpe::Merge* Bpe::find_merge(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  return find_merge_from(slot_of(pair), pair);
}

const Bpe::Merge* Bpe::find_merge_from(size_t slot, uint64_t pair) const {
  for (size_t at = slot;; at = (at + 1) & merge_mask_) {
    const Merge& merge = merges_[at];
    if (merge.pair == pair) return &merge;
    if (merge.pair == kFree) return nullptr;
  }
}

void Bpe::insert_merge(uint64_t pair, uint32_t rank, int32_t id) {
  size_t at = slot_of(pair);
  while (merges_[at].pair != kFree && merges_[at].pair != pair) at = (at + 1) & merge_mask_;
  merges_[at] = {pair, rank, id};  // of two merges of the same pair the later one counts
}

void Bpe::read_merges(const Json& merges) {
  simdjson::dom::array array;
  if (merges.element().get(array) != simdjson::SUCCESS)
    fail(ErrorCode::malformed_file, "{} is not an array", merges.where());
  size_t count = array.size();
  if (count >= 0xFFFFFF) count = static_cast<size_t>(std::distance(array.begin(), array.end()));
  if (count >= std::numeric_limits<uint32_t>::max() / 2)
    fail(ErrorCode::unsupported, "{} has {} entries", merges.where(), count);
  resize_huge(merges_, std::bit_ceil(count + count / 2 + 1));
  merge_mask_ = merges_.size() - 1;

  // In batches, as Vocabulary::parse: three lookups and an insertion each, all cache misses.
  constexpr size_t kBatch = 32;
  struct Entry {
    std::array<std::string_view, 3> strings;  // left, right, merged
    std::array<uint64_t, 3> hashes;
    std::array<int32_t, 3> ids;
  };
  std::array<Entry, kBatch> batch;
  std::string merged;
  size_t filled = 0;
  uint32_t rank = 0;
  const auto flush = [&] {
    size_t at = 0;
    for (size_t i = 0; i < filled; ++i) {  // `merged` may have moved while it grew
      auto& view = batch[i].strings[2];
      view = std::string_view(merged).substr(at, view.size());
      at += view.size();
    }
    for (size_t i = 0; i < filled; ++i)
      for (const uint64_t hash : batch[i].hashes) vocabulary_.prefetch_string(hash);
    for (size_t i = 0; i < filled; ++i) {
      Entry& entry = batch[i];
      for (size_t k = 0; k < 3; ++k) {
        entry.ids[k] = vocabulary_.find(entry.strings[k], entry.hashes[k]);
        if (entry.ids[k] < 0)
          fail(ErrorCode::malformed_file, "{}.{}: \"{}\" + \"{}\": \"{}\" is not in the vocabulary",
               merges.where(), rank + i, printable(entry.strings[0]), printable(entry.strings[1]),
               printable(entry.strings[k]));
      }
      __builtin_prefetch(&merges_[slot_of(pair_of(entry.ids[0], entry.ids[1]))], 1);
    }
    for (size_t i = 0; i < filled; ++i)
      insert_merge(pair_of(batch[i].ids[0], batch[i].ids[1]), rank++, batch[i].ids[2]);
    filled = 0;
    merged.clear();
  };
  for (const auto element : array) {
    Entry& entry = batch[filled];
    auto& [left, right, both] = entry.strings;
    std::string_view line;
    if (element.get(line) == simdjson::SUCCESS) {
      if (line.starts_with("#version")) continue;
      const size_t space = line.find(' ');
      if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
        fail(ErrorCode::malformed_file, "{}.{}: \"{}\" is not two tokens with a space between",
             merges.where(), rank + filled, printable(line));
      left = line.substr(0, space);
      right = line.substr(space + 1);
    } else {
      simdjson::dom::array pair;
      if (element.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
          pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS)
        fail(ErrorCode::malformed_file, "{}.{} is neither a string nor a pair of strings",
             merges.where(), rank + filled);
    }
    const size_t start = merged.size();
    merged += left;
    merged += right.substr(std::min(prefix_.size(), right.size()));
    both = std::string_view(merged).substr(start);
    for (size_t k = 0; k < 3; ++k) {
      entry.hashes[k] = vocabulary_.hash_of(entry.strings[k]);
      vocabulary_.prefetch(entry.hashes[k]);
    }
    if (++filled == kBatch) flush();
  }
  flush();
}

void Bpe::find_single_characters() {
  bytes_known_ = input_is_bytes_ && prefix_.empty() && suffix_.empty();
  std::string text;
  for (unsigned byte = 0; byte < 256; ++byte) {
    text.clear();
    append_utf8(kByteChars[byte], text);
    byte_tokens_[byte] = vocabulary_.find(text);
    if (byte_tokens_[byte] < 0) bytes_known_ = false;
    fallback_ids_[byte] = vocabulary_.find(fmt::format("<0x{:02X}>", byte));
  }
  if (bytes_known_) return;
  characters_.assign(kPlane, -1);
  const auto limit = static_cast<int32_t>(vocabulary_.id_limit());
  for (int32_t id = 0; id < limit; ++id) {
    if (!vocabulary_.contains(id)) continue;
    const std::string_view token = vocabulary_.token(id);
    if (token.empty() || token.size() > 3 ||
        token.size() != sequence_length(static_cast<unsigned char>(token[0])))
      continue;
    characters_[code_point_at(token, 0)] = id;
  }
}

// SentencePiece-style files leave a whole text in one piece, spaces written as U+2581. Where no
// token of the vocabulary has the character c before a U+2581, no merge can reach across "c
// U+2581", so a piece may be cut there without any change to its ids; the words then fit the cache.
// (c must have a token itself, for unknown characters fuse.)
void Bpe::find_word_ends() {
  if (input_is_bytes_ || ignore_merges_ || !prefix_.empty() || !suffix_.empty()) return;
  if (vocabulary_.find(kSpaceMark) < 0) return;
  word_ends_.resize(kPlane);
  for (size_t c = 0; c < kPlane; ++c) word_ends_[c] = characters_[c] >= 0;
  const auto limit = static_cast<int32_t>(vocabulary_.id_limit());
  for (int32_t id = 0; id < limit; ++id) {
    if (!vocabulary_.contains(id)) continue;
    const std::string_view token = vocabulary_.token(id);
    for (size_t at = token.find(kSpaceMark, 1); at < token.size();
         at = token.find(kSpaceMark, at + 1)) {
      const char32_t before = code_point_at(token, previous_start(token, at));
      if (before < kPlane) word_ends_[before] = false;
    }
  }
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() >= size_t{1} << 30)
    fail(ErrorCode::invalid_argument, "a piece of text has {} bytes, more than 2^30", piece.size());
  if (!word_ends_.empty()) {
    size_t from = kSpaceMark.size();
    while (from < piece.size()) {
      const void* found =
          memmem(piece.data() + from, piece.size() - from, kSpaceMark.data(), kSpaceMark.size());
      if (found == nullptr) break;
      const auto at = static_cast<size_t>(static_cast<const char*>(found) - piece.data());
      const char32_t before = code_point_at(piece, previous_start(piece, at));
      from = at + kSpaceMark.size();
      if (before >= kPlane || !word_ends_[before]) continue;
      encode_word(piece.substr(0, at), scratch, ids);
      piece.remove_prefix(at);
      from = kSpaceMark.size();
    }
  }
  encode_word(piece, scratch, ids);
}

void Bpe::encode_word(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (word.empty()) return;
  if (word.size() > WordCache::kMaxBytes) return encode_uncached(word, scratch, ids);
  const uint64_t hash = scratch.cache.hash_of(word);
  if (const WordCache::Entry* entry = scratch.cache.find(word, hash)) {
    ids.insert(ids.end(), entry->ids, entry->ids + entry->count);
    return;
  }
  const size_t start = ids.size();
  encode_uncached(word, scratch, ids);
  const std::span<const int32_t> tokens(ids.data() + start, ids.size() - start);
  if (tokens.size() <= WordCache::kMaxIds) scratch.cache.insert(word, hash, tokens);
}

void Bpe::encode_uncached(std::string_view word, BpeScratch& scratch,
                          std::vector<int32_t>& ids) const {
  const bool spell = input_is_bytes_ && (ignore_merges_ || !bytes_known_);
  if (spell) {
    scratch.spelled.clear();
    append_byte_level(word, scratch.spelled);
  }
  const std::string_view text = spell ? std::string_view(scratch.spelled) : word;
  if (ignore_merges_) {
    const int32_t id = vocabulary_.find(text);
    if (id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  auto& symbols = scratch.symbols;
  symbols.clear();
  if (bytes_known_) {
    split_bytes(word, symbols);
  } else {
    split_characters(text, symbols);
  }
  if (symbols.size() <= kShortWord) {
    merge_short(symbols);
  } else {
    merge_long(scratch);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void Bpe::split_bytes(std::string_view word, std::vector<int32_t>& symbols) const {
  for (const char byte : word) symbols.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
}

int32_t Bpe::find_character(std::string_view word, size_t at, size_t size) const {
  if (!prefix_.empty() || !suffix_.empty()) {
    std::string text;
    if (at > 0) text += prefix_;
    text += word.substr(at, size);
    if (at + size == word.size()) text += suffix_;
    return vocabulary_.find(text);
  }
  if (size < 4) return characters_[code_point_at(word, at)];
  return vocabulary_.find(word.substr(at, size));
}

void Bpe::split_characters(std::string_view word, std::vector<int32_t>& symbols) const {
  bool pending = false;  // an unknown symbol, not yet appended because the next may fuse with it
  for (size_t at = 0; at < word.size();) {
    const size_t size = sequence_length(static_cast<unsigned char>(word[at]));
    const int32_t id = find_character(word, at, size);
    if (id >= 0) {
      if (pending) symbols.push_back(unknown_);
      pending = false;
      symbols.push_back(id);
    } else {
      const std::string_view bytes = word.substr(at, size);
      const auto fallback = [&](char byte) {
        return fallback_ids_[static_cast<unsigned char>(byte)];
      };
      if (byte_fallback_ &&
          std::ranges::all_of(bytes, [&](char byte) { return fallback(byte) >= 0; })) {
        // A pending unknown stays pending, and so comes after these: Hugging Face's order.
        for (const char byte : bytes) symbols.push_back(fallback(byte));
      } else if (unknown_ >= 0) {
        if (pending && !fuse_unknown_) symbols.push_back(unknown_);
        pending = true;
      }
    }
    at += size;
  }
  if (pending) symbols.push_back(unknown_);
}

void Bpe::merge_short(std::vector<int32_t>& symbols) const {
  constexpr uint32_t kNone = UINT32_MAX;
  std::array<uint32_t, kShortWord> ranks;
  std::array<int32_t, kShortWord> merged;
  size_t count = symbols.size();
  const auto set = [&](size_t i, const Merge* merge) {
    ranks[i] = merge != nullptr ? merge->rank : kNone;
    merged[i] = merge != nullptr ? merge->id : -1;
  };
  // The table is larger than the caches: all its lines are asked for before the first is needed.
  std::array<size_t, kShortWord> slots;
  for (size_t i = 0; i + 1 < count; ++i) {
    slots[i] = slot_of(pair_of(symbols[i], symbols[i + 1]));
    __builtin_prefetch(&merges_[slots[i]]);
  }
  for (size_t i = 0; i + 1 < count; ++i)
    set(i, find_merge_from(slots[i], pair_of(symbols[i], symbols[i + 1])));
  while (count > 1) {
    const auto* lowest = std::min_element(ranks.data(), ranks.data() + count - 1);
    if (*lowest == kNone) break;
    const auto at = static_cast<size_t>(lowest - ranks.data());
    symbols[at] = merged[at];
    const auto close_gap = [&](auto* values, size_t gap, size_t end) {
      std::copy(values + gap + 1, values + end, values + gap);
    };
    close_gap(symbols.data(), at + 1, count);
    close_gap(ranks.data(), at, count - 1);
    close_gap(merged.data(), at, count - 1);
    --count;
    const bool has_left = at > 0;
    const bool has_right = at + 1 < count;
    const uint64_t left = has_left ? pair_of(symbols[at - 1], symbols[at]) : 0;
    const uint64_t right = has_right ? pair_of(symbols[at], symbols[at + 1]) : 0;
    const size_t left_slot = slot_of(left);
    const size_t right_slot = slot_of(right);
    __builtin_prefetch(&merges_[left_slot]);
    __builtin_prefetch(&merges_[right_slot]);
    if (has_left) set(at - 1, find_merge_from(left_slot, left));
    if (has_right) set(at, find_merge_from(right_slot, right));
  }
  symbols.resize(count);
}

void Bpe::merge_long(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& queue = scratch.queue;
  const auto count = static_cast<int32_t>(symbols.size());
  constexpr int32_t kGone = -1;
  scratch.previous.resize(symbols.size());
  scratch.next.resize(symbols.size());
  int32_t* const symbol = symbols.data();
  int32_t* const previous = scratch.previous.data();
  int32_t* const next = scratch.next.data();
  for (int32_t i = 0; i < count; ++i) {
    previous[i] = i - 1;
    next[i] = i + 1;
  }
  queue.clear();
  // An entry is the rank above the position: the smallest is the lowest rank, leftmost.
  const auto candidate = [&](int32_t at) -> uint64_t {
    const Merge* merge = find_merge(symbol[at], symbol[next[at]]);
    return merge == nullptr ? kFree : uint64_t{merge->rank} << 32 | static_cast<uint32_t>(at);
  };
  for (int32_t i = 0; i + 1 < count; ++i)
    if (const uint64_t entry = candidate(i); entry != kFree) queue.push_back(entry);
  std::make_heap(queue.begin(), queue.end(), std::greater<>());
  const auto push = [&](int32_t at) {
    const uint64_t entry = candidate(at);
    if (entry == kFree) return;
    queue.push_back(entry);
    std::push_heap(queue.begin(), queue.end(), std::greater<>());
  };
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    const uint64_t entry = queue.back();
    queue.pop_back();
    const auto at = static_cast<int32_t>(entry & UINT32_MAX);
    if (symbol[at] == kGone || next[at] == count) continue;
    const int32_t right = next[at];
    const Merge* merge = find_merge(symbol[at], symbol[right]);
    if (merge == nullptr || merge->rank != entry >> 32) continue;  // overtaken by another merge
    symbol[at] = merge->id;
    symbol[right] = kGone;
    next[at] = next[right];
    if (next[at] < count) {
      previous[next[at]] = at;
      push(at);
    }
    if (previous[at] >= 0) push(previous[at]);
  }
  std::erase(symbols, kGone);
}

}  // namespace linnet::text
