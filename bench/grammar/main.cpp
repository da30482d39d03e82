// linnet_grammar_bench [FOLDER...]: how long token masks take, over the vocabularies of these
// folders (a tokenizer.json each) and a made-up one of 262,144 tokens.
//
// For each grammar a text that follows it is fed token by token (the longest token that fits, as a
// tokenizer would cut it), each mask asked for once: a first request, whose masks have to be
// computed, then nine more, which find them. Some masks are compared with every token tried out
// before anything is timed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "text/grammar/matcher.hpp"
#include "text/tokenizer.hpp"

namespace linnet::bench {
namespace {

using Clock = std::chrono::steady_clock;
double microseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::micro>(Clock::now() - from).count();
}

struct Case {
  std::string name;
  text::Grammar grammar;
  std::string text;
  double compile_us;
};

struct Vocabulary {
  std::string name;
  std::vector<std::string> tokens;
  std::vector<int32_t> never;
};

// All bytes, then pieces of words, half of them with a space before them, numbers and code.
Vocabulary made_up() {
  Vocabulary result{"made-up", {}, {}};
  for (int b = 0; b < 256; ++b) result.tokens.emplace_back(1, static_cast<char>(b));
  uint64_t state = 1;
  const auto below = [&](size_t limit) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<size_t>(state >> 33) % limit;
  };
  const std::vector<std::string> parts{"a",  "e",  "in", "th", "er", "on", "str", "co",
                                       "m",  "l",  "é",  "ß",  "日", "本", "한",  "ра",
                                       "на", "ov", "y",  "re", "qu", "1"};
  const std::vector<std::string> marks{"\"",  "\",", "\":", "\\", "\\n",
                                       "{\"", "}}",  "],",  "()", "\n    "};
  while (result.tokens.size() < 262144) {
    std::string token = below(2) == 0 ? " " : "";
    const size_t count = 1 + below(5);
    for (size_t i = 0; i < count; ++i) token += parts[below(parts.size())];
    if (below(50) == 0) token += marks[below(marks.size())];
    if (below(50) == 0) token.insert(0, marks[below(marks.size())]);
    result.tokens.push_back(std::move(token));
  }
  return result;
}

Vocabulary of_folder(const std::string& folder) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  Vocabulary result{folder.substr(folder.find_last_of('/') + 1), {}, {}};
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    result.tokens.push_back(tokenizer.token_bytes(id));
    if (tokenizer.is_special(id)) result.never.push_back(id);
  }
  return result;
}

