// Templates against what Jinja2 itself makes of them (tests/data/text/make_jinja_cases.py), and
// what must hold for templates that mean harm.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "support/expect_error.hpp"
#include "text/jinja/template.hpp"

namespace linnet::text::jinja {
namespace {

using test::expect_error;

const RenderOptions kOptions{.now = std::chrono::local_days(std::chrono::year(2024) / 7 / 9) +
                                    std::chrono::hours(15) + std::chrono::minutes(4) +
                                    std::chrono::seconds(5)};

Dict dict_of(const Json& object) {
  Dict result;
  for (const auto& [key, value] : object.members())
    result.set(Value::text(key), Value::from_json(value.element()));
  return result;
}

Dict dict_of(const std::string& json) { return dict_of(Json::parse(json, "variables")); }

std::string render(std::string_view source, const std::string& variables = "{}",
                   const RenderOptions& options = kOptions) {
  return Template::parse(source).render(dict_of(variables), options);
}

TEST(Jinja, EveryCaseAsJinja2) {
  std::ifstream lines(std::filesystem::path(LINNET_TEST_DATA) / "text" / "jinja_cases.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const Dict variables = dict_of(Json::parse(line, "variables").at("variables"));
  int rendered = 0;
  int refused = 0;
  while (std::getline(lines, line)) {
    const Json row = Json::parse(line, "row");
    const std::string source(row.at("template").as_string());
    const bool is_error = row.find("error").has_value();
    std::string text;
    try {
      text = Template::parse(source).render(variables, kOptions);
    } catch (const Error& error) {
      EXPECT_TRUE(is_error) << source << "\n  refused: " << error.what()
                            << "\n  Jinja2:  " << row.get("text", "");
      EXPECT_NE(std::string_view(error.what()).find("template line "), std::string_view::npos)
          << error.what();
      refused += is_error;
      continue;
    }
    if (is_error)
      ADD_FAILURE() << source << "\n  gave:    " << text
                    << "\n  Jinja2:  refuses it: " << row.get("error", "");
    else
      EXPECT_EQ(text, row.at("text").as_string()) << source;
    rendered += !is_error;
  }
  EXPECT_GT(rendered, 600);
  EXPECT_GT(refused, 90);
}

TEST(Jinja, MessagesNameLineAndFault) {
  struct Case {
    const char* source;
    ErrorCode code;
    const char* message;
  };
  const auto argument = ErrorCode::invalid_argument;
  const auto malformed = ErrorCode::malformed_file;
  const std::vector<Case> cases{
      {"a\nb\n{{ x.y }}", argument, "template line 3: 'x' is undefined"},
      {"{{ d.x.y }}", argument, "template line 1: 'dict object' has no attribute 'x'"},
      {"{{ d[0] + 1 }}", argument, "dict object has no element 0"},
      {"\n{{ raise_exception('no ' ~ 1) }}", argument, "template line 2: no 1"},
      {"{% macro m() %}\n{{ 1 + 'a' }}\n{% endmacro %}\n{{ m() }}", argument,
       "template line 2: unsupported operand type(s) for +: 'int' and 'str'"},
      {"{{ '%灯' % 1 }}", argument, "unsupported format character '�'"},
      {"{{ [1] + 'a' }}", argument, "can only concatenate list (not \"str\") to list"},
      {"{{ (1,) + [1] }}", argument, "can only concatenate tuple (not \"list\") to tuple"},
      {"{{ 'a' + 1 }}", argument, "can only concatenate str (not \"int\") to str"},
      {"{{ range(2) + [1] }}", argument, "unsupported operand type(s) for +: 'range' and 'list'"},
      {"{{ [].append(1) }}", argument, "access to attribute 'append' of 'list' object is unsafe."},
      {"{{ d.update({}) }}", argument, "access to attribute 'update' of 'dict' object is unsafe."},
      {"{{ ''.__class__.__mro__ }}", argument, "access to attribute '__class__'"},
      {"{{ 9223372036854775807 + 1 }}", argument, "does not fit 64 bits"},
      {"{{ 2 ** 64 }}", argument, "does not fit 64 bits"},
      {"{% if x %}\n\n", malformed,
       "template line 2: Unexpected end of template. Jinja was looking for the following tags: "
       "'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."},
      {"{% for x in y %}\n{% endif %}", malformed,
       "template line 2: Encountered unknown tag 'endif'. Jinja was looking for the following "
       "tags: 'endfor' or 'else'. The innermost block that needs to be closed is 'for'."},
      {"{{ 1 +\n }}", malformed, "unexpected 'end of print statement'"},
      {"{{ x", malformed, "unexpected end of template, expected 'end of print statement'"},
      {"{% frob %}", malformed, "Encountered unknown tag 'frob'."},
      {"{{ x | frob }}", malformed, "No filter named 'frob'."},
      {"{{ x is frob }}", malformed, "No test named 'frob'."},
      {"{# x", malformed, "Missing end of comment tag"},
      {"{% raw %}", malformed, "Missing end of raw directive"},
      {"{{ (1] }}", malformed, "unexpected ']', expected ')'"},
      {"{{ a $ }}", malformed, "unexpected char '$'"},
      {"{% break %}", malformed, "'break' outside loop"},
      {"{{ 99999999999999999999 }}", malformed, "does not fit 64 bits"},
      {"{{ '\\ud83d' }}", malformed, "U+D83D"},
      {"\xFF", malformed, "not UTF-8"},
      {"{% include 'x' %}", ErrorCode::unsupported, "the tag 'include' is not supported"},
      {"{% import 'x' as y %}", ErrorCode::unsupported, "'import'"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.source);
    expect_error(c.code, c.message, [&] { render(c.source, R"({"d": {}})"); });
  }
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(Jinja, HostileTemplatesEndWithAnError) {
  const std::vector<std::string> sources{
      // Nesting.
      "{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}",
      "{{ " + repeated("[", 5000) + repeated("]", 5000) + " }}",
      "{{ " + repeated("not ", 5000) + "1 }}",
      "{{ " + repeated("-", 5000) + "1 }}",
      "{{ " + repeated("1 if 1 else ", 5000) + "1 }}",
      "{{ 1" + repeated(" + 1", 5000) + " }}",
      "{{ x" + repeated(".x", 5000) + " }}",
      "{{ x" + repeated("|list", 5000) + " }}",
      "{{ x" + repeated(" and x", 5000) + " }}",
      repeated("{% if 1 %}", 5000) + repeated("{% endif %}", 5000),
      repeated("{% for x in [1] %}", 300) + repeated("{% endfor %}", 300),
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{% call m() %}{% endcall %}{{ caller }}{% endmacro %}{{ m() }}",
      "{% for x in [[]] recursive %}{{ loop([[]]) }}{% endfor %}",
      "{% set ns = namespace(x=[]) %}{% for i in range(10000) %}{% set ns.x = [ns.x] %}{% endfor "
      "%}",
      "{% set ns = namespace(x=1) %}{% for i in range(10000) %}{% set ns.x = {'a': ns.x} %}{% "
      "endfor "
      "%}",
      "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}",
      // Memory.
      "{{ 'a' * 10 ** 12 }}",
      "{{ [0] * 10 ** 10 }}",
      "{{ range(10 ** 12) | list }}",
      "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x + "
      "ns.x %}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% "
      "endfor "
      "%}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% "
      "endfor "
      "%}{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% "
      "endfor "
      "%}{{ ns.x | tojson }}",
      "{% set ns = namespace(x=[1]) %}{% set m = namespace(x=[1]) %}{% for i in range(60) %}{% set "
      "ns.x = [ns.x, ns.x] %}{% set m.x = [m.x, m.x] %}{% endfor %}{{ ns.x == m.x }}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000) }}",
      "{{ ('a' * 1000000) | replace('a', 'b' * 1000) }}",
      "{{ ('b' * 100000).join('a' * 100000) }}",
      "{{ '%1000000000s' % 'a' }}",
      "{{ '{:1000000000}'.format('a') }}",
      "{{ 'a'.center(10 ** 11) }}",
      "{{ 'a'.zfill(10 ** 11) }}",
      "{{ 'a' | indent(10 ** 11, true) }}",
      "{{ '\\t'.expandtabs(10 ** 11) }}",
      "{{ [1] | tojson(indent=10 ** 9) }}",
      "{{ [1] | batch(10 ** 11, 0) | list }}",
      "{{ [1] | slice(10 ** 11) | list }}",
      // Time.
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
      "{% set s = 'a' * 1000000 %}{{ (s ~ s).find(s ~ 'b') }}",
      "{% set s = 'a' * 1000000 %}{{ (s ~ s).rfind(s ~ 'b') }}",
      "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% set t = s.upper() %}{% endfor %}",
      "{% set l = range(100000) | list %}{% for i in l %}{% if -1 in l %}{% endif %}{% endfor %}",
      "{% set s = 'ab' * 100000 %}{% for i in range(100000) %}{% set x = s[i] %}{% endfor %}",
      "{% for i in range(100000) %}{% for j in range(1000) %}{% set n = namespace(a=1) %}{% endfor "
      "%}{% endfor %}",
  };
  RenderOptions options = kOptions;  // smaller than the defaults, to be quick
  options.limits.steps = 2'000'000;
  options.limits.value_bytes = 32 << 20;
  for (const std::string& source : sources) {
    SCOPED_TRACE(source.substr(0, 100));
    EXPECT_THROW(render(source, R"({"x": 1})", options), Error);
  }
}

TEST(Jinja, LimitsAreKept) {
  RenderOptions few = kOptions;
  few.limits.steps = 1000;
  expect_error(ErrorCode::unsupported, "template line 2: more than 1000 steps",
               [&] { render("\n{% for i in range(10000) %}{% endfor %}", "{}", few); });
  RenderOptions small = kOptions;
  small.limits.value_bytes = 10'000;
  expect_error(ErrorCode::unsupported, "the limit of 10000 bytes of values",
               [&] { render("{{ 'a' * 20000 }}", "{}", small); });
  RenderOptions brief = kOptions;
  brief.limits.output_bytes = 100;
  expect_error(ErrorCode::unsupported, "more than 100 bytes of output",
               [&] { render("{% for i in range(60) %}ab{% endfor %}", "{}", brief); });
  // What is let go of does not count.
  EXPECT_EQ(render("{% for i in range(50) %}{% set x = 'a' * 3000 %}{% endfor %}", "{}", small),
            "");
}

// A conversation that is large, but not hostile.
TEST(Jinja, LongConversationsPass) {
  std::string messages;
  for (int i = 0; i < 2000; ++i)
    messages += (i > 0 ? "," : "") + std::string(R"({"role": "user", "content": ")") +
                std::string(2000, 'x') + "\"}";
  const std::string text =
      render("{% for m in messages %}{{ m.role ~ ': ' ~ m['content'] | trim }}\n{% endfor %}",
             "{\"messages\": [" + messages + "]}");
  EXPECT_EQ(text.size(), 2000U * (2000 + 7));
}

TEST(Jinja, OneTemplateManyRenderings) {
  const Template greeting = Template::parse(
      "{% set ns = namespace(n=0) %}{% for x in l %}"
      "{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}");
  EXPECT_EQ(greeting.render(dict_of(R"({"l": [1, 2]})"), kOptions), "3");
  EXPECT_EQ(greeting.render(dict_of(R"({"l": [5]})"), kOptions), "5");
}

}  // namespace
}  // namespace linnet::text::jinja
