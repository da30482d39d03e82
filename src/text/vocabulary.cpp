#include "text/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <random>

#include "base/error.hpp"
#include "base/huge_pages.hpp"
#include "base/printable.hpp"
#include "text/hash.hpp"

namespace linnet::text {

uint64_t hash_seed() {
  static const uint64_t seed = [] {
    std::random_device device;
    return uint64_t{device()} << 32 | device() | 1;
  }();
  return seed;
}

uint64_t Vocabulary::hash_of(std::string_view token) const { return hash_bytes(token, seed_); }

int32_t Vocabulary::find(std::string_view token, uint64_t hash) const {
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.id < 0) return -1;
    if (slot.tag == tag && slot.span.size == token.size() &&
        std::memcmp(arena_.data() + slot.span.offset, token.data(), token.size()) == 0)
      return slot.id;
  }
}

Vocabulary Vocabulary::parse(const Json& vocab, size_t added_tokens) {
  Vocabulary result;
  result.seed_ = hash_seed();
  simdjson::dom::object object;
  if (vocab.element().get(object) != simdjson::SUCCESS)
    fail(ErrorCode::malformed_file, "{} is not an object", vocab.where());
  size_t expected = object.size();
  if (expected >= 0xFFFFFF)  // simdjson's count saturates at 24 bits
    expected = static_cast<size_t>(std::distance(object.begin(), object.end()));
  const size_t id_limit = expected + added_tokens;
  if (id_limit >= size_t{1} << 31)
    fail(ErrorCode::unsupported, "{} has {} tokens, more than 2^31", vocab.where(), id_limit);
  result.spans_.resize(id_limit);
  resize_huge(result.slots_, std::bit_ceil(expected + expected / 2 + 1));
  result.mask_ = result.slots_.size() - 1;

  size_t bytes = 0;
  for (const auto field : object) bytes += field.key.size();
  if (bytes >= kAbsent) fail(ErrorCode::unsupported, "{} has {} bytes", vocab.where(), bytes);
  result.arena_.reserve(bytes);

  // In batches, so that the table's cache misses overlap.
  constexpr size_t kBatch = 32;
  struct Entry {
    std::string_view token;
    uint64_t hash;
    int32_t id;
  };
  std::array<Entry, kBatch> batch{};
  size_t filled = 0;
  const auto flush = [&] {
    for (size_t i = 0; i < filled; ++i) {
      const auto [token, hash, id] = batch[i];
      Span& span = result.spans_[static_cast<size_t>(id)];
      if (span.offset != kAbsent)
        fail(ErrorCode::malformed_file, "{}: \"{}\" and \"{}\" both have the id {}", vocab.where(),
             printable(result.token(id)), printable(token), id);
      const auto tag = static_cast<uint32_t>(hash >> 32);
      uint64_t at = hash & result.mask_;
      for (; result.slots_[at].id >= 0; at = (at + 1) & result.mask_) {
        const Slot slot = result.slots_[at];
        if (slot.tag == tag && result.token(slot.id) == token)
          fail(ErrorCode::malformed_file,
               "{}: the token \"{}\" appears twice, with the ids {} and {}", vocab.where(),
               printable(token), slot.id, id);
      }
      span = {static_cast<uint32_t>(result.arena_.size()), static_cast<uint32_t>(token.size())};
      result.slots_[at] = {tag, id, span};
      result.arena_ += token;
      ++result.size_;
    }
    filled = 0;
  };
  for (const auto field : object) {
    int64_t id = 0;
    if (field.value.get(id) != simdjson::SUCCESS)
      fail(ErrorCode::malformed_file, "{}: the id of \"{}\" is not an integer", vocab.where(),
           printable(field.key));
    if (id < 0 || id >= static_cast<int64_t>(id_limit))
      fail(ErrorCode::malformed_file, "{}: \"{}\" has the id {}, but the file has {} tokens",
           vocab.where(), printable(field.key), id, id_limit);
    const uint64_t hash = result.hash_of(field.key);
    result.prefetch(hash);
    batch[filled++] = {field.key, hash, static_cast<int32_t>(id)};
    if (filled == kBatch) flush();
  }
  flush();
  return result;
}

}  // namespace linnet::text
