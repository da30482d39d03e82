#include "text/pre_tokenizer.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/byte_level.hpp"
#include "text/growth.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr const char* kGpt2Regex =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

// A piece goes down the steps by recursion.
constexpr size_t kMaxSteps = 64;

SplitBehavior parse_behavior(const Json& entry) {
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  for (const auto& [name, behavior] : kNames)
    if (entry.as_string() == name) return behavior;
  fail(ErrorCode::unsupported, "{}: the behavior \"{}\" is not implemented", entry.where(),
       printable(entry.as_string()));
}

// Takes the stretches of a text in order, matches and what lies between them, and passes on the
// pieces that a behaviour makes of them. One stretch is held back at most.
template <class Emit>
class Cutter {
 public:
  Cutter(SplitBehavior behavior, Emit emit) : behavior_(behavior), emit_(std::move(emit)) {}

  void stretch(size_t begin, size_t end, bool is_match) {
    switch (behavior_) {
      case SplitBehavior::isolated: emit_(begin, end); return;
      case SplitBehavior::removed:
        if (!is_match) emit_(begin, end);
        return;
      case SplitBehavior::contiguous: join_or_hold(begin, end, is_match == previous_match_); break;
      case SplitBehavior::merged_with_previous:
        join_or_hold(begin, end, is_match && !previous_match_);
        break;
      case SplitBehavior::merged_with_next:
        join_or_hold(begin, end, !is_match && previous_match_);
        break;
    }
    previous_match_ = is_match;
  }
  void finish() {
    if (holds_) emit_(begin_, end_);
    holds_ = false;
  }

 private:
  void join_or_hold(size_t begin, size_t end, bool join) {
    if (!(join && holds_)) {
      finish();
      begin_ = begin;
      holds_ = true;
    }
    end_ = end;
  }

  SplitBehavior behavior_;
  Emit emit_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool holds_ = false;
  bool previous_match_ = false;
};

// next(): the following match or nothing.
template <class Next, class Emit>
void cut(std::string_view text, SplitBehavior behavior, bool invert, Next next, Emit emit) {
  Cutter<Emit> cutter(behavior, std::move(emit));
  size_t done = 0;
  while (const std::optional<Match> match = next()) {
    if (done != match->begin) cutter.stretch(done, match->begin, invert);
    cutter.stretch(match->begin, match->end, !invert);
    done = match->end;
  }
  if (done != text.size()) cutter.stretch(done, text.size(), invert);
  cutter.finish();
}

// Successive single characters for which `matches` holds.
template <class Matches>
auto char_finder(std::string_view text, Matches matches) {
  return [text, matches, at = size_t{0}]() mutable -> std::optional<Match> {
    while (at < text.size()) {
      const size_t begin = at;
      at += sequence_length(static_cast<unsigned char>(text[at]));
      if (matches(code_point_at(text, begin))) return Match{begin, at};
    }
    return std::nullopt;
  };
}

}  // namespace

PreTokenizer PreTokenizer::parse(const std::optional<Json>& entry) {
  PreTokenizer result;
  if (!entry) return result;
  result.add(*entry);
  if (result.steps_.size() > kMaxSteps)
    fail(ErrorCode::unsupported, "{} has {} steps, more than {}", entry->where(),
         result.steps_.size(), kMaxSteps);
  if (!result.steps_.empty()) {
    if (auto* last = std::get_if<ByteLevel>(&result.steps_.back())) {
      last->spell = false;
      result.emits_bytes_ = true;
    }
  }
  return result;
}

void PreTokenizer::add(const Json& entry) {
  const Json type_entry = entry.at("type");
  const std::string_view type = type_entry.as_string();
  const auto one_char = [&](const char* key) {
    const Json value = entry.at(key);
    const std::string_view text = value.as_string();
    if (text.empty() || sequence_length(static_cast<unsigned char>(text[0])) != text.size())
      fail(ErrorCode::malformed_file, "{} is \"{}\", expected one character", value.where(),
           printable(text));
    return value;
  };
  if (type == "Sequence") {
    for (const Json& child : entry.at("pretokenizers").elements()) add(child);
  } else if (type == "Split") {
    steps_.emplace_back(Split{Pattern::parse(entry.at("pattern")),
                              parse_behavior(entry.at("behavior")), entry.get("invert", false)});
  } else if (type == "ByteLevel") {
    ByteLevel step{entry.get("add_prefix_space", true), std::nullopt};
    if (entry.get("use_regex", true)) step.regex = Pattern::regex(kGpt2Regex, entry.where());
    steps_.emplace_back(std::move(step));
  } else if (type == "Metaspace") {
    // Older files have add_prefix_space alone, newer ones prepend_scheme (and perhaps both).
    const bool add_prefix_space = entry.get("add_prefix_space", true);
    const std::string scheme = entry.get("prepend_scheme", add_prefix_space ? "always" : "never");
    Prepend prepend = Prepend::always;
    if (scheme == "first") {
      prepend = Prepend::first;
    } else if (scheme == "never") {
      prepend = Prepend::never;
    } else if (scheme != "always") {
      fail(ErrorCode::unsupported, "{}: prepend_scheme \"{}\" is not implemented", entry.where(),
           printable(scheme));
    }
    if (!add_prefix_space && prepend != Prepend::never)
      fail(ErrorCode::malformed_file,
           "{}: prepend_scheme \"{}\" contradicts add_prefix_space false", entry.where(), scheme);
    steps_.emplace_back(Metaspace{std::string(one_char("replacement").as_string()), prepend,
                                  entry.get("split", true)});
  } else if (type == "Digits") {
    steps_.emplace_back(CharSplit{CharKind::numeric, entry.get("individual_digits", false)
                                                         ? SplitBehavior::isolated
                                                         : SplitBehavior::contiguous});
  } else if (type == "Punctuation") {
    const auto behavior = entry.find("behavior");
    steps_.emplace_back(CharSplit{CharKind::punctuation,
                                  behavior ? parse_behavior(*behavior) : SplitBehavior::isolated});
  } else if (type == "Whitespace") {
    steps_.emplace_back(Words{});
  } else if (type == "WhitespaceSplit") {
    steps_.emplace_back(CharSplit{CharKind::whitespace, SplitBehavior::removed});
  } else if (type == "BertPreTokenizer") {
    steps_.emplace_back(CharSplit{CharKind::whitespace, SplitBehavior::removed});
    steps_.emplace_back(CharSplit{CharKind::punctuation, SplitBehavior::isolated});
  } else if (type == "CharDelimiterSplit") {
    steps_.emplace_back(CharSplit{CharKind::delimiter, SplitBehavior::removed,
                                  code_point_at(one_char("delimiter").as_string(), 0)});
  } else {
    fail(ErrorCode::unsupported, "{}: the pre_tokenizer type \"{}\" is not implemented",
         entry.where(), printable(type));
  }
}

