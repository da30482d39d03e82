// How a text is sampled and when it ends: the same flags for every command that generates, and the
// same names where settings change while a command runs.
#pragma once

#include <linnet/options.hpp>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace linnet::cli {

/// An option of sampling that is a number.
struct SamplingNumber {
  std::string_view name;  ///< "max-tokens"
  const char* flags;      ///< "-n,--max-tokens"
  std::variant<int64_t GenerateOptions::*, uint64_t GenerateOptions::*, float GenerateOptions::*>
      member;
  const char* help;
  const char* type;  ///< the value's name in the help
};

/// All of them, in the order of the help.
std::span<const SamplingNumber> sampling_numbers();

/// A flag for each number, --stop, --bad-word, --ignore-eos, --logit-bias and --stop-id. The
/// defaults are what `options` holds.
void add_sampling_flags(CLI::App& command, GenerateOptions& options);

/// Sets the number of that name. Whether the value makes sense is engine::check_options' business.
/// Errors: invalid_argument for a name that does not exist or a text that is no such number.
void set_sampling_number(GenerateOptions& options, std::string_view name, std::string_view value);

/// A number's value as set_sampling_number() reads it.
std::string sampling_value(const GenerateOptions& options, const SamplingNumber& number);

}  // namespace linnet::cli
