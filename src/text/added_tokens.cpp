#include "text/added_tokens.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr size_t kMaxContent = 1024;

}  // namespace

StringMatcher::StringMatcher(const std::vector<std::pair<std::string, size_t>>& strings)
    : strings_(strings) {
  const auto by_string = [](const auto& a, const auto& b) { return a.first < b.first; };
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::stable_sort(strings_.begin(), strings_.end(), by_string);
  strings_.erase(std::unique(strings_.begin(), strings_.end(), same), strings_.end());
  for (uint32_t i = 0; i < strings_.size(); ++i) {
    auto& range = ranges_[static_cast<unsigned char>(strings_[i].first[0])];
    if (range.second == 0) range.first = i;
    range.second = i + 1;
  }
}

std::optional<StringMatcher::Found> StringMatcher::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    auto [low, high] = ranges_[static_cast<unsigned char>(text[begin])];
    std::optional<Found> longest;
    // strings_[low, high) agree with text[begin, begin + depth); the shortest comes first.
    for (size_t depth = 1; low < high; ++depth) {
      if (strings_[low].first.size() == depth) {
        longest = Found{begin, begin + depth, strings_[low].second};
        ++low;
      }
      if (begin + depth >= text.size()) break;
      const auto next = static_cast<unsigned char>(text[begin + depth]);
      const auto byte_at = [depth](const auto& entry) {
        return static_cast<unsigned char>(entry.first[depth]);
      };
      const auto first = strings_.begin() + low;
      const auto last = strings_.begin() + high;
      const auto lower =
          std::partition_point(first, last, [&](const auto& e) { return byte_at(e) < next; });
      const auto upper =
          std::partition_point(lower, last, [&](const auto& e) { return byte_at(e) == next; });
      low = static_cast<uint32_t>(lower - strings_.begin());
      high = static_cast<uint32_t>(upper - strings_.begin());
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

AddedTokens AddedTokens::parse(const std::optional<Json>& entry) {
  AddedTokens result;
  if (!entry) return result;
  for (const Json& token : entry->elements()) {
    AddedToken added;
    added.content = token.at("content").as_string();
    const int64_t id = token.at("id").as_integer();
    if (added.content.empty())
      fail(ErrorCode::malformed_file, "{} has an empty \"content\"", token.where());
    // Every place of a text is compared with as many bytes.
    if (added.content.size() > kMaxContent)
      fail(ErrorCode::unsupported, "{} has a \"content\" of {} bytes, more than {}", token.where(),
           added.content.size(), kMaxContent);
    if (id < 0 || id > INT32_MAX)
      fail(ErrorCode::malformed_file, "{}: \"{}\" has the id {}", token.where(),
           printable(added.content), id);
    added.id = static_cast<int32_t>(id);
    added.special = token.get("special", false);
    added.normalized = token.get("normalized", !added.special);
    added.single_word = token.get("single_word", false);
    added.lstrip = token.get("lstrip", false);
    added.rstrip = token.get("rstrip", false);
    result.tokens_.push_back(std::move(added));
  }
  const auto& tokens = result.tokens_;
  result.by_id_.resize(tokens.size());
  std::iota(result.by_id_.begin(), result.by_id_.end(), 0);
  result.by_content_ = result.by_id_;
  std::ranges::sort(result.by_id_, {}, [&](uint32_t i) { return tokens[i].id; });
  std::ranges::sort(result.by_content_, {},
                    [&](uint32_t i) { return std::string_view(tokens[i].content); });
  for (size_t i = 1; i < tokens.size(); ++i) {
    const AddedToken& a = tokens[result.by_id_[i - 1]];
    const AddedToken& b = tokens[result.by_id_[i]];
    if (a.id == b.id)
      fail(ErrorCode::malformed_file, "{}: \"{}\" and \"{}\" both have the id {}", entry->where(),
           printable(a.content), printable(b.content), a.id);
    const AddedToken& c = tokens[result.by_content_[i - 1]];
    const AddedToken& d = tokens[result.by_content_[i]];
    if (c.content == d.content)
      fail(ErrorCode::malformed_file, "{}: \"{}\" appears twice, with the ids {} and {}",
           entry->where(), printable(c.content), c.id, d.id);
  }
  return result;
}

void AddedTokens::check(const Vocabulary& vocabulary) const {
  for (const AddedToken& token : tokens_) {
    const int32_t known = vocabulary.find(token.content);
    if (known >= 0 && known != token.id)
      fail(ErrorCode::malformed_file,
           "tokenizer.json: the added token \"{}\" has the id {}, but {} in the vocabulary",
           printable(token.content), token.id, known);
    if (known < 0 && vocabulary.contains(token.id))
      fail(
          ErrorCode::malformed_file,
          "tokenizer.json: the added token \"{}\" has the id {}, which is \"{}\" in the vocabulary",
          printable(token.content), token.id, printable(vocabulary.token(token.id)));
  }
}

void AddedTokens::prepare(const Normalizer& normalizer) {
  std::vector<std::pair<std::string, size_t>> raw;
  std::vector<std::pair<std::string, size_t>> normalized;
  MatchScratch scratch;
  // Special ones first: of two that normalise to the same string, the special one counts.
  for (const bool special : {true, false}) {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const AddedToken& token = tokens_[i];
      if (token.special != special) continue;
      if (!token.normalized) {
        raw.emplace_back(token.content, i);
        continue;
      }
      bool at_start = true;
      std::string content =
          normalizer.empty() ? token.content : normalizer.apply(token.content, at_start, scratch);
      if (content.empty())
        fail(ErrorCode::malformed_file,
             "tokenizer.json: nothing is left of the added token \"{}\" when it is normalised",
             printable(token.content));
      normalized.emplace_back(std::move(content), i);
    }
  }
  in_raw_ = StringMatcher(raw);
  in_normalized_ = StringMatcher(normalized);
}

const AddedToken* AddedTokens::find(int32_t id) const {
  const auto at =
      std::ranges::lower_bound(by_id_, id, {}, [&](uint32_t i) { return tokens_[i].id; });
  return at != by_id_.end() && tokens_[*at].id == id ? &tokens_[*at] : nullptr;
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto at = std::ranges::lower_bound(
      by_content_, content, {}, [&](uint32_t i) { return std::string_view(tokens_[i].content); });
  return at != by_content_.end() && tokens_[*at].content == content ? &tokens_[*at] : nullptr;
}

bool AddedTokens::touches_word(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word(code_point_at(text, previous_start(text, begin)))) ||
         (end < text.size() && is_word(code_point_at(text, end)));
}

size_t AddedTokens::spaces_before(std::string_view text, size_t at, size_t least) {
  while (at > least && is_whitespace(code_point_at(text, previous_start(text, at))))
    at = previous_start(text, at);
  return at;
}

size_t AddedTokens::spaces_after(std::string_view text, size_t at) {
  while (at < text.size() && is_whitespace(code_point_at(text, at)))
    at += sequence_length(static_cast<unsigned char>(text[at]));
  return at;
}

}  // namespace linnet::text