// One walk down the steps: every piece of step i goes through the steps after i before the next
// piece is cut.
struct PreTokenizer::Run {
  const std::vector<Step>& steps;
  MatchScratch& scratch;
  PieceSink& sink;
  size_t limit;

  void down(size_t index, std::string_view text, bool at_start) {
    if (text.empty()) return;
    check_growth(text.size(), limit, "the pre_tokenizer");
    if (index == steps.size()) return sink.piece(text);
    std::visit([&](const auto& step) { apply(step, index, text, at_start); }, steps[index]);
  }

  auto pass_on(size_t index, std::string_view text, bool at_start) {
    return [this, index, text, at_start](size_t begin, size_t end) {
      down(index + 1, text.substr(begin, end - begin), at_start && begin == 0);
    };
  }

  void apply(const Split& step, size_t index, std::string_view text, bool at_start) {
    Pattern::Finder finder(step.pattern, text, scratch);
    cut(
        text, step.behavior, step.invert, [&] { return finder.next(); },
        pass_on(index, text, at_start));
  }

  void apply(const ByteLevel& step, size_t index, std::string_view text, bool at_start) {
    std::string prefixed;
    if (step.add_prefix_space && text.front() != ' ') {
      prefixed.reserve(text.size() + 1);
      prefixed += ' ';
      prefixed += text;
      text = prefixed;
    }
    const auto emit = [&](size_t begin, size_t end) {
      const std::string_view piece = text.substr(begin, end - begin);
      if (!step.spell) return down(index + 1, piece, at_start && begin == 0);
      std::string spelled;
      append_byte_level(piece, spelled);
      down(index + 1, spelled, at_start && begin == 0);
    };
    if (!step.regex) return emit(0, text.size());
    size_t done = 0;
    Pattern::Finder finder(*step.regex, text, scratch);
    while (const auto match = finder.next()) {
      if (match->begin > done) emit(done, match->begin);
      emit(match->begin, match->end);  // never empty: every branch takes a character
      done = match->end;
    }
    if (done < text.size()) emit(done, text.size());
  }

  void apply(const Metaspace& step, size_t index, std::string_view text, bool at_start) {
    std::string replaced;
    replaced.reserve(text.size() + text.size() / 2);
    for (const char c : text) {
      if (c == ' ') {
        replaced += step.replacement;
      } else {
        replaced += c;
      }
    }
    const bool wanted =
        step.prepend == Prepend::always || (step.prepend == Prepend::first && at_start);
    if (wanted && !replaced.starts_with(step.replacement)) replaced.insert(0, step.replacement);
    if (!step.split) return down(index + 1, replaced, at_start);
    const char32_t mark = code_point_at(step.replacement, 0);
    cut(replaced, SplitBehavior::merged_with_next, false,
        char_finder(replaced, [mark](char32_t c) { return c == mark; }),
        pass_on(index, replaced, at_start));
  }

  void apply(const CharSplit& step, size_t index, std::string_view text, bool at_start) {
    const auto split = [&](auto matches) {
      cut(text, step.behavior, false, char_finder(text, matches), pass_on(index, text, at_start));
    };
    switch (step.kind) {
      case CharKind::whitespace: return split(is_whitespace);
      case CharKind::numeric: return split(is_numeric);
      case CharKind::punctuation: return split(is_punctuation);
      case CharKind::delimiter: return split([&](char32_t c) { return c == step.delimiter; });
    }
  }

  void apply(const Words&, size_t index, std::string_view text, bool at_start) {
    enum class Kind { space, word, other };
    const auto kind_of = [](char32_t c) {
      return is_word(c) ? Kind::word : is_whitespace(c) ? Kind::space : Kind::other;
    };
    const auto emit = pass_on(index, text, at_start);
    for (size_t begin = 0; begin < text.size();) {
      const Kind kind = kind_of(code_point_at(text, begin));
      size_t end = begin;
      do end += sequence_length(static_cast<unsigned char>(text[end]));
      while (end < text.size() && kind_of(code_point_at(text, end)) == kind);
      if (kind != Kind::space) emit(begin, end);
      begin = end;
    }
  }
};

void PreTokenizer::run(std::string_view text, bool at_start, MatchScratch& scratch,
                       PieceSink& sink) const {
  Run{steps_, scratch, sink, growth_limit(text.size())}.down(0, text, at_start);
}

}  // namespace linnet::text
