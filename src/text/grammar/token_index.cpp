#include "text/grammar/token_index.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "base/error.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr std::array<uint32_t, 128> make_groups() {
  std::array<uint32_t, 128> groups{};
  // Punctuation that grammars tell apart, one bit each; the rest of it shares one.
  constexpr std::string_view kAlone = " \n\t\r\"\\,:[]{}-.'/()<>=+";
  uint32_t bit = 1;
  for (const char c : kAlone) {
    groups[static_cast<unsigned char>(c)] = bit;
    bit <<= 1;
  }
  for (size_t c = 0; c < 128; ++c) {
    if (groups[c] != 0) continue;
    if (c >= '0' && c <= '9')
      groups[c] = bit;
    else if (c >= 'a' && c <= 'f')
      groups[c] = bit << 1;
    else if (c >= 'A' && c <= 'F')
      groups[c] = bit << 2;
    else if (c >= 'g' && c <= 'z')
      groups[c] = bit << 3;
    else if (c >= 'G' && c <= 'Z')
      groups[c] = bit << 4;
    else if (c < 0x20 || c == 0x7F)
      groups[c] = bit << 5;
    else if (c == '_')
      groups[c] = bit << 6;
    else
      groups[c] = bit << 7;
  }
  return groups;
}
constexpr std::array<uint32_t, 128> kGroups = make_groups();
static_assert(kGroups['!'] < TokenIndex::kWholeCharacters);

// How many bytes may follow `lead`, whose next byte is `next`, as one character; 0 if none. (What
// follows the second byte is looked at byte by byte.)
size_t character_size(unsigned char lead) {
  return lead < 0xC2 || lead > 0xF4 ? 0 : sequence_length(lead);
}
bool may_follow(unsigned char lead, unsigned char second) {
  if (lead == 0xE0) return second >= 0xA0 && second <= 0xBF;
  if (lead == 0xED) return second >= 0x80 && second <= 0x9F;
  if (lead == 0xF0) return second >= 0x90 && second <= 0xBF;
  if (lead == 0xF4) return second >= 0x80 && second <= 0x8F;
  return (second & 0xC0) == 0x80;
}

// groups[i]: of the bytes from i to the end, where i is taken for the start of a character.
void groups_of_suffixes(std::string_view token, std::vector<uint32_t>& groups) {
  groups.assign(token.size() + 1, 0);
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(token[i]); };
  for (size_t i = token.size(); i-- > 0;) {
    const unsigned char lead = byte(i);
    if (lead < 0x80) {
      groups[i] = groups[i + 1] | kGroups[lead];
      continue;
    }
    size_t size = character_size(lead);
    bool valid = size > 0;
    const size_t here = std::min(size, token.size() - i);
    if (valid && here > 1) valid = may_follow(lead, byte(i + 1));
    for (size_t k = 2; valid && k < here; ++k) valid = (byte(i + k) & 0xC0) == 0x80;
    groups[i] = valid ? groups[i + here] | TokenIndex::kWholeCharacters : TokenIndex::kOddBytes;
  }
}

}  // namespace

struct TokenIndex::Impl {
  std::string arena;
  std::vector<std::pair<uint32_t, uint32_t>> spans;  // by id: begin and size in the arena
  std::vector<Node> nodes;
  std::vector<int32_t> order;
  TokenMask all;
  size_t longest = 0;
};

uint32_t TokenIndex::group(unsigned char ascii) { return kGroups[ascii]; }

size_t TokenMask::count() const {
  size_t sum = 0;
  for (const uint64_t word : words_) sum += static_cast<size_t>(std::popcount(word));
  return sum;
}

