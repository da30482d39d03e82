#include "cli/prose.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace linnet::cli {
namespace {

constexpr size_t kWords = 30'000;

constexpr std::string_view kCommon =
    "the of and to a in that it is was he for on with as his be at by I this had not are but from "
    "or have an they which one you were her all she there would their we him been has when who "
    "will more no if out so said what up its about into than them can only other new some could "
    "time these two may then do first any my now such like our over man me even most made after "
    "also did many before must through back years where much your way well down should because "
    "each just those people Mr how too little state good very make world still own see men work "
    "long get here between both life being under never day same another know while last might us "
    "great old year off come since against go came right used take three states himself few house "
    "use during without again place American around however home small found Mrs thought went say "
    "part once general high upon school every don't does got united left number course war until "
    "always away something fact though water less public put thing almost hand enough far took "
    "head yet government system better set told nothing night end why called didn't eyes find "
    "going look asked later knew point next program city business give group toward young days "
    "let room word side social given present several order national possible rather second face "
    "per among form important often things looked early white case John large big need four within "
    "felt along children saw best church ever least power development light thing's family "
    "interest seemed want members mind country area others done turned although open God service "
    "certain kind problem began different door thus help sense means whole matter wasn't";

// A small generator of our own: the text is the same everywhere.
class Numbers {
 public:
  uint32_t below(uint32_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<uint32_t>(((state_ >> 32) * limit) >> 32);
  }

 private:
  uint64_t state_ = 1;
};

// A word of the common ones with something before or after it.
std::string derived_word(const std::vector<std::string>& roots, Numbers& numbers) {
  constexpr std::array<std::string_view, 10> kBefore = {"",     "",      "",    "re",  "un",
                                                        "over", "under", "out", "non", "inter"};
  constexpr std::array<std::string_view, 18> kAfter = {
      "",    "s",    "ed",   "ing",  "er",   "ers",  "ly",  "ness", "less",
      "ful", "able", "ment", "ship", "wise", "land", "ism", "ist",  "y"};
  const auto one_of = [&](const auto& list) {
    return list[numbers.below(static_cast<uint32_t>(list.size()))];
  };
  std::string word(one_of(kBefore));
  word += one_of(roots);
  if (numbers.below(4) == 0) word += one_of(roots);
  word += one_of(kAfter);
  return word;
}

std::vector<std::string> make_words(Numbers& numbers) {
  std::vector<std::string> words;
  for (size_t at = 0; at < kCommon.size();) {
    const size_t end = std::min(kCommon.find(' ', at), kCommon.size());
    words.emplace_back(kCommon.substr(at, end - at));
    at = end + 1;
  }
  std::vector<std::string> roots;
  for (const std::string& word : words)
    if (word.size() >= 4 && word.find('\'') == std::string::npos) roots.push_back(word);
  while (words.size() < kWords) words.push_back(derived_word(roots, numbers));
  return words;
}

}  // namespace

std::string make_prose(size_t bytes) {
  Numbers numbers;
  const std::vector<std::string> words = make_words(numbers);
  // With frequencies proportional to 1 / (rank + 3), the rank below which a share u of them lies is
  // 3 ((n / 3 + 1)^u - 1).
  const auto some_word = [&]() -> const std::string& {
    const double share = numbers.below(1U << 30) / double{1U << 30};
    const double rank = 3 * (std::pow(static_cast<double>(words.size()) / 3 + 1, share) - 1);
    return words[std::min(static_cast<size_t>(rank), words.size() - 1)];
  };
  std::string text;
  text.reserve(bytes + 1024);
  while (text.size() < bytes) {
    const uint32_t sentences = 2 + numbers.below(6);
    for (uint32_t s = 0; s < sentences; ++s) {
      if (s > 0) text += ' ';
      const bool quoted = numbers.below(8) == 0;
      if (quoted) text += '"';
      const size_t start = text.size();
      const uint32_t count = 4 + numbers.below(20);
      for (uint32_t w = 0; w < count; ++w) {
        if (w > 0) text += numbers.below(12) == 0 ? ", " : " ";
        if (numbers.below(80) == 0)
          text += std::to_string(1 + numbers.below(2100));
        else
          text += some_word();
      }
      text[start] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[start])));
      text += numbers.below(10) == 0 ? '?' : '.';
      if (quoted) text += '"';
    }
    text += "\n\n";
  }
  return text;
}

}  // namespace linnet::cli
