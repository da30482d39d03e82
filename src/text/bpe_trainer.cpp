#include "text/bpe_trainer.hpp"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <span>
#include <unordered_set>

#include "base/error.hpp"
#include "text/hash.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

// Merging is linear in a word's length for each merge; no text has such words.
constexpr size_t kMaxWordCharacters = 1024;

using Symbol = uint32_t;
using PairKey = uint64_t;  // the left symbol, then the right one: ordered as (left, right)

PairKey key_of(Symbol left, Symbol right) { return PairKey{left} << 32 | right; }
Symbol left_of(PairKey key) { return static_cast<Symbol>(key >> 32); }
Symbol right_of(PairKey key) { return static_cast<Symbol>(key); }

struct KeyHash {
  size_t operator()(PairKey key) const { return hash_mix(key, 0x9E3779B97F4A7C15) ^ key; }
};

struct Word {
  size_t begin;  // in the symbols of all words
  uint32_t size;
  int64_t count;
};

struct PairUse {
  int64_t count = 0;
  std::vector<uint32_t> words;  // where it occurs or once did
};

struct Candidate {
  int64_t count;
  PairKey pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Trainer {
 public:
  Trainer(const WordCounts& words, const BpeTrainerOptions& options)
      : options_(options), reserved_(options.reserved.begin(), options.reserved.end()) {
    const auto sorted = words.sorted();
    make_alphabet(sorted);
    for (const auto& [text, count] : sorted) add_word(text, count);
    for (uint32_t w = 0; w < words_.size(); ++w) count_pairs(w);
    for (const auto& [pair, use] : pairs_) queue_.push({use.count, pair});
  }

  BpeVocabulary train() && {
    while (std::ssize(result_.symbols) < options_.vocab_size && !queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(top.pair);
      if (found == pairs_.end()) continue;
      const int64_t count = found->second.count;
      if (count != top.count) {
        if (count > 0) queue_.push({count, top.pair});
        continue;
      }
      if (count < std::max<int64_t>(options_.min_frequency, 1)) break;
      merge(top.pair, found->second);
      pairs_.erase(top.pair);
    }
    return std::move(result_);
  }

 private:
  void make_alphabet(const std::vector<std::pair<std::string_view, int64_t>>& words) {
    std::map<std::string, int64_t, std::less<>> counts;
    for (const auto& [text, count] : words)
      for (size_t at = 0; at < text.size();) {
        const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
        counts[std::string(text.substr(at, size))] += count;
        at += size;
      }
    std::vector<std::pair<std::string, int64_t>> rest;
    std::set<std::string> kept(options_.initial_alphabet.begin(), options_.initial_alphabet.end());
    for (const auto& [character, count] : counts)
      if (!kept.contains(character)) rest.emplace_back(character, count);
    std::ranges::stable_sort(rest,
                             [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [character, count] : rest) {
      if (options_.limit_alphabet && std::ssize(kept) >= *options_.limit_alphabet) break;
      kept.insert(character);
    }
    // UTF-8 is ordered as its code points are.
    for (const std::string& character : kept) {
      require(!reserved_.contains(character), "the token {} is a character of the text", character);
      add_symbol(character, 1);
    }
    require(std::ssize(kept) <= options_.vocab_size,
            "a vocabulary of {} symbols has no room for the {} characters of the alphabet",
            options_.vocab_size, kept.size());
  }

  Symbol add_symbol(std::string text, int64_t length) {
    const auto symbol = static_cast<Symbol>(result_.symbols.size());
    symbol_of_.emplace(text, symbol);
    result_.symbols.push_back(std::move(text));
    lengths_.push_back(length);
    return symbol;
  }

  void add_word(std::string_view text, int64_t count) {
    const size_t begin = symbols_.size();
    for (size_t at = 0; at < text.size();) {
      const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
      const auto found = symbol_of_.find(std::string(text.substr(at, size)));
      if (found != symbol_of_.end()) symbols_.push_back(found->second);
      at += size;
    }
    words_.push_back({begin, static_cast<uint32_t>(symbols_.size() - begin), count});
  }

  void count_pairs(uint32_t w) {
    const Word& word = words_[w];
    for (size_t i = 1; i < word.size; ++i)
      change(symbols_[word.begin + i - 1], symbols_[word.begin + i], word.count, w);
  }

  /// One more or fewer of a pair, unless the symbol that it would become is too long.
  void change(Symbol left, Symbol right, int64_t count, uint32_t w) {
    if (options_.max_token_length && lengths_[left] + lengths_[right] > *options_.max_token_length)
      return;
    const PairKey key = key_of(left, right);
    PairUse& use = pairs_[key];
    use.count += count;
    if (count < 0) return;
    if (use.words.empty() || use.words.back() != w) use.words.push_back(w);
    grown_.push_back(key);
  }

  void merge(PairKey pair, PairUse& use) {
    const Symbol left = left_of(pair);
    const Symbol right = right_of(pair);
    std::string text = result_.symbols[left] + result_.symbols[right];
    if (reserved_.contains(text)) return;
    const auto known = symbol_of_.find(text);
    const Symbol merged = known != symbol_of_.end()
                              ? known->second
                              : add_symbol(std::move(text), lengths_[left] + lengths_[right]);
    // The same text may come about in two ways, and a pair again after it was merged.
    if (merged_.insert(pair).second)
      result_.merges.emplace_back(result_.symbols[left], result_.symbols[right]);
    grown_.clear();
    const std::vector<uint32_t> words = std::move(use.words);
    for (const uint32_t w : words) merge_in(words_[w], w, pair, merged);
    std::ranges::sort(grown_);
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const PairKey key : grown_)
      if (const auto found = pairs_.find(key); key != pair && found->second.count > 0)
        queue_.push({found->second.count, key});
  }

  void merge_in(Word& word, uint32_t w, PairKey pair, Symbol merged) {
    const std::span<Symbol> symbols(symbols_.data() + word.begin, word.size);
    size_t out = 0;
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (i + 1 == symbols.size() || key_of(symbols[i], symbols[i + 1]) != pair) {
        symbols[out++] = symbols[i];
        continue;
      }
      if (out > 0) {
        change(symbols[out - 1], left_of(pair), -word.count, w);
        change(symbols[out - 1], merged, word.count, w);
      }
      if (i + 2 < symbols.size()) {
        change(right_of(pair), symbols[i + 2], -word.count, w);
        change(merged, symbols[i + 2], word.count, w);
      }
      symbols[out++] = merged;
      ++i;
    }
    word.size = static_cast<uint32_t>(out);
  }

