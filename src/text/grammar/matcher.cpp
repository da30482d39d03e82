#include "text/grammar/matcher.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace linnet::text {
namespace {

constexpr uint64_t kMaxSteps = 20'000'000;  // of one token

}  // namespace

struct TokenGrammar::Impl {
  Impl(Grammar g, TokenIndex i)
      : grammar(std::move(g)), index(std::move(i)), masks(grammar.program(), index) {}
  const Grammar grammar;
  const TokenIndex index;
  grammar::MaskCache masks;
};

TokenGrammar::TokenGrammar(Grammar grammar, TokenIndex index)
    : impl_(std::make_shared<Impl>(std::move(grammar), std::move(index))) {}

const TokenIndex& TokenGrammar::index() const { return impl_->index; }
grammar::MaskStatistics TokenGrammar::statistics() const { return impl_->masks.statistics(); }

GrammarMatcher::GrammarMatcher(TokenGrammar grammar, std::span<const int32_t> end_ids)
    : grammar_(std::move(grammar)),
      end_ids_(std::make_shared<std::vector<int32_t>>(end_ids.begin(), end_ids.end())) {
  const size_t vocabulary = grammar_.index().vocabulary();
  for (const int32_t id : end_ids)
    require(id >= 0 && static_cast<size_t>(id) < vocabulary,
            "grammar: end-of-sequence id {}, but there are {} tokens", id, vocabulary);
  grammar::Simulator simulator(grammar_.impl_->grammar.program());
  simulator.budget = kMaxSteps;
  configuration_ = simulator.start();
}

GrammarMatcher::GrammarMatcher(const GrammarMatcher& other)
    : grammar_(other.grammar_),
      end_ids_(other.end_ids_),
      configuration_(other.configuration_),
      finished_(other.finished_) {}

GrammarMatcher& GrammarMatcher::operator=(const GrammarMatcher& other) {
  if (this == &other) return *this;
  grammar_ = other.grammar_;
  end_ids_ = other.end_ids_;
  configuration_ = other.configuration_;
  finished_ = other.finished_;
  has_mask_ = false;
  return *this;
}

const TokenMask& GrammarMatcher::mask() {
  if (has_mask_) return mask_;
  const size_t vocabulary = grammar_.index().vocabulary();
  if (mask_.vocabulary() != vocabulary)
    mask_ = TokenMask(vocabulary);
  else
    std::ranges::fill(mask_.words(), 0);
  if (!finished_) {
    grammar_.impl_->masks.allow(configuration_, mask_);
    for (const int32_t id : *end_ids_) may_end() ? mask_.allow(id) : mask_.forbid(id);
  }
  has_mask_ = true;
  return mask_;
}

bool GrammarMatcher::accept(int32_t id) {
  if (finished_) return false;
  if (std::ranges::find(*end_ids_, id) != end_ids_->end()) {
    if (!may_end()) return false;
    finished_ = true;
    has_mask_ = false;
    return true;
  }
  const std::string_view bytes = grammar_.index().bytes(id);
  return !bytes.empty() && accept_bytes(bytes);
}

bool GrammarMatcher::accept_bytes(std::string_view bytes) {
  if (finished_) return false;
  if (bytes.empty()) return true;
  grammar::Simulator simulator(grammar_.impl_->grammar.program());
  simulator.budget = kMaxSteps;
  grammar::Configuration after;
  const grammar::Configuration* at = &configuration_;
  for (const char byte : bytes) {
    after = simulator.step(*at, static_cast<unsigned char>(byte));
    if (after.dead()) return false;
    at = &after;
  }
  configuration_ = std::move(after);
  has_mask_ = false;
  return true;
}

}  // namespace linnet::text
