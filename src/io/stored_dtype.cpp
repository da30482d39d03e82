#include "io/stored_dtype.hpp"

#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace linnet::io {
namespace {

struct Row {
  StoredDType dtype;
  std::string_view name;
  int64_t bits;
};

// In the order of the enum; the static_assert below keeps it so.
constexpr std::array kRows{
    Row{StoredDType::boolean, "BOOL", 8},
    Row{StoredDType::f4, "F4", 4},
    Row{StoredDType::f6_e2m3, "F6_E2M3", 6},
    Row{StoredDType::f6_e3m2, "F6_E3M2", 6},
    Row{StoredDType::u8, "U8", 8},
    Row{StoredDType::i8, "I8", 8},
    Row{StoredDType::f8_e5m2, "F8_E5M2", 8},
    Row{StoredDType::f8_e4m3, "F8_E4M3", 8},
    Row{StoredDType::f8_e8m0, "F8_E8M0", 8},
    Row{StoredDType::f8_e4m3fnuz, "F8_E4M3FNUZ", 8},
    Row{StoredDType::f8_e5m2fnuz, "F8_E5M2FNUZ", 8},
    Row{StoredDType::i16, "I16", 16},
    Row{StoredDType::u16, "U16", 16},
    Row{StoredDType::f16, "F16", 16},
    Row{StoredDType::bf16, "BF16", 16},
    Row{StoredDType::i32, "I32", 32},
    Row{StoredDType::u32, "U32", 32},
    Row{StoredDType::f32, "F32", 32},
    Row{StoredDType::c64, "C64", 64},
    Row{StoredDType::f64, "F64", 64},
    Row{StoredDType::i64, "I64", 64},
    Row{StoredDType::u64, "U64", 64},
};

static_assert([] {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].dtype) != i) return false;
  return true;
}());

const Row& row(StoredDType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

std::string_view to_string(StoredDType dtype) noexcept { return row(dtype).name; }

std::optional<StoredDType> parse_stored_dtype(std::string_view name) noexcept {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.dtype;
  return std::nullopt;
}

int64_t bits_of(StoredDType dtype) noexcept { return row(dtype).bits; }

int64_t alignment_of(StoredDType dtype) noexcept {
  return dtype == StoredDType::c64 ? 4 : std::max<int64_t>(bits_of(dtype) / 8, 1);
}

int64_t stored_bytes(StoredDType dtype, std::span<const int64_t> shape) {
  // Zero extents are left out of the product, so that strides computed from the shape of an empty
  // tensor fit as well.
  int64_t product = 1;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent == 0) empty = true;
    product = checked_mul(product, extent == 0 ? 1 : extent);
  }
  const int64_t bits = checked_mul(product, bits_of(dtype));
  if (empty) return 0;
  require(bits % 8 == 0, "{} elements of {} are {} bits, no whole number of bytes", product,
          to_string(dtype), bits);
  return bits / 8;
}

std::optional<DType> to_dtype(StoredDType dtype) noexcept {
  switch (dtype) {
    case StoredDType::boolean: return DType::boolean;
    case StoredDType::u8: return DType::u8;
    case StoredDType::u32: return DType::u32;
    case StoredDType::i32: return DType::i32;
    case StoredDType::i64: return DType::i64;
    case StoredDType::f16: return DType::f16;
    case StoredDType::bf16: return DType::bf16;
    case StoredDType::f32: return DType::f32;
    default: return std::nullopt;
  }
}

StoredDType to_stored(DType dtype) noexcept {
  switch (dtype) {
    case DType::boolean: return StoredDType::boolean;
    case DType::u8: return StoredDType::u8;
    case DType::u32: return StoredDType::u32;
    case DType::i32: return StoredDType::i32;
    case DType::i64: return StoredDType::i64;
    case DType::f16: return StoredDType::f16;
    case DType::bf16: return StoredDType::bf16;
    case DType::f32: return StoredDType::f32;
  }
  return StoredDType::u8;
}

}  // namespace linnet::io
