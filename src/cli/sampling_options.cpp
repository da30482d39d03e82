#include "cli/sampling_options.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
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
};

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
