// Names for requests and answers that nobody else has.
#pragma once

#include <string>
#include <string_view>

namespace linnet::serve {

/// The prefix and 24 random hexadecimal digits. Thread-safe.
std::string random_id(std::string_view prefix);

}  // namespace linnet::serve
