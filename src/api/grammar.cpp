#include <algorithm>
#include <vector>

#include "api/grammar_cache.hpp"

namespace linnet {
namespace {

text::JsonWhitespace to_text(JsonWhitespace whitespace) {
  return whitespace == JsonWhitespace::none ? text::JsonWhitespace::none
                                            : text::JsonWhitespace::flexible;
}

std::string named(std::string_view kind, JsonWhitespace whitespace, std::string_view source) {
  return std::string(kind) + (whitespace == JsonWhitespace::none ? " none\n" : " flexible\n") +
         std::string(source);
}

/// What each token adds to a text. Special tokens add nothing: they are no part of it.
text::TokenIndex make_index(const text::Tokenizer& tokenizer) {
  const auto count = static_cast<int32_t>(tokenizer.vocab_size());
  std::vector<std::string> tokens(static_cast<size_t>(count));
  for (int32_t id = 0; id < count; ++id) {
    if (tokenizer.is_special(id)) continue;
    std::string bytes = tokenizer.token_bytes(id);
    if (bytes.size() <= text::TokenIndex::kMaxTokenBytes)
      tokens[static_cast<size_t>(id)] = std::move(bytes);
  }
  return text::TokenIndex(tokens);
}

}  // namespace

Grammar GrammarCache::wrap(text::Grammar grammar, std::string source) {
  Grammar result;
  result.state_ = std::make_shared<Grammar::State>(
      Grammar::State{.grammar = std::move(grammar), .source = std::move(source)});
  return result;
}

text::GrammarMatcher GrammarCache::matcher(const text::Tokenizer& tokenizer, const Grammar& grammar,
                                           std::span<const int32_t> end_ids) {
  const std::scoped_lock lock(mutex_);
  if (!index_) index_.emplace(make_index(tokenizer));
  const Grammar::State& state = *GrammarCache::state(grammar);
  const auto found = std::ranges::find(entries_, state.source, &Entry::source);
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    entries_.push_front({state.source, text::TokenGrammar(state.grammar, *index_)});
    if (entries_.size() > kKept) entries_.pop_back();
  }
  // A model may have more ids than its tokenizer; those cannot be said in a grammar.
  std::vector<int32_t> known;
  for (const int32_t id : end_ids)
    if (static_cast<size_t>(id) < index_->vocabulary()) known.push_back(id);
  return {entries_.front().grammar, known};
}

std::string_view Grammar::source() const noexcept {
  return state_ ? std::string_view(state_->source) : std::string_view();
}

Grammar Grammar::regex(std::string_view pattern) {
  return GrammarCache::wrap(text::Grammar::regex(pattern), "regex\n" + std::string(pattern));
}

Grammar Grammar::gbnf(std::string_view rules) {
  return GrammarCache::wrap(text::Grammar::gbnf(rules), "gbnf\n" + std::string(rules));
}

Grammar Grammar::json_schema(std::string_view schema, JsonWhitespace whitespace,
                             std::string_view before, std::string_view after) {
  std::string source = named("schema", whitespace, schema);
  // The lengths say where each text ends.
  if (!before.empty() || !after.empty())
    source += "\n" + std::to_string(before.size()) + " " + std::to_string(after.size()) + "\n" +
              std::string(before) + std::string(after);
  return GrammarCache::wrap(text::Grammar::json_schema(schema, to_text(whitespace), before, after),
                            std::move(source));
}

Grammar Grammar::json(JsonWhitespace whitespace) {
  return GrammarCache::wrap(text::Grammar::json_object(to_text(whitespace)),
                            named("object", whitespace, ""));
}

}  // namespace linnet
