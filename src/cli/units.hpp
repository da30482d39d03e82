// Bytes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linnet::cli {

/// "4GiB", "1.5 GiB", "512MiB", "8GB" (10^9), "1048576": a decimal number and B, KiB, MiB, GiB,
/// TiB, kB, MB, GB or TB in any case, no unit meaning bytes. Rounded down to whole bytes. Nothing
/// for any other text or a size that is not below 2^62.
std::optional<int64_t> parse_bytes(std::string_view text);

/// "873 B", "1.50 KiB", "7.63 MiB", "4.00 GiB".
std::string format_bytes(int64_t bytes);

}  // namespace linnet::cli
