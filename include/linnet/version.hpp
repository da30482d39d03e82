// The version of the library.
#pragma once

#include <string>
#include <string_view>

namespace linnet {

/// "0.1.0": of the library that the program is linked with.
std::string_view version() noexcept;

/// What this build runs on this machine: the instruction set in use and the number of physical
/// cores, such as "avx512, 2 cores". Errors: as load_model for a bad LINNET_ISA.
std::string runtime_description();

}  // namespace linnet
