#include "text/pattern.hpp"

#include <cstring>

#include "base/error.hpp"
#include "text/growth.hpp"
#include "text/unicode.hpp"

namespace linnet::text {

Pattern Pattern::parse(const Json& pattern) {
  if (const auto text = pattern.find("String")) {
    // An empty literal matches between all characters; the regex engine knows how.
    if (text->as_string().empty()) return Pattern::regex("", text->where());
    return literal(std::string(text->as_string()));
  }
  if (const auto regex = pattern.find("Regex"))
    return Pattern::regex(regex->as_string(), regex->where());
  fail(ErrorCode::malformed_file, "{} has neither an entry \"String\" nor \"Regex\"",
       pattern.where());
}

std::optional<Match> Pattern::Finder::next() {
  const std::string* literal = pattern_.as_literal();
  if (literal != nullptr) {
    // memmem is linear in the text, which string_view::find is not.
    const void* found =
        memmem(text_.data() + from_, text_.size() - from_, literal->data(), literal->size());
    if (found == nullptr) return std::nullopt;
    const auto begin = static_cast<size_t>(static_cast<const char*>(found) - text_.data());
    from_ = begin + literal->size();
    return Match{begin, from_};
  }
  while (from_ <= text_.size()) {
    const auto match = pattern_.regex_->find(text_, from_, scratch_);
    if (!match) break;
    if (match->begin == match->end && last_end_ == match->end) {
      from_ = match->end + (match->end < text_.size()
                                ? sequence_length(static_cast<unsigned char>(text_[match->end]))
                                : 1);
      continue;
    }
    from_ = match->end;
    last_end_ = match->end;
    return match;
  }
  from_ = text_.size() + 1;
  return std::nullopt;
}

void Pattern::replace_all(std::string_view text, std::string_view content, MatchScratch& scratch,
                          std::string& out, size_t limit) const {
  size_t copied = 0;
  Finder finder(*this, text, scratch);
  while (const auto match = finder.next()) {
    out.append(text.substr(copied, match->begin - copied));
    out.append(content);
    check_growth(out.size(), limit, "a replacement");
    copied = match->end;
  }
  out.append(text.substr(copied));
  check_growth(out.size(), limit, "a replacement");
}

}  // namespace linnet::text
