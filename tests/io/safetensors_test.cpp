#include "io/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "io/files.hpp"
#include "io/safetensors_writer.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::io {
namespace {

using test::bytes_of;
using test::expect_error;
using test::raw_file;

SafetensorsFile parse(const std::string& file) {
  return SafetensorsFile::from_bytes(bytes_of(file), "m.safetensors");
}

TEST(Safetensors, ReadsWhatTheReferenceWriterWrites) {
  // Byte for byte what the reference implementation gives for one f32 tensor of [1, 2, 3].
  std::string file =
      raw_file(R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})", 0);
  EXPECT_EQ(file[0], 64);
  const float values[6] = {0, 1, 2, 3, 4, 5};
  const std::string data(reinterpret_cast<const char*>(values), sizeof(values));
  file += data;
  const SafetensorsFile read = parse(file);
  ASSERT_EQ(read.tensors().size(), 1U);
  const TensorEntry& entry = read.tensors()[0];
  EXPECT_EQ(entry.name, "attn.0");
  EXPECT_EQ(entry.dtype, StoredDType::f32);
  EXPECT_EQ(entry.shape, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(read.bytes("attn.0").text(), data);
  EXPECT_TRUE(read.metadata().empty());
}

TEST(Safetensors, AcceptsEveryType) {
  for (const char* name :
       {"BOOL",    "F4",  "F6_E2M3", "F6_E3M2", "U8",          "I8",         "F8_E5M2", "F8_E4M3",
        "F8_E8M0", "I16", "U16",     "F16",     "BF16",        "I32",        "U32",     "F32",
        "C64",     "F64", "I64",     "U64",     "F8_E4M3FNUZ", "F8_E5M2FNUZ"}) {
    const auto bytes = static_cast<size_t>(bits_of(*parse_stored_dtype(name)));  // of 8 elements
    const SafetensorsFile read = parse(raw_file(
        fmt::format(R"({{"t":{{"dtype":"{}","shape":[2,4],"data_offsets":[0,{}]}}}})", name, bytes),
        bytes));
    EXPECT_EQ(to_string(read.find("t")->dtype), name);
    EXPECT_EQ(read.bytes("t").view.size(), bytes);
  }
}

TEST(Safetensors, AcceptsUnusualButValidFiles) {
  EXPECT_TRUE(parse(raw_file("{}      ", 0)).tensors().empty());
  EXPECT_TRUE(parse(raw_file(R"({"__metadata__":null})", 0)).metadata().empty());
  const SafetensorsFile read =
      parse(raw_file(R"({"__metadata__":{"format":"pt","a b":""},)"
                     R"("late":{"shape":[3],"data_offsets":[5,8],"dtype":"U8"},)"
                     R"("empty":{"dtype":"F32","shape":[4,0],"data_offsets":[5,5]},)"
                     R"("early":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},)"
                     R"("\u00e4\n":{"dtype":"I8","shape":[],"data_offsets":[8,9]}})",
                     9));
  EXPECT_EQ(read.metadata().at("format"), "pt");
  EXPECT_EQ(read.metadata().size(), 2U);
  ASSERT_EQ(read.tensors().size(), 4U);  // by offset, whatever the header's order
  EXPECT_EQ(read.tensors()[0].name, "early");
  EXPECT_EQ(read.tensors()[1].name, "empty");
  EXPECT_EQ(read.tensors()[2].name, "late");
  EXPECT_EQ(read.bytes("empty").size(), 0);
  EXPECT_EQ(read.bytes("late").text(), "\5\6\7");
  EXPECT_EQ(read.bytes("\xc3\xa4\n").text(), "\x8");
  EXPECT_EQ(read.find("nothing"), nullptr);
  expect_error(ErrorCode::not_found, "nothing", [&] { (void)read.bytes("nothing"); });
}

TEST(Safetensors, GivesAlignedBytesOfFilesThatAreNotAligned) {
  // MLX does not pad its headers: data at any address.
  const std::string header = R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})";
  const float values[3] = {1.5F, -2, 3};
  const std::string data(reinterpret_cast<const char*>(values), sizeof(values));
  int in_place = 0;
  for (size_t pad = 0; pad < 8; ++pad) {
    const std::string file = raw_file(header + std::string(pad, ' '), data);
    const SafetensorsFile read = SafetensorsFile::from_bytes(bytes_of(file, 8), "m.safetensors");
    const Bytes raw = read.bytes("x");
    const Bytes aligned = aligned_bytes(raw, StoredDType::f32);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(aligned.view.data()) % alignof(float), 0U);
    ASSERT_EQ(aligned.size(), 12);
    const auto* floats = reinterpret_cast<const float*>(aligned.view.data());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(floats[i], values[i]);
    in_place += aligned.view.data() == raw.view.data() ? 1 : 0;
  }
  EXPECT_EQ(in_place, 2);
}

