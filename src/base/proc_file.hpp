// What Linux says in the text files of /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linnet {

/// The line of a file that starts with `name`, without it and the spaces and colons after it;
/// nothing if there is none.
std::optional<std::string> proc_entry(const char* file, std::string_view name);

/// "1234 kB" in such a line as bytes.
std::optional<int64_t> proc_bytes(const char* file, std::string_view name);

}  // namespace linnet
