#include "text/normalizer.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/byte_level.hpp"
#include "text/growth.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr size_t kMaxSteps = 1024;

template <class Fn>
void for_each_char(std::string_view text, Fn&& fn) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
    fn(code_point_at(text, at), text.substr(at, size));
    at += size;
  }
}

}  // namespace

Normalizer Normalizer::parse(const std::optional<Json>& entry) {
  Normalizer result;
  if (!entry) return result;
  result.add(*entry);
  if (result.steps_.size() > kMaxSteps)
    fail(ErrorCode::unsupported, "{} has {} steps, more than {}", entry->where(),
         result.steps_.size(), kMaxSteps);
  return result;
}

void Normalizer::add(const Json& entry) {
  const Json type_entry = entry.at("type");
  const std::string_view type = type_entry.as_string();
  if (type == "Sequence") {
    for (const Json& child : entry.at("normalizers").elements()) add(child);
  } else if (type == "NFC") {
    steps_.emplace_back(NormalForm::nfc);
  } else if (type == "NFD") {
    steps_.emplace_back(NormalForm::nfd);
  } else if (type == "NFKC") {
    steps_.emplace_back(NormalForm::nfkc);
  } else if (type == "NFKD") {
    steps_.emplace_back(NormalForm::nfkd);
  } else if (type == "Lowercase") {
    steps_.emplace_back(Lowercase{});
  } else if (type == "StripAccents") {
    steps_.emplace_back(StripAccents{});
  } else if (type == "ByteLevel") {
    steps_.emplace_back(ByteLevel{});
  } else if (type == "Strip") {
    steps_.emplace_back(Strip{entry.at("strip_left").as_bool(), entry.at("strip_right").as_bool()});
  } else if (type == "Replace") {
    steps_.emplace_back(
        Replace{Pattern::parse(entry.at("pattern")), std::string(entry.at("content").as_string())});
  } else if (type == "Prepend") {
    steps_.emplace_back(Prepend{std::string(entry.at("prepend").as_string())});
  } else {
    fail(ErrorCode::unsupported, "{}: the normalizer type \"{}\" is not implemented", entry.where(),
         printable(type));
  }
}

std::string Normalizer::apply(std::string_view text, bool& at_start, MatchScratch& scratch) const {
  // Steps that each double a text would soon take all memory.
  const size_t limit = growth_limit(text.size());
  std::string result;
  for (size_t i = 0; i < steps_.size(); ++i) {
    result = run(steps_[i], i == 0 ? text : std::string_view(result), at_start, scratch, limit);
    check_growth(result.size(), limit, "the normalizer");
  }
  return result;
}

std::string Normalizer::run(const Step& step, std::string_view text, bool& at_start,
                            MatchScratch& scratch, size_t limit) {
  if (const auto* form = std::get_if<NormalForm>(&step)) return to_normal_form(text, *form);
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  if (std::holds_alternative<Lowercase>(step)) {
    for_each_char(text, [&](char32_t c, std::string_view) { append_lower(c, out); });
  } else if (std::holds_alternative<StripAccents>(step)) {
    if (!text.empty() && is_mark(code_point_at(text, 0))) at_start = false;
    for_each_char(text, [&](char32_t c, std::string_view bytes) {
      if (!is_mark(c)) out += bytes;
    });
  } else if (std::holds_alternative<ByteLevel>(step)) {
    append_byte_level(text, out);
  } else if (const auto* strip = std::get_if<Strip>(&step)) {
    size_t begin = 0;
    size_t end = text.size();
    while (strip->left && begin < end && is_whitespace(code_point_at(text, begin)))
      begin += sequence_length(static_cast<unsigned char>(text[begin]));
    while (strip->right && end > begin &&
           is_whitespace(code_point_at(text, previous_start(text, end))))
      end = previous_start(text, end);
    if (begin > 0) at_start = false;
    out = text.substr(begin, end - begin);
  } else if (const auto* replace = std::get_if<Replace>(&step)) {
    if (replace->content.empty()) {
      const auto first = Pattern::Finder(replace->pattern, text, scratch).next();
      if (first && first->begin == 0 && first->end > 0) at_start = false;
    }
    replace->pattern.replace_all(text, replace->content, scratch, out, limit);
  } else if (const auto* prepend = std::get_if<Prepend>(&step)) {
    if (!text.empty()) out = prepend->text;
    out += text;
  }
  return out;
}

}  // namespace linnet::text
