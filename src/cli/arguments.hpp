// Values of options that CLI11 has no type for. What cannot be read is a CLI::ValidationError,
// which is wrong usage.
#pragma once

#include <linnet/options.hpp>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linnet::cli {

/// Reads the whole of `text` as a decimal number; false if it is none or `number` cannot hold it.
/// For int, int32_t, int64_t, uint64_t and float.
template <class Number>
bool parse_number(std::string_view text, Number& number);

/// Adds an option whose value is a decimal number that `value` can hold, and shows the default; for
/// int, int64_t, uint64_t and float. (CLI11's own conversion takes the nearest number for one that
/// is too large, and -1 for the largest.)
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& value,
                        const std::string& help, const std::string& type);

/// "5,6,7" (spaces beside the commas are allowed). Errors: CLI::ValidationError naming `option`.
std::vector<int32_t> parse_ids(const std::string& option, const std::string& text);

/// Adds an option whose value is a whole number from `least` on; without it `value` stays as it is.
CLI::Option* add_count(CLI::App& command, const std::string& name, int64_t& value, int64_t least,
                       const std::string& help);
/// The same for a list such as "32,128".
CLI::Option* add_counts(CLI::App& command, const std::string& name, std::vector<int64_t>& values,
                        int64_t least, const std::string& help);

/// "ID:VALUE", where VALUE is a number, "inf" or "-inf". Errors: as parse_ids.
std::pair<int32_t, float> parse_logit_bias(const std::string& option, const std::string& text);

/// "BITS" or "BITS:GROUP", as in 4 or 4:32. Errors: as parse_ids and check_quantize.
QuantizeOptions parse_quantize(const std::string& option, const std::string& text);

/// Errors: CLI::ValidationError naming `option` for bits and groups that do not exist.
void check_quantize(const std::string& option, const QuantizeOptions& options);

/// Standard input up to its end, without the newline that ends it. Errors: device if it cannot be
/// read; invalid_argument beyond 64 MiB.
std::string read_standard_input();

}  // namespace linnet::cli