  const BpeTrainerOptions& options_;
  std::unordered_set<std::string> reserved_;
  BpeVocabulary result_;
  std::unordered_map<std::string, Symbol> symbol_of_;
  std::vector<int64_t> lengths_;  // of the symbols, in characters
  std::vector<Symbol> symbols_;   // of all words
  std::vector<Word> words_;
  std::unordered_map<PairKey, PairUse, KeyHash> pairs_;
  std::unordered_set<PairKey, KeyHash> merged_;
  std::vector<PairKey> grown_;  // pairs that became more
  std::priority_queue<Candidate> queue_;
};

}  // namespace

void WordCounts::add(std::string_view word, int64_t count) {
  const auto add_one = [&](std::string_view part) {
    const auto found = counts_.find(part);
    if (found != counts_.end())
      found->second += count;
    else
      counts_.emplace(std::string(part), count);
  };
  if (word.size() <= kMaxWordCharacters) return add_one(word);
  size_t begin = 0;
  size_t characters = 0;
  for (size_t at = 0; at < word.size();) {
    at += sequence_length(static_cast<unsigned char>(word[at]));
    if (++characters < kMaxWordCharacters && at < word.size()) continue;
    add_one(word.substr(begin, at - begin));
    begin = at;
    characters = 0;
  }
}

std::vector<std::pair<std::string_view, int64_t>> WordCounts::sorted() const {
  std::vector<std::pair<std::string_view, int64_t>> words(counts_.begin(), counts_.end());
  std::ranges::sort(words);
  return words;
}

BpeVocabulary train_bpe(const WordCounts& words, const BpeTrainerOptions& options) {
  require(options.vocab_size >= 1 && options.vocab_size < int64_t{1} << 31,
          "a vocabulary of {} symbols", options.vocab_size);
  return Trainer(words, options).train();
}

}  // namespace linnet::text
