#include "text/grammar/gbnf.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.hpp"
#include "text/grammar/texts.hpp"

namespace linnet::text {
namespace {

using test::expect_error;
using test::matches;

TEST(Gbnf, Arithmetic) {
  const Grammar grammar = Grammar::gbnf(R"x(
# llama.cpp's example
root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
)x");
  for (const char* text : {"1+2=3\n", "(a1 +(b*2))  = c\nx=1\n", "a=b\n"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  for (const char* text : {"", "1+2=3", "1+=3\n", "(1=1\n", "A=1\n"})
    EXPECT_FALSE(matches(grammar, text)) << text;
}

TEST(Gbnf, Syntax) {
  const auto accepts = [](const char* source, const std::string& text) {
    return matches(Grammar::gbnf(source), text);
  };
  EXPECT_TRUE(accepts("root ::= \"\"", ""));
  EXPECT_TRUE(accepts("root ::=", ""));
  EXPECT_TRUE(accepts("root ::= \"a\" | \"b\" |", ""));
  EXPECT_TRUE(accepts("root ::=\n  \"a\" |\n  # why not\n  \"b\"\n\n", "b"));
  EXPECT_TRUE(accepts("root ::= (\n \"a\"\n \"b\" )\r\nother ::= root", "ab"));
  EXPECT_TRUE(
      accepts("root ::= \"\\x41\\u00e9\\U0001F600\\n\\t\\r\\\\\\\"\\[\\]\"", "Aé😀\n\t\r\\\"[]"));
  EXPECT_TRUE(accepts("root ::= [\\]\\-\\^é-ü]+", "]-^ö"));
  EXPECT_TRUE(accepts("root ::= [a-]+", "a-"));
  EXPECT_TRUE(accepts("root ::= [^\\n]", "日"));
  EXPECT_FALSE(accepts("root ::= [^\\n]", "\n"));
  EXPECT_TRUE(accepts("root ::= .", "\n"));
  EXPECT_TRUE(accepts("root ::= \"a\"{3}", "aaa"));
  EXPECT_TRUE(accepts("root ::= \"a\"{ 2 , }", "aaaa"));
  EXPECT_TRUE(accepts("root ::= \"a\"{,2} \"b\"", "aab"));
  EXPECT_FALSE(accepts("root ::= \"a\"{,2} \"b\"", "aaab"));
  EXPECT_FALSE(accepts("root ::= \"a\"{2,3}", "aaaa"));
  EXPECT_TRUE(accepts("root ::= \"ab\"+ \"c\"? x_1*\nx_1 ::= \"d\"", "ababddd"));
  EXPECT_TRUE(accepts("root ::= \"a\" root \"b\" | \"\"", "aaabbb"));
  EXPECT_FALSE(accepts("root ::= \"a\" root \"b\" | \"\"", "aaabb"));
  EXPECT_TRUE(accepts("root ::= item root | item\nitem ::= [a-z]+ \";\"", "a;bc;d;"));
  // A never-ending branch is as if it were not there.
  EXPECT_TRUE(accepts("root ::= \"a\" loop | \"b\"\nloop ::= \"c\" loop", "b"));
  EXPECT_FALSE(matches(Grammar::gbnf("root ::= \"a\" loop | \"b\"\nloop ::= \"c\" loop"), "a"));
  EXPECT_FALSE(test::matcher_of(Grammar::gbnf("root ::= \"a\" loop | \"b\"\nloop ::= \"c\" loop"))
                   .accept_bytes("a"));
}

TEST(Gbnf, LongListsNeedNoStack) {
  GrammarMatcher matcher =
      test::matcher_of(Grammar::gbnf("root ::= item root | item\nitem ::= [a-z] \",\""));
  for (int i = 0; i < 20000; ++i) ASSERT_TRUE(matcher.accept_bytes("a,"));
  EXPECT_TRUE(matcher.may_end());
}

TEST(Gbnf, WhatIsWrongIsNamed) {
  const auto wrong = [](const char* source, const char* part) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)Grammar::gbnf(source); });
  };
  wrong("", "there is no rule \"root\"");
  wrong("a ::= \"x\"", "there is no rule \"root\"");
  wrong("root ::= a\n", "rule \"a\" is used and not defined");
  wrong("root = a", "expected ::=");
  wrong("root ::= \"a\"\nroot ::= \"b\"", "line 2, byte 9: rule \"root\" is defined twice");
  wrong("root ::= (\"a\"", "a ( without its )");
  wrong("root ::= \"a\")", "a ) without its (");
  wrong("root ::= \"a", "a literal without its closing \"");
  wrong("root ::= [a", "a [ without its ]");
  wrong("root ::= [z-a]", "a range whose end is below its start");
  wrong("root ::= *", "* with nothing before it");
  wrong("root ::= \"a\"{", "expected a count");
  wrong("root ::= \"a\"{,}", "a count {,}");
  wrong("root ::= \"a\"{3,2}", "a count whose end is below its start");
  wrong("root ::= \"\\q\"", "line 1, byte 12 (in rule \"root\"): an unknown escape");
  wrong("root ::= \"\\x4\"", "2 hexadecimal digits");
  wrong("root ::= $", "expected the end of the line");
  wrong("root ::= root \"a\" | \"b\"", "rule \"root\" is left-recursive (root -> root)");
  wrong("root ::= a\na ::= b* \"x\"\nb ::= c? a\nc ::= \"y\"", "is left-recursive (");
  wrong("root ::= \"a\"? root | \"b\"", "left-recursive");
  wrong("root ::= \"a\" root", "no text matches rule \"root\"");
  wrong("root ::= []", "no text matches");
  expect_error(ErrorCode::unsupported, "a token <...>",
               [] { (void)Grammar::gbnf("root ::= <think>"); });
}

}  // namespace
}  // namespace linnet::text
