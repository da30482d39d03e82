// Element types. On the lowest floor because kernels, arrays and files all speak of them.
#pragma once

#include <cstdint>
#include <string_view>

namespace linnet {

/// Element type of an array. The order is the promotion order within a kind.
enum class DType : uint8_t { boolean, u8, u32, i32, i64, f16, bf16, f32 };

/// Bytes of one element: 1, 1, 4, 4, 8, 2, 2, 4.
constexpr int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
    case DType::u8: return 1;
    case DType::f16:
    case DType::bf16: return 2;
    case DType::u32:
    case DType::i32:
    case DType::f32: return 4;
    case DType::i64: return 8;
  }
  return 0;
}

constexpr bool is_floating(DType dtype) { return dtype >= DType::f16; }
constexpr bool is_integral(DType dtype) { return dtype >= DType::u8 && dtype <= DType::i64; }

/// "bool", "u8", "u32", "i32", "i64", "f16", "bf16", "f32".
std::string_view to_string(DType dtype) noexcept;

}  // namespace linnet