TEST(Safetensors, BytesOutliveTheFileObject) {
  Bytes kept;
  {
    kept =
        parse(raw_file(R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", 3)).bytes("x");
  }
  EXPECT_EQ(kept.text(), std::string_view("\0\1\2", 3));
}

struct Malformed {
  const char* what;
  std::string file;
  const char* part;  // of the message
};

std::string one(std::string_view fields, size_t data = 8) {
  return raw_file(fmt::format(R"({{"w.q":{{{}}}}})", fields), data);
}

std::string two(std::string_view first, std::string_view second, size_t data) {
  return raw_file(fmt::format(R"({{"a.first":{{"dtype":"U8",{}}},"b.second":{{"dtype":"U8",{}}}}})",
                              first, second),
                  data);
}

std::string with_length(uint64_t length, std::string_view rest) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file.append(rest);
}

std::string deep(size_t depth) {
  return R"({"w.q":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

std::vector<Malformed> malformed_files() {
  const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  return {
      {"empty file", "", "0 bytes"},
      {"shorter than the length", std::string(7, '\0'), "7 bytes"},
      {"length without header", with_length(2, ""), "length 2"},
      {"length 0", with_length(0, "{}"), "does not begin"},
      {"length one past the end", with_length(3, "{}"), "length 3"},
      {"length over the limit", with_length(100'000'001, "{}"), "100000001"},
      {"length 2^63", with_length(uint64_t{1} << 63, "{}"), "9223372036854775808"},
      {"length 2^64 - 1", with_length(~uint64_t{0}, "{}"), "18446744073709551615"},
      {"length 2^64 - 8", with_length(~uint64_t{0} - 7, "{}"), "header's length"},
      {"truncated header", with_length(20, R"({"w.q":{"dtype":"F32)"), "header"},
      {"header starts with a space", raw_file(" {}", 0), "begin"},
      {"header is an array", raw_file("[]", 0), "begin"},
      {"header is not closed", raw_file("{", 0), "the header"},
      {"two documents", raw_file("{}{}", 0), "the header"},
      {"zero padding", raw_file(std::string_view("{}\0\0\0\0\0\0", 8), 0), "the header"},
      {"trailing comma", raw_file(R"({"a":1,})", 0), "the header"},
      {"bad UTF-8", raw_file("{\"\xff\":1}", 0), "the header"},
      {"control character in a name", raw_file("{\"a\nb\":1}", 0), "the header"},
      {"nested too deep", raw_file(deep(1000), 0), "the header"},
      {"nested below the limit", raw_file(deep(40), 0), "w.q is an array"},
      {"tensor is a number", raw_file(R"({"w.q":1})", 0), "w.q is a number"},
      {"tensor is null", raw_file(R"({"w.q":null})", 0), "w.q is null"},
      {"no dtype", one(R"("shape":[2],"data_offsets":[0,8])"), "w.q has no dtype"},
      {"no shape", one(R"("dtype":"F32","data_offsets":[0,8])"), "w.q has no shape"},
      {"no offsets", one(R"("dtype":"F32","shape":[2])"), "w.q has no data_offsets"},
      {"unknown field", one(good + R"(,"scale":1)"), "w.q has the unknown field \"scale\""},
      {"old name of the field", one(R"("dtype":"F32","shape":[2],"offsets":[0,8])"), "offsets"},
      {"dtype twice", one(good + R"(,"dtype":"F32")"), "w.q has the field \"dtype\" twice"},
      {"shape twice", one(good + R"(,"shape":[2])"), "w.q has the field \"shape\" twice"},
      {"offsets twice", one(good + R"(,"data_offsets":[0,8])"), "\"data_offsets\" twice"},
      {"dtype is a number", one(R"("dtype":4,"shape":[2],"data_offsets":[0,8])"),
       "w.q has a dtype"},
      {"dtype unknown", one(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"), "\"F33\""},
      {"dtype in lower case", one(R"("dtype":"f32","shape":[2],"data_offsets":[0,8])"), "\"f32\""},
      {"dtype drives the terminal", one(R"("dtype":"\u001b[2J","shape":[2],"data_offsets":[0,8])"),
       "\"\\x1b[2J\""},
      {"shape is a number", one(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"),
       "w.q has a shape"},
      {"shape is null", one(R"("dtype":"F32","shape":null,"data_offsets":[0,8])"),
       "w.q has a shape"},
      {"shape of strings", one(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"),
       "w.q has a string in its shape"},
      {"shape of arrays", one(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"),
       "w.q has an array in its shape"},
      {"shape with a fraction", one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"),
       "w.q has a number that is no integer in its shape"},
      {"negative extent", one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"),
       "w.q has the negative number -2 in its shape"},
      {"two negative extents", one(R"("dtype":"F32","shape":[-1,-2],"data_offsets":[0,8])"), "w.q"},
      {"extent 2^63", one(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])"),
       "w.q has the number 9223372036854775808 in its shape"},
      {"extent 2^64", one(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8])"),
       "w.q has a number that is no integer in its shape"},
      {"extent of 400 digits",
       one(R"("dtype":"F32","shape":[1)" + std::string(400, '0') + R"(],"data_offsets":[0,8])"),
       "w.q has an integer of more than 64 bits"},
      {"product 2^64", one(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])"),
       "w.q has the dtype U8 and an impossible shape"},
      {"product 2^64 + 8",
       one(R"("dtype":"U8","shape":[8,2305843009213693953],"data_offsets":[0,8])"),
       "w.q has the dtype U8 and an impossible shape"},
      {"product 2^62, bytes 2^64",
       one(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])"),
       "w.q has the dtype F32 and an impossible shape"},
      {"product wraps behind a zero",
       one(R"("dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", 0), "w.q"},
      {"half a byte", one(R"("dtype":"F4","shape":[3],"data_offsets":[0,2])", 2), "w.q"},
      {"offsets are an object", one(R"("dtype":"F32","shape":[2],"data_offsets":{"0":8})"),
       "w.q has a data_offsets"},
      {"one offset", one(R"("dtype":"F32","shape":[2],"data_offsets":[8])"),
       "w.q has 1 data_offsets"},
      {"three offsets", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), "w.q has 3"},
      {"negative offset", one(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"), "-8"},
      {"offset with a fraction", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8.5])"), "w.q"},
      {"offset 2^63", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775808])"),
       "w.q has the number 9223372036854775808"},
      {"offset 2^63 - 1",
       one(R"("dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807])"),
       "w.q ends at byte 9223372036854775807"},
      {"offsets reversed", one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
       "w.q begins at byte 8"},
      {"end past the data", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 7),
       "w.q ends at byte 8 of a data section of 7"},
      {"fewer bytes than the shape", one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
       "w.q has 8 bytes, but its shape [3] of F32 needs 12"},
      {"more bytes than the shape", one(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"),
       "needs 4"},
      {"hole at the start", one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
       "w.q begins at byte 4, but the data before it ends at 0"},
      {"hole between",
       two(R"("shape":[2],"data_offsets":[0,2])", R"("shape":[2],"data_offsets":[3,5])", 5),
       "b.second begins at byte 3"},
      {"hole at the end", one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
       "4 bytes follow the end of the last tensor, w.q"},
      {"data without tensors", raw_file("{}", 3), "3 bytes"},
      {"overlap",
       two(R"("shape":[4],"data_offsets":[0,4])", R"("shape":[4],"data_offsets":[3,7])", 7),
       "b.second begins at byte 3, inside tensor a.first"},
      {"the same bytes",
       two(R"("shape":[4],"data_offsets":[0,4])", R"("shape":[4],"data_offsets":[0,4])", 4),
       "b.second begins at byte 0, inside tensor a.first"},
      {"one inside the other",
       two(R"("shape":[8],"data_offsets":[0,8])", R"("shape":[2],"data_offsets":[3,5])", 8),
       "b.second"},
      {"an empty one inside the other",
       two(R"("shape":[8],"data_offsets":[0,8])", R"("shape":[0],"data_offsets":[3,3])", 8),
       "b.second"},
      {"tensor twice",
       raw_file(R"({"w.q":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                R"("w.q":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                2),
       "the tensor w.q twice"},
      {"tensor twice, once escaped",
       raw_file(R"({"w.q":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                R"("w\u002eq":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                2),
       "the tensor w.q twice"},
      {"metadata twice", raw_file(R"({"__metadata__":{},"__metadata__":{}})", 0),
       "__metadata__ twice"},
      {"metadata is a string", raw_file(R"({"__metadata__":"pt"})", 0), "__metadata__ is a string"},
      {"metadata of numbers", raw_file(R"({"__metadata__":{"n":1}})", 0),
       "__metadata__.n is a number"},
      {"metadata key twice", raw_file(R"({"__metadata__":{"n":"1","n":"2"}})", 0),
       "key \"n\" twice"},
  };
}

TEST(Safetensors, RefusesMalformedFiles) {
  for (const Malformed& file : malformed_files()) {
    SCOPED_TRACE(file.what);
    expect_error(ErrorCode::malformed_file, file.part, [&] { (void)parse(file.file); });
    expect_error(ErrorCode::malformed_file, "m.safetensors", [&] { (void)parse(file.file); });
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string file = raw_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                    R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
                                    11);
  EXPECT_EQ(parse(file).tensors().size(), 2U);
  for (size_t size = 0; size < file.size(); ++size)
    expect_error(ErrorCode::malformed_file, "m.safetensors",
                 [&] { (void)parse(file.substr(0, size)); });
  expect_error(ErrorCode::malformed_file, "b", [&] { (void)parse(file + "x"); });
}

TEST(Safetensors, ShortensHostileNames) {
  const std::string name(1 << 20, 'n');
  const std::string file = raw_file(R"({")" + name + R"(":{"dtype":"F33"}})", 0);
  try {
    (void)parse(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_LT(std::string_view(error.what()).size(), 400U);
  }
}

// Flips, inserts and removes bytes of a small file: whatever comes out is read or refused, and what
// is read lies inside the file. (The address sanitizer watches in the asan build.)
TEST(Safetensors, SurvivesMutations) {
  const std::string file = raw_file(
      R"({"__metadata__":{"format":"pt"},)"
      R"("model.embed_tokens.weight":{"dtype":"BF16","shape":[3,2],"data_offsets":[0,12]},)"
      R"("model.norm.weight":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},)"
      R"("q":{"dtype":"F4","shape":[2,3],"data_offsets":[20,23]}})",
      23);
  std::mt19937 random(7);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  const std::string digits = "0123456789-[]{}\",:.eE";
  int read = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string mutated = file;
    for (size_t edits = 1 + below(3); edits > 0; --edits) {
      const size_t at = below(mutated.size());
      switch (below(5)) {
        case 0: mutated[at] = static_cast<char>(mutated[at] ^ (1 << below(8))); break;
        case 1: mutated[at] = static_cast<char>(random()); break;
        case 2: mutated[at] = digits[below(digits.size())]; break;
        case 3: mutated.erase(at, 1 + below(3)); break;
        default: mutated.insert(at, 1, digits[below(digits.size())]); break;
      }
    }
    try {
      const SafetensorsFile parsed = parse(mutated);
      int64_t sum = 0;
      for (const TensorEntry& entry : parsed.tensors())
        for (const std::byte byte : parsed.bytes(entry).view) sum += static_cast<int64_t>(byte);
      EXPECT_GE(sum, 0);
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::malformed_file) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(read, 1000);
  EXPECT_GT(refused, 10'000);
}

TEST(SafetensorsWriter, RoundTrip) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "out.safetensors";
  const std::vector<TensorSpec> specs{{"bytes \"quoted\" \xc3\xa4", StoredDType::u8, {3}},
                                      {"weights", StoredDType::f32, {2, 2}},
                                      {"nothing", StoredDType::f64, {0, 5}},
                                      {"scalar", StoredDType::bf16, {}},
                                      {"packed", StoredDType::f4, {2, 5}}};
  std::string longest;
  for (int length = 0; length < 9; ++length) {  // every length of header modulo 8
    SafetensorsWriter writer(path, specs, {{"format", "pt"}, {"pad", std::string(length, 'x')}});
    char value = 0;
    for (const TensorEntry& tensor : writer.tensors())
      for (int64_t i = 0; i < tensor.size(); ++i) {
        const auto byte = static_cast<std::byte>(value++);
        writer.write(tensor.name, std::span(&byte, 1));
      }
    writer.commit();

    const SafetensorsFile read = SafetensorsFile::open(path);
    EXPECT_EQ(read.name(), "out.safetensors");
    EXPECT_EQ(read.size(), static_cast<int64_t>(std::filesystem::file_size(path)));
    EXPECT_EQ(read.metadata().at("pad").size(), static_cast<size_t>(length));
    ASSERT_EQ(read.tensors().size(), specs.size());
    for (const TensorSpec& spec : specs) {
      const TensorEntry* entry = read.find(spec.name);
      ASSERT_NE(entry, nullptr) << spec.name;
      EXPECT_EQ(entry->dtype, spec.dtype);
      EXPECT_EQ(entry->shape, spec.shape);
      const Bytes bytes = read.bytes(*entry);
      EXPECT_EQ(aligned_bytes(bytes, spec.dtype).view.data(), bytes.view.data()) << spec.name;
    }
    char expected = 0;
    for (const TensorEntry& entry : read.tensors())
      for (const std::byte byte : read.bytes(entry).view)
        ASSERT_EQ(static_cast<char>(byte), expected++);
    EXPECT_EQ(expected, 3 + 16 + 2 + 5);
  }
}

TEST(SafetensorsWriter, WritesNoTensorsToo) {
  const test::TemporaryFolder folder;
  SafetensorsWriter writer(folder.path() / "none.safetensors", {});
  writer.commit();
  EXPECT_TRUE(SafetensorsFile::open(folder.path() / "none.safetensors").tensors().empty());
}

TEST(SafetensorsWriter, RefusesWrongDeclarations) {
  const test::TemporaryFolder folder;
  const auto refused = [&](std::vector<TensorSpec> specs, const char* part) {
    expect_error(ErrorCode::invalid_argument, part, [&] {
      const SafetensorsWriter writer(folder.path() / "out.safetensors", std::move(specs));
    });
  };
  refused({{"a", StoredDType::u8, {1}}, {"a", StoredDType::f32, {1}}}, "a is declared twice");
  refused({{"", StoredDType::u8, {1}}}, "named \"\"");
  refused({{"__metadata__", StoredDType::u8, {1}}}, "__metadata__");
  refused({{"a\xff", StoredDType::u8, {1}}}, "UTF-8");
  refused({{"w", StoredDType::u8, {-1}}}, "tensor w");
  refused({{"w", StoredDType::f4, {1}}}, "tensor w");
  refused({{"w", StoredDType::f32, {int64_t{1} << 61}}}, "tensor w");
  refused({{"v", StoredDType::u8, {(int64_t{1} << 60) - 1, 1}},
           {"w", StoredDType::f64, {int64_t{1} << 60}}},
          "tensor w");
  expect_error(ErrorCode::not_found, "missing/out.safetensors", [&] {
    const SafetensorsWriter writer(folder.path() / "missing/out.safetensors", {});
  });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, TakesTensorsByTurnsAndInAnyOrder) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "out.safetensors";
  const auto put = [](SafetensorsWriter& writer, std::string_view name, std::string_view text) {
    writer.write(name, std::as_bytes(std::span(text)));
  };
  SafetensorsWriter writer(path, {{"a", StoredDType::u8, {4}},
                                  {"b", StoredDType::f32, {1}},
                                  {"c", StoredDType::u8, {0}},
                                  {"d", StoredDType::u8, {3}}});
  put(writer, "d", "xy");
  put(writer, "a", "12");
  put(writer, "b", "abcd");
  put(writer, "c", "");
  put(writer, "d", "z");
  put(writer, "a", "34");
  writer.commit();
  const SafetensorsFile read = SafetensorsFile::open(path);
  EXPECT_EQ(read.bytes("a").text(), "1234");
  EXPECT_EQ(read.bytes("b").text(), "abcd");
  EXPECT_EQ(read.bytes("c").text(), "");
  EXPECT_EQ(read.bytes("d").text(), "xyz");
}

TEST(SafetensorsWriter, WantsEveryByteOnceAndLeavesNothingBehind) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "out.safetensors";
  const std::byte data[8] = {};
  {
    SafetensorsWriter writer(path, {{"a", StoredDType::u8, {4}}, {"b", StoredDType::u8, {2}}});
    expect_error(ErrorCode::invalid_argument, "c, which is not one of its tensors", [&] {
      writer.write("c", {data, 2});
    });
    writer.write("a", {data, 3});
    expect_error(ErrorCode::invalid_argument, "room for 1", [&] { writer.write("a", {data, 2}); });
    expect_error(ErrorCode::invalid_argument, "1 of the 4 bytes of tensor a",
                 [&] { writer.commit(); });
    writer.write("a", {data, 1});
    expect_error(ErrorCode::invalid_argument, "2 of the 2 bytes of tensor b",
                 [&] { writer.commit(); });
    expect_error(ErrorCode::invalid_argument, "room for 0", [&] { writer.write("a", {data, 1}); });
    writer.write("b", {data, 2});
    expect_error(ErrorCode::invalid_argument, "room for 0", [&] { writer.write("b", {data, 1}); });
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, OpenNamesAFileThatIsAbsent) {
  const test::TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "model.safetensors",
               [&] { (void)SafetensorsFile::open(folder.path() / "model.safetensors"); });
}

}  // namespace
}  // namespace linnet::io