TokenIndex::TokenIndex(std::span<const std::string> tokens, std::span<const int32_t> never) {
  require(tokens.size() <= size_t{1} << 24, "grammar: a vocabulary of {} tokens, at most {}",
          tokens.size(), size_t{1} << 24);
  auto impl = std::make_shared<Impl>();
  std::vector<bool> left_out(tokens.size());
  for (const int32_t id : never) {
    require(id >= 0 && static_cast<size_t>(id) < tokens.size(),
            "grammar: id {} is never allowed, but there are {} tokens", id, tokens.size());
    left_out[static_cast<size_t>(id)] = true;
  }
  impl->spans.resize(tokens.size());
  size_t total = 0;
  for (size_t id = 0; id < tokens.size(); ++id) {
    require(tokens[id].size() <= kMaxTokenBytes, "grammar: token {} has {} bytes, at most {}", id,
            tokens[id].size(), kMaxTokenBytes);
    if (!left_out[id]) total += tokens[id].size();
  }
  require(total <= size_t{1} << 30, "grammar: a vocabulary of {} bytes, at most {}", total,
          size_t{1} << 30);
  impl->arena.reserve(total);
  impl->all = TokenMask(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (left_out[id] || tokens[id].empty()) continue;
    impl->spans[id] = {static_cast<uint32_t>(impl->arena.size()),
                       static_cast<uint32_t>(tokens[id].size())};
    impl->arena += tokens[id];
    impl->order.push_back(static_cast<int32_t>(id));
    impl->all.allow(static_cast<int32_t>(id));
    impl->longest = std::max(impl->longest, tokens[id].size());
  }
  const auto token = [&](int32_t id) {
    const auto [begin, size] = impl->spans[static_cast<size_t>(id)];
    return std::string_view(impl->arena).substr(begin, size);
  };
  // By the first eight bytes as a number, which nearly always decides.
  struct Key {
    uint64_t prefix;
    int32_t id;
  };
  std::vector<Key> keys;
  keys.reserve(impl->order.size());
  for (const int32_t id : impl->order) {
    uint64_t prefix = 0;
    const std::string_view bytes = token(id);
    for (size_t i = 0; i < 8; ++i)
      prefix = prefix << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    keys.push_back({prefix, id});
  }
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = token(a.id).compare(token(b.id));
    return order != 0 ? order < 0 : a.id < b.id;
  });
  for (size_t i = 0; i < keys.size(); ++i) impl->order[i] = keys[i].id;

  std::vector<Node>& nodes = impl->nodes;
  nodes.push_back({});
  std::vector<uint32_t> path{0};  // the nodes of the last token, the root first
  std::vector<uint32_t> groups;
  std::string_view last;
  const auto close = [&](size_t keep) {  // what is below depth `keep` is complete
    while (path.size() > keep + 1) {
      nodes[path.back()].end = static_cast<uint32_t>(nodes.size());
      path.pop_back();
    }
  };
  for (size_t i = 0; i < impl->order.size(); ++i) {
    const std::string_view bytes = token(impl->order[i]);
    const auto common = static_cast<size_t>(std::ranges::mismatch(last, bytes).in1 - last.begin());
    close(common);
    for (size_t depth = common; depth < bytes.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes.size()));
      nodes.push_back({.first_token = static_cast<uint32_t>(i),
                       .byte = static_cast<uint8_t>(bytes[depth]),
                       .depth = static_cast<uint16_t>(depth + 1)});
    }
    groups_of_suffixes(bytes, groups);
    for (size_t depth = 0; depth <= bytes.size(); ++depth) {
      Node& node = nodes[path[depth]];
      node.groups_below |= groups[depth];
      node.height = static_cast<uint8_t>(
          std::max<size_t>(node.height, std::min<size_t>(bytes.size() - depth, 255)));
    }
    last = bytes;
  }
  close(0);
  nodes[0].end = static_cast<uint32_t>(nodes.size());
  nodes.push_back({.end = static_cast<uint32_t>(nodes.size()),
                   .first_token = static_cast<uint32_t>(impl->order.size())});
  impl_ = std::move(impl);
}

size_t TokenIndex::vocabulary() const { return impl_->spans.size(); }

std::string_view TokenIndex::bytes(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= impl_->spans.size()) return {};
  const auto [begin, size] = impl_->spans[static_cast<size_t>(id)];
  return std::string_view(impl_->arena).substr(begin, size);
}

size_t TokenIndex::longest() const { return impl_->longest; }
std::span<const TokenIndex::Node> TokenIndex::nodes() const { return impl_->nodes; }
std::span<const int32_t> TokenIndex::order() const { return impl_->order; }
const TokenMask& TokenIndex::all() const { return impl_->all; }

size_t TokenIndex::memory_bytes() const {
  return impl_->arena.capacity() + impl_->spans.capacity() * sizeof(impl_->spans[0]) +
         impl_->nodes.capacity() * sizeof(Node) + impl_->order.capacity() * sizeof(int32_t) +
         impl_->all.words().size() * sizeof(uint64_t);
}

}  // namespace linnet::text
