#include "cli/sampling_options.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/arguments.hpp"

namespace linnet::cli {
namespace {

using Options = GenerateOptions;

constexpr std::array kNumbers{
    SamplingNumber{"max-tokens", "-n,--max-tokens", &Options::max_tokens,
                   "tokens to generate at most", "N"},
    SamplingNumber{"temperature", "--temperature", &Options::temperature,
                   "0: always the likeliest token", "T"},
    SamplingNumber{"top-k", "--top-k", &Options::top_k, "keep the K likeliest tokens; 0: all", "K"},
    SamplingNumber{"top-p", "--top-p", &Options::top_p,
                   "keep the likeliest tokens that reach P together; 1: all", "P"},
    SamplingNumber{"min-p", "--min-p", &Options::min_p,
                   "keep tokens at least P times as likely as the likeliest", "P"},
    SamplingNumber{"seed", "--seed", &Options::seed,
                   "of the random numbers: the same seed gives the same text", "SEED"},
    SamplingNumber{
        "repetition-penalty", "--repetition-penalty", &Options::repetition_penalty,
        "divides positive logits of tokens seen before, multiplies negative ones; 1: off", "X"},
    SamplingNumber{"frequency-penalty", "--frequency-penalty", &Options::frequency_penalty,
                   "subtracted from a token's logit for each time it was generated", "X"},
    SamplingNumber{"presence-penalty", "--presence-penalty", &Options::presence_penalty,
                   "subtracted from a token's logit if it was generated", "X"},
    SamplingNumber{"min-tokens", "--min-tokens", &Options::min_tokens,
                   "before so many tokens nothing ends the text", "N"},
    SamplingNumber{"speculate", "--speculate", &Options::speculate,
                   "check up to N guesses of the next tokens in one step; the text stays the same",
                   "N"},
};

/// \n, \t and \\ as in most languages; any other backslash is itself.
std::string unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next != 'n' && next != 't' && next != '\\') {
      result += text[i];
      continue;
    }
    result += next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
    ++i;
  }
  return result;
}

}  // namespace

std::span<const SamplingNumber> sampling_numbers() { return kNumbers; }

void add_sampling_flags(CLI::App& command, GenerateOptions& options) {
  for (const SamplingNumber& number : kNumbers)
    std::visit(
        [&](const auto member) {
          add_number(command, number.flags, options.*member, number.help, number.type)
              ->group("Sampling");
        },
        number.member);
  command
      .add_option_function<std::vector<std::string>>(
          "--logit-bias",
          [&options](const std::vector<std::string>& items) {
            for (const std::string& item : items)
              options.logit_bias.push_back(parse_logit_bias("--logit-bias", item));
          },
          "added to the logit of a token; -inf forbids it; may be repeated")
      ->allow_extra_args(false)
      ->type_name("ID:VALUE")
      ->group("Sampling");
  const auto add_texts = [&](const char* flag, std::vector<std::string>& texts, const char* help) {
    command
        .add_option_function<std::vector<std::string>>(
            flag,
            [&texts](const std::vector<std::string>& items) {
              for (const std::string& item : items) texts.push_back(unescape(item));
            },
            help)
        ->allow_extra_args(false)
        ->type_name("TEXT")
        ->group("Sampling");
  };
  add_texts("--stop", options.stop_strings,
            "ends the text where it would begin, and is no part of it; \\n is a line break; may be "
            "repeated");
  const auto set_grammar = [&options](const char* flag, Grammar grammar) {
    if (options.grammar) throw CLI::ValidationError(flag, "the text can have one form only");
    options.grammar = std::move(grammar);
  };
  const auto add_grammar = [&](const char* flag, const char* help, const char* type,
                               const std::function<Grammar(const std::string&)>& make) {
    command
        .add_option_function<std::string>(
            flag, [=](const std::string& value) { set_grammar(flag, make(value)); }, help)
        ->type_name(type)
        ->group("Sampling");
  };
  add_grammar("--json-schema", "the text is JSON that this schema accepts", "FILE",
              [](const std::string& file) { return Grammar::json_schema(read_file(file)); });
  add_grammar("--grammar", "the text follows this grammar, in llama.cpp's GBNF", "FILE",
              [](const std::string& file) { return Grammar::gbnf(read_file(file)); });
  add_grammar("--regex", "the text matches this regular expression", "PATTERN",
              [](const std::string& pattern) { return Grammar::regex(pattern); });
  command
      .add_flag_callback(
          "--json-object", [=] { set_grammar("--json-object", Grammar::json()); },
          "the text is a JSON object")
      ->group("Sampling");
  add_texts("--bad-word", options.bad_words, "a word that is not written; may be repeated");
  command
      .add_flag("--ignore-eos", options.ignore_eos,
                "the model's end-of-sequence tokens do not end the text")
      ->group("Sampling");
  command
      .add_option_function<std::vector<std::string>>(
          "--stop-id",
          [&options](const std::vector<std::string>& items) {
            for (const std::string& item : items)
              for (const int32_t id : parse_ids("--stop-id", item)) options.stop_ids.push_back(id);
          },
          "token that ends the text, beside the model's own; may be repeated")
      ->allow_extra_args(false)
      ->type_name("ID")
      ->group("Sampling");
}

void set_sampling_number(GenerateOptions& options, std::string_view name, std::string_view value) {
  const auto* number = std::ranges::find(kNumbers, name, &SamplingNumber::name);
  require(number != kNumbers.end(), "there is no setting {}", printable(name));
  std::visit(
      [&](const auto member) {
        auto parsed = options.*member;
        require(parse_number(value, parsed), "{}: \"{}\" is no number that it can have", name,
                printable(value));
        options.*member = parsed;
      },
      number->member);
}

std::string sampling_value(const GenerateOptions& options, const SamplingNumber& number) {
  return std::visit([&](const auto member) { return fmt::format("{}", options.*member); },
                    number.member);
}

}  // namespace linnet::cli
