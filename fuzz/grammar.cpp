// A grammar of the kind that the first byte names, and bytes that it is asked to read: what it
// refuses is a linnet::Error, what it accepts has masks that agree with trying each token.
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "check.hpp"
#include "text/grammar/matcher.hpp"

namespace {

using namespace linnet;

std::vector<std::string> make_tokens() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const char* more :
       {"ab", "\":", "\"}", "}]", "aaaa", "\xC3\xA9", "\xE6\x97", "12", "\",\"", "\n  ", "true"})
    tokens.emplace_back(more);
  tokens.emplace_back("<end>");
  return tokens;
}

text::Grammar make(uint8_t kind, std::string_view source) {
  switch (kind % 4) {
    case 0: return text::Grammar::regex(source);
    case 1: return text::Grammar::gbnf(source);
    case 2: return text::Grammar::json_schema(source);
    default: return text::Grammar::json_schema(source, text::JsonWhitespace::none);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::string> tokens = make_tokens();
  static const text::TokenIndex index(tokens);
  static const std::vector<int32_t> ends{static_cast<int32_t>(tokens.size()) - 1};
  if (size < 2) return 0;
  const size_t text_size = data[1] % 16 < size - 2 ? data[1] % 16 : 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view source = all.substr(0, all.size() - text_size);
  const std::string_view choices = all.substr(all.size() - text_size);
  try {
    text::GrammarMatcher matcher(text::TokenGrammar(make(data[0], source), index), ends);
    // Each byte of the rest chooses one of the tokens that are allowed.
    for (const char choice : choices) {
      const text::TokenMask mask = matcher.mask();
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < static_cast<int32_t>(tokens.size()); ++id) {
        if (mask.allows(id)) allowed.push_back(id);
        if ((id + choice) % 8 != 0) continue;
        text::GrammarMatcher tried = matcher;
        fuzz::check(tried.accept(id) == mask.allows(id), "a mask allows what is accepted");
      }
      fuzz::check(!allowed.empty() || matcher.finished(), "there is always a way on");
      if (allowed.empty()) break;
      fuzz::check(matcher.accept(allowed[static_cast<unsigned char>(choice) % allowed.size()]),
                  "what a mask allows is accepted");
    }
  } catch (const Error& error) {
    fuzz::check(
        error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::unsupported,
        "a grammar is refused as the caller's fault or as not supported");
  }
  return 0;
}
