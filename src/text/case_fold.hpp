// Texts compared without regard to case.
#pragma once

#include <string>
#include <string_view>

namespace linnet::text {

/// Unicode's full case folding ("Straße" and "STRASSE" both become "strasse"). Bytes that are not
/// UTF-8 make it the text itself.
std::string case_fold(std::string_view text);

/// Without ASCII white space at both ends.
std::string_view trim(std::string_view text) noexcept;

}  // namespace linnet::text
