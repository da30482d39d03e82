#include "io/stored_dtype.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "support/expect_error.hpp"

namespace linnet::io {
namespace {

using test::expect_error;

constexpr std::array kNames{"BOOL",    "F4",      "F6_E2M3", "F6_E3M2",     "U8",          "I8",
                            "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I16",
                            "U16",     "F16",     "BF16",    "I32",         "U32",         "F32",
                            "C64",     "F64",     "I64",     "U64"};

TEST(StoredDType, NamesGoBothWays) {
  for (const char* name : kNames) {
    const auto dtype = parse_stored_dtype(name);
    ASSERT_TRUE(dtype.has_value()) << name;
    EXPECT_EQ(to_string(*dtype), name);
  }
  for (const char* name : {"", "f32", "F33", "BF16 ", "FLOAT", "F8"})
    EXPECT_FALSE(parse_stored_dtype(name).has_value()) << name;
}

TEST(StoredDType, BytesFollowTheBits) {
  const std::vector<int64_t> shape{3, 8};
  for (const char* name : kNames) {
    const StoredDType dtype = *parse_stored_dtype(name);
    EXPECT_EQ(stored_bytes(dtype, shape), 24 * bits_of(dtype) / 8) << name;
    EXPECT_EQ(stored_bytes(dtype, std::vector<int64_t>{7, 0}), 0) << name;
  }
  EXPECT_EQ(stored_bytes(StoredDType::f32, {}), 4);  // a scalar
  EXPECT_EQ(stored_bytes(StoredDType::f4, std::vector<int64_t>{3, 2}), 3);
  EXPECT_EQ(stored_bytes(StoredDType::f6_e2m3, std::vector<int64_t>{4}), 3);
}

TEST(StoredDType, RefusesImpossibleSizes) {
  const auto refused = [](StoredDType dtype, const std::vector<int64_t>& shape, const char* part) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)stored_bytes(dtype, shape); });
  };
  refused(StoredDType::f4, {3}, "12 bits");
  refused(StoredDType::f6_e3m2, {3, 3}, "54 bits");
  refused(StoredDType::u8, {int64_t{1} << 60}, "63 bits");
  refused(StoredDType::f32, {int64_t{1} << 40, int64_t{1} << 40}, "63 bits");
  refused(StoredDType::f32, {0, int64_t{1} << 40, int64_t{1} << 40}, "63 bits");
  refused(StoredDType::f32, {-1}, "-1");
}

TEST(StoredDType, ConvertsToArrayTypesAndBack) {
  for (const DType dtype : {DType::boolean, DType::u8, DType::u32, DType::i32, DType::i64,
                            DType::f16, DType::bf16, DType::f32}) {
    EXPECT_EQ(to_dtype(to_stored(dtype)), dtype);
    EXPECT_EQ(bits_of(to_stored(dtype)), size_of(dtype) * 8);
  }
  int without = 0;
  for (const char* name : kNames) without += to_dtype(*parse_stored_dtype(name)) ? 0 : 1;
  EXPECT_EQ(without, 14);
}

}  // namespace
}  // namespace linnet::io
