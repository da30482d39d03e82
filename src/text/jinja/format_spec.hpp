// A value as a format specification wants it: what "%5.2f" and "{:>8}" have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

inline constexpr int64_t kMaxWidth = 1 << 20;
inline constexpr int kMaxPrecision = 400;

/// [[fill]align][sign][#][0][width][,][.precision][type].
struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =
  char sign = '-';
  bool alternate = false;
  char grouping = 0;
  int64_t width = 0;
  int precision = -1;
  char type = 0;
};

/// The number at `at`, which goes behind its digits; 0 without digits.
/// Errors: invalid_argument beyond `limit`.
int64_t read_number(Runtime& runtime, std::string_view text, size_t& at, int64_t limit);

/// Sign and body put into the width, with the fill where `align` (< > ^ =) says; = puts it behind
/// the sign.
std::string padded(const Spec& spec, const std::string& sign, const std::string& body, char align);

/// A value in the form of spec.type. Errors: invalid_argument for a type that such a value has not.
std::string format_integer(Runtime& runtime, const Spec& spec, int64_t value);
std::string format_float(Runtime& runtime, const Spec& spec, double value);
std::string format_text(Runtime& runtime, const Spec& spec, std::string_view value);

/// Python's format(value, spec). Errors: invalid_argument, as Python's would be.
std::string formatted(Runtime& runtime, const Value& value, std::string_view spec);

/// Python's str(), repr() or ascii(), for s, r and a.
std::string shown(Runtime& runtime, char conversion, const Value& value);

}  // namespace linnet::text::jinja