std::vector<Case> cases() {
  std::vector<Case> result;
  const auto add = [&](const char* name, const std::string& text, auto&& make) {
    const auto begin = Clock::now();
    text::Grammar grammar = make();
    result.push_back({name, grammar, text, microseconds(begin)});
  };
  std::string prose;
  for (int i = 0; i < 12; ++i)
    prose +=
        "The quick brown fox jumps over the lazy dog; \xC3\xA9t\xC3\xA9, \xE6\x97\xA5\xE6\x9C\xAC "
        "and 42 others. ";
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += i % 2 == 0 ? "[ {\"k\": " : "[1, 2.5e3, \"x\", ";
  nested += "null";
  for (int i = 59; i >= 0; --i) nested += i % 2 == 0 ? "}]" : "]";
  add("JSON, a long string", "{\"text\": \"" + prose + "\"}",
      [] { return text::Grammar::json_object(); });
  add("JSON, nested", "{\"a\": " + nested + "}", [] { return text::Grammar::json_object(); });
  const std::string schema = R"({
    "type": "object",
    "properties": {
      "name": {"type": "string", "maxLength": 60},
      "summary": {"type": "string", "minLength": 10, "maxLength": 400},
      "id": {"type": "string", "format": "uuid"},
      "born": {"type": "string", "format": "date"},
      "age": {"type": "integer", "minimum": 0, "maximum": 130},
      "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 8},
      "children": {"type": "array", "items": {"$ref": "#"}}
    },
    "required": ["name", "age"], "additionalProperties": false})";
  const std::string leaf = "{\"name\": \"Grace Brewster Hopper\", \"summary\": \"" +
                           prose.substr(0, 300) + "\", \"age\": 85}";
  add("JSON schema, recursive",
      "{\n  \"name\": \"Ada Lovelace\",\n  \"summary\": \"" + prose.substr(0, 250) +
          "\",\n  \"id\": \"123e4567-e89b-12d3-a456-426614174000\",\n  \"born\": \"1815-12-10\",\n"
          "  \"age\": 36,\n  \"tags\": [\"red\", \"blue\"],\n  \"children\": [" +
          leaf + ", " + leaf + "]\n}",
      [&] { return text::Grammar::json_schema(schema); });
  add("regex (\\w+ )*", "the quick brown fox jumps over the lazy dog and runs away ",
      [] { return text::Grammar::regex("(\\w+ )*"); });
  add("regex .{1,1000000}", prose, [] { return text::Grammar::regex(".{1,1000000}"); });
  add("regex .{600,1000}", prose, [] { return text::Grammar::regex(".{600,1000}"); });
  add("regex \\d{4}-\\d\\d (a|b){3,200}", "2024-05 abbaabababab",
      [] { return text::Grammar::regex("\\d{4}-\\d\\d (a|b){3,200}"); });
  add("GBNF arithmetic", "(1+2)*(31-(4/5))*((((6))))-7*(8+9*(10-11))+12345", [] {
    return text::Grammar::gbnf(
        "root ::= term ([-+*/] term)*\nterm ::= [0-9]+ | \"(\" root \")\"\n");
  });
  return result;
}

// What is hard: masks that no other request has asked for, and grammars that many ways lead
// through.
std::vector<Case> hard_cases() {
  std::vector<Case> result;
  const auto add = [&](const char* name, const std::string& text, auto&& make) {
    const auto begin = Clock::now();
    text::Grammar grammar = make();
    result.push_back({name, grammar, text, microseconds(begin)});
  };
  const std::string as(120, 'a');
  add("regex (\\w+ ?){1,1000000}", as, [] { return text::Grammar::regex("(\\w+ ?){1,1000000}"); });
  add("regex (.{1,50}){1,50}", as, [] { return text::Grammar::regex("(.{1,50}){1,50}"); });
  add("regex .*a.{100}|.*", as, [] { return text::Grammar::regex(".*a.{100}|.*"); });
  add("GBNF s: a s s b | a s | a", as.substr(0, 60),
      [] { return text::Grammar::gbnf("root ::= s\ns ::= [a-z] s s \"b\" | [a-z] s | [a-z]"); });
  std::string words = "root ::= (w \" \")+\nw ::= \"a\"";
  for (int i = 0; i < 10000; ++i) words += fmt::format(" | \"{:x}\"", i * 7919);
  add("GBNF, one of 10,000 words", "1eef 3dde 5ccd a ", [&] { return text::Grammar::gbnf(words); });
  return result;
}

struct Times {
  std::vector<double> us;
  [[nodiscard]] std::string show() {
    std::ranges::sort(us);
    return fmt::format("{:8.1f} {:8.1f} {:8.1f}", us[us.size() / 2], us[us.size() * 99 / 100],
                       us.back());
  }
};

// The longest token that the mask allows and the text goes on with.
int32_t next_token(const text::TokenIndex& index, const text::TokenMask& mask,
                   std::string_view rest) {
  const auto nodes = index.nodes();
  int32_t best = -1;
  uint32_t at = 0;
  for (size_t depth = 0; depth < rest.size(); ++depth) {
    uint32_t child = at + 1;
    while (child < nodes[at].end && nodes[child].byte != static_cast<unsigned char>(rest[depth]))
      child = nodes[child].end;
    if (child >= nodes[at].end) break;
    at = child;
    for (uint32_t t = nodes[at].first_token; t < nodes[at + 1].first_token; ++t)
      if (mask.allows(index.order()[t])) best = index.order()[t];
  }
  return best;
}

