// Values of options that CLI11 has no type for. What cannot be read is a CLI::ValidationError,
// which is wrong usage.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace linnet::cli {

/// "5,6,7" (spaces beside the commas are allowed). Errors: CLI::ValidationError naming `option`.
std::vector<int32_t> parse_ids(const std::string& option, const std::string& text);

/// "ID:VALUE", where VALUE is a number, "inf" or "-inf". Errors: as parse_ids.
std::pair<int32_t, float> parse_logit_bias(const std::string& option, const std::string& text);

/// Standard input up to its end, without the newline that ends it. Errors: device if it cannot be
/// read; invalid_argument beyond 64 MiB.
std::string read_standard_input();

}  // namespace linnet::cli
