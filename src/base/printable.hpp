// Names from files, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace linnet {

/// The text with control characters as \xNN and at most `limit` bytes of it (then "..."), cut
/// between UTF-8 characters: a hostile name cannot drive a terminal or make a message of megabytes.
std::string printable(std::string_view text, size_t limit = 200);

}  // namespace linnet