void measure(const Case& c, const text::TokenIndex& index, size_t vocabulary) {
  const text::TokenGrammar grammar(c.grammar, index);
  const std::vector<int32_t> ends;
  {  // is it right?
    text::GrammarMatcher matcher(text::TokenGrammar(c.grammar, index), ends);
    std::string_view rest = c.text;
    for (int step = 0; !rest.empty(); ++step) {
      const text::TokenMask& mask = matcher.mask();
      for (size_t id = 0; id < vocabulary && step % 16 == 3; id += 7) {
        text::GrammarMatcher tried = matcher;
        if (tried.accept(static_cast<int32_t>(id)) != mask.allows(static_cast<int32_t>(id)))
          fail(ErrorCode::internal, "{}: the mask is wrong for token {}", c.name, id);
      }
      const int32_t id = next_token(index, mask, rest);
      if (id < 0) fail(ErrorCode::internal, "{}: stuck before \"{}\"", c.name, rest.substr(0, 30));
      matcher.accept(id);
      rest.remove_prefix(index.bytes(id).size());
    }
    if (!matcher.may_end()) fail(ErrorCode::internal, "{}: the text is not complete", c.name);
  }
  Times first;
  Times later;
  Times accept;
  Times copy;
  double first_total = 0;
  for (int request = 0; request < 10; ++request) {
    text::GrammarMatcher matcher(grammar, ends);
    std::string_view rest = c.text;
    while (!rest.empty()) {
      auto begin = Clock::now();
      const text::TokenMask& mask = matcher.mask();
      (request == 0 ? first : later).us.push_back(microseconds(begin));
      if (request == 0) first_total += first.us.back();
      const int32_t id = next_token(index, mask, rest);
      begin = Clock::now();
      text::GrammarMatcher copied = matcher;
      copy.us.push_back(microseconds(begin));
      begin = Clock::now();
      matcher.accept(id);
      accept.us.push_back(microseconds(begin));
      rest.remove_prefix(index.bytes(id).size());
    }
  }
  const auto statistics = grammar.statistics();
  fmt::print("{:32} {:5} | {} | {} {:8.2f} | {} | {:6.1f} {:6} {:6} {:6.1f}\n", c.name,
             first.us.size(), later.show(), first.show(), first_total / 1000, accept.show(),
             copy.us[copy.us.size() / 2], statistics.walks, statistics.states,
             static_cast<double>(statistics.mask_bytes + statistics.state_bytes) / 1e6);
}

}  // namespace
}  // namespace linnet::bench

int main(int argc, char** argv) {
  using namespace linnet;
  try {
    std::vector<bench::Vocabulary> vocabularies{bench::made_up()};
    for (int i = 1; i < argc; ++i) vocabularies.push_back(bench::of_folder(argv[i]));
    auto cases = bench::cases();
    for (bench::Case& c : bench::hard_cases()) cases.push_back(std::move(c));
    for (const bench::Case& c : cases)
      fmt::print("{:32} {:10.0f} us to compile, {} states\n", c.name, c.compile_us,
                 c.grammar.program().states.size());
    for (const bench::Vocabulary& v : vocabularies) {
      const auto begin = bench::Clock::now();
      const text::TokenIndex index(v.tokens, v.never);
      fmt::print("\n{}: {} tokens, longest {} bytes; index in {:.0f} ms, {:.1f} MB, {} nodes\n",
                 v.name, v.tokens.size(), index.longest(), bench::microseconds(begin) / 1000,
                 static_cast<double>(index.memory_bytes()) / 1e6, index.nodes().size());
      fmt::print("{:32} {:5} | {:26} | {:26} {:8} | {:26} | {:6} {:6} {:6} {:6}\n",
                 "us: median p99 max", "masks", "masks, later requests", "masks, first request",
                 "sum, ms", "accept", "copy", "walks", "states", "MB");
      for (const bench::Case& c : cases) {
        try {
          bench::measure(c, index, v.tokens.size());
        } catch (const Error& error) {
          if (error.code() != ErrorCode::unsupported) throw;
          fmt::print("{:32} refused: {}\n", c.name, error.what());
        }
      }
    }
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
