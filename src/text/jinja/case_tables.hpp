// Characters whose upper or title case is several characters (0xDF: "SS", "Ss").
#pragma once

#include <array>
#include <span>

namespace linnet::text::jinja {

struct SpecialCase {
  char32_t code;
  const char* text;  ///< UTF-8
};

/// Sorted by code.
extern const std::span<const SpecialCase> kSpecialUpper;
extern const std::span<const SpecialCase> kSpecialTitle;

}  // namespace linnet::text::jinja
