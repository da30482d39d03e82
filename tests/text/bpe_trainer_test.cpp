// Learning merges, against a loop that counts everything again after each.
#include "text/bpe_trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "text/small_tokenizers.hpp"

namespace linnet::text {
namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

Merges plain_training(std::map<std::string, int64_t> counts, size_t vocab_size) {
  std::map<std::string, size_t> ids;
  std::vector<std::string> symbols;
  for (const auto& [word, count] : counts)
    for (const char c : word) ids[std::string(1, c)] = 0;
  for (auto& [symbol, id] : ids) {
    id = symbols.size();
    symbols.push_back(symbol);
  }
  std::vector<std::pair<std::vector<size_t>, int64_t>> words;
  for (const auto& [word, count] : counts) {
    auto& [parts, times] = words.emplace_back();
    for (const char c : word) parts.push_back(ids[std::string(1, c)]);
    times = count;
  }
  Merges merges;
  while (symbols.size() < vocab_size) {
    std::map<std::pair<size_t, size_t>, int64_t> pairs;
    for (const auto& [parts, times] : words)
      for (size_t i = 1; i < parts.size(); ++i) pairs[{parts[i - 1], parts[i]}] += times;
    if (pairs.empty()) break;
    // The first of the greatest: pairs are ordered.
    const auto best =
        std::max_element(pairs.begin(), pairs.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto [left, right] = best->first;
    const std::string text = symbols[left] + symbols[right];
    if (!ids.contains(text)) {
      ids[text] = symbols.size();
      symbols.push_back(text);
    }
    const std::pair merge(symbols[left], symbols[right]);
    if (std::ranges::find(merges, merge) == merges.end()) merges.push_back(merge);
    for (auto& [parts, times] : words) {
      std::vector<size_t> merged;
      for (size_t i = 0; i < parts.size(); ++i) {
        const bool here = i + 1 < parts.size() && parts[i] == left && parts[i + 1] == right;
        merged.push_back(here ? ids[text] : parts[i]);
        i += here;
      }
      parts = merged;
    }
  }
  return merges;
}

WordCounts counted(const std::map<std::string, int64_t>& counts) {
  WordCounts words;
  for (const auto& [word, count] : counts) words.add(word, count);
  return words;
}

TEST(BpeTrainer, AsCountingAllAgain) {
  test::Numbers numbers(1);
  for (int round = 0; round < 60; ++round) {
    std::map<std::string, int64_t> counts;
    const uint32_t letters = 1 + numbers.below(4);
    for (uint32_t w = 0; w < 2 + numbers.below(20); ++w) {
      std::string word;
      for (uint32_t i = 0; i < 1 + numbers.below(12); ++i)
        word += static_cast<char>('a' + numbers.below(letters));
      counts[word] += 1 + numbers.below(3);
    }
    for (const size_t size : {5, 12, 40}) {
      const BpeVocabulary learned =
          train_bpe(counted(counts), {.vocab_size = static_cast<int64_t>(size)});
      EXPECT_EQ(learned.merges, plain_training(counts, size)) << round << " " << size;
      EXPECT_LE(learned.symbols.size(), size);
    }
  }
}

// The words and merges of a test of Hugging Face's BpeTrainer.
TEST(BpeTrainer, FrequentPairsOnly) {
  const auto words = counted({{"roses", 1},
                              {"are", 2},
                              {"red", 1},
                              {"voilets", 1},
                              {"blue", 1},
                              {"BERT", 1},
                              {"is", 2},
                              {"big", 1},
                              {"and", 1},
                              {"so", 1},
                              {"GPT-2", 1}});
  const BpeVocabulary learned = train_bpe(words, {.min_frequency = 2});
  EXPECT_EQ(learned.merges, (Merges{{"r", "e"}, {"a", "re"}, {"i", "s"}}));
  ASSERT_EQ(learned.symbols.size(), 25U);
  EXPECT_EQ(learned.symbols[0], "-");
  EXPECT_EQ(learned.symbols[24], "is");
}

TEST(BpeTrainer, AlphabetAndLengths) {
  const auto words = counted({{"aéb", 5}, {"ab", 3}, {"xyxy", 1}});
  const BpeVocabulary limited =
      train_bpe(words, {.initial_alphabet = {"q"}, .limit_alphabet = 3, .min_frequency = 1});
  EXPECT_EQ(limited.symbols, (std::vector<std::string>{"a", "b", "q", "ab"}));  // é is not seen
  for (const int64_t length : {1, 2, 3}) {
    const BpeVocabulary learned =
        train_bpe(counted({{"abcdefgh", 9}}), {.max_token_length = length});
    for (const std::string& symbol : learned.symbols) EXPECT_LE(std::ssize(symbol), length);
    EXPECT_EQ(learned.merges.empty(), length == 1);
  }
  const BpeVocabulary reserved = train_bpe(counted({{"abc", 9}}), {.reserved = {"ab"}});
  EXPECT_EQ(reserved.merges, (Merges{{"b", "c"}, {"a", "bc"}}));
  EXPECT_THROW(train_bpe(words, {.vocab_size = 2}), Error);
  EXPECT_THROW(train_bpe(words, {.vocab_size = 0}), Error);
  EXPECT_THROW(train_bpe(words, {.reserved = {"a"}}), Error);
}

TEST(BpeTrainer, LongWordsInPieces) {
  WordCounts words;
  std::string word;
  for (int i = 0; i < 3000; ++i) word += "é";
  words.add(word);
  const auto sorted = words.sorted();
  ASSERT_EQ(sorted.size(), 2U);
  EXPECT_EQ(sorted[0].first.size(), 2U * (3000 - 2048));
  EXPECT_EQ(sorted[1], (std::pair<std::string_view, int64_t>(sorted[1].first, 2)));
  EXPECT_EQ(sorted[1].first.size(), 2048U);
}

}  // namespace
}  // namespace linnet::text
