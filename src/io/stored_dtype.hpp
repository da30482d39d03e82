// Element types as files store them: more than an Array holds (see base/dtype.hpp), and some of
// them smaller than a byte.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/dtype.hpp"

namespace linnet::io {

/// Element type of a stored tensor: all types of the safetensors format.
enum class StoredDType : uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

/// The name the format uses: "BOOL", "F4", "F8_E4M3", "BF16", ...
std::string_view to_string(StoredDType dtype) noexcept;

/// The type of that name; nothing if the format has none (names are case-sensitive).
std::optional<StoredDType> parse_stored_dtype(std::string_view name) noexcept;

/// Bits of one element: 4, 6, 8, 16, 32 or 64.
int64_t bits_of(StoredDType dtype) noexcept;

/// Address alignment that reading elements in place needs: 1 for types up to a byte, 4 for C64 (two
/// floats), else the element's bytes.
int64_t alignment_of(StoredDType dtype) noexcept;

/// Bytes of a tensor: product(shape) * bits / 8, without padding between rows.
/// Errors: invalid_argument if an extent is negative, if the product of the non-zero extents or of
/// the bits does not fit 63 bits, or if the bits are no whole number of bytes.
int64_t stored_bytes(StoredDType dtype, std::span<const int64_t> shape);

/// The array type with the same bits; nothing if arrays have none (float8, 16-bit integers, f64,
/// ...).
std::optional<DType> to_dtype(StoredDType dtype) noexcept;

/// The stored type of an array type; every one has one.
StoredDType to_stored(DType dtype) noexcept;

}  // namespace linnet::io
