// quantization in config.json: MLX's forms, and everything that is refused by name.
#include "io/quantization.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace linnet::io {
namespace {

QuantizationConfig read(const std::string& text) {
  return QuantizationConfig::read(Json::parse(text, "config.json"));
}

void refused(ErrorCode code, std::string_view part, const std::string& text) {
  SCOPED_TRACE(text);
  test::expect_error(code, part, [&] { read(text); });
}

constexpr Quantization kFour{.bits = 4, .group_size = 64};
constexpr Quantization kEight{.bits = 8, .group_size = 32};

TEST(QuantizationConfig, SaysNothing) {
  for (const char* text : {"{}", R"({"quantization": null})", R"({"text_config": {}})"}) {
    const QuantizationConfig config = read(text);
    EXPECT_FALSE(config.defined());
    EXPECT_EQ(config.of("model.norm", false), Quantization());
    test::expect_error(ErrorCode::malformed_file, "lm_head.scales is there, but config.json",
                       [&] { static_cast<void>(config.of("lm_head", true)); });
  }
}

TEST(QuantizationConfig, ScalesDecideWhereNothingElseDoes) {
  const QuantizationConfig config = read(R"({"quantization": {"group_size": 64, "bits": 4}})");
  EXPECT_TRUE(config.defined());
  EXPECT_EQ(config.general(), kFour);
  EXPECT_EQ(config.of("lm_head", true), kFour);
  EXPECT_EQ(config.of("lm_head", false), Quantization());
}

TEST(QuantizationConfig, ModulesHaveEntriesOfTheirOwn) {
  const QuantizationConfig config = read(R"({"quantization": {
      "group_size": 64, "bits": 4, "mode": "affine",
      "a": {"group_size": 32, "bits": 8}, "b": false, "c": true,
      "d": {"bits": 8, "mode": "affine", "quantize_input": false}, "e": {}}})");
  EXPECT_EQ(config.of("a", true), kEight);
  EXPECT_EQ(config.of("b", false), Quantization());
  EXPECT_EQ(config.of("c", true), kFour);
  EXPECT_EQ(config.of("d", true), (Quantization{.bits = 8, .group_size = 64}));
  EXPECT_EQ(config.of("e", true), kFour);
  EXPECT_EQ(config.of("other", true), kFour);
  const auto fails = [&](ErrorCode code, std::string_view part, const char* module, bool scales) {
    test::expect_error(code, part, [&] { static_cast<void>(config.of(module, scales)); });
  };
  fails(ErrorCode::malformed_file, "quantization.b is false, but b.scales is there", "b", true);
  fails(ErrorCode::not_found, "no tensor a.scales", "a", false);
  fails(ErrorCode::not_found, "no tensor c.scales", "c", false);
}

TEST(QuantizationConfig, TheEntryOfAModuleStandsAboveTheDefaultsNotOnThem) {
  // MLX fills up what an entry leaves out with 4 and 64.
  const QuantizationConfig config =
      read(R"({"quantization": {"group_size": 32, "bits": 8, "a": {"bits": 3}}})");
  EXPECT_EQ(config.of("a", true), (Quantization{.bits = 3, .group_size = 64}));
}

TEST(QuantizationConfig, Aliases) {
  for (const char* text : {
           R"({"quantization_config": {"group_size": 64, "bits": 4}})",
           R"({"text_config": {"quantization": {"group_size": 64, "bits": 4}}})",
           R"({"text_config": {"quantization_config": {"group_size": 64, "bits": 4}}})",
           R"({"quantization": {"group_size": 64, "bits": 4},
               "quantization_config": {"group_size": 32, "bits": 8}})",
           R"({"quantization": {"group_size": 64, "bits": 4},
               "quantization_config": {"quant_method": "fp8"}})",
           R"({"quantization_config": {"group_size": 64, "bits": 4, "quant_method": "mlx"}})",
           R"({"quantization_config": null, "quantization": {"group_size": 64, "bits": 4.0}})",
       })
    EXPECT_EQ(read(text).general(), kFour) << text;
}

TEST(QuantizationConfig, OtherModesAndMethodsAreRefusedByName) {
  for (const char* mode : {"mxfp4", "nvfp4", "mxfp8", "ternary", ""})
    refused(
        ErrorCode::unsupported, fmt::format("mode \"{}\"", mode),
        fmt::format(R"({{"quantization": {{"group_size": 32, "bits": 4, "mode": "{}"}}}})", mode));
  for (const char* method : {"gptq", "awq", "fp8", "bitsandbytes", "compressed-tensors", "bitnet",
                             "mxfp4", "hqq", "torchao"})
    refused(ErrorCode::unsupported, fmt::format("quant_method \"{}\"", method),
            fmt::format(R"({{"quantization_config": {{"quant_method": "{}", "bits": 4,
                             "desc_act": false, "weight_block_size": [128, 128]}}}})",
                        method));
  refused(ErrorCode::unsupported, "quantize_activations", R"({"quantize_activations": true})");
  const QuantizationConfig config = read(
      R"({"quantization": {"group_size": 64, "bits": 4, "a": {"mode": "mxfp4", "bits": 4},
          "b": {"bits": 4, "rotation": 1}, "c": {"quantize_input": true}}})");
  const auto fails = [&](std::string_view part, const char* module) {
    test::expect_error(ErrorCode::unsupported, part,
                       [&] { static_cast<void>(config.of(module, true)); });
  };
  fails("quantization.a: mode \"mxfp4\"", "a");
  fails("quantization.b: the field \"rotation\"", "b");
  fails("quantization.c: the field \"quantize_input\"", "c");
}

TEST(QuantizationConfig, NumbersThatDoNotExist) {
  const auto of = [](const std::string& bits, const std::string& group) {
    return fmt::format(R"({{"quantization": {{"group_size": {}, "bits": {}}}}})", group, bits);
  };
  refused(ErrorCode::unsupported, "7 bits in groups of 64", of("7", "64"));
  refused(ErrorCode::unsupported, "0 bits in groups of 64", of("0", "64"));
  refused(ErrorCode::unsupported, "16 bits in groups of 64", of("16", "64"));
  refused(ErrorCode::unsupported, "4 bits in groups of 48", of("4", "48"));
  refused(ErrorCode::unsupported, "4 bits in groups of 16", of("4", "16"));
  refused(ErrorCode::malformed_file, "bits is -4", of("-4", "64"));
  refused(ErrorCode::malformed_file, "group_size is 4611686018427387904",
          of("4", "4611686018427387904"));
  refused(ErrorCode::malformed_file, "quantization.bits is a string", of("\"4\"", "64"));
  refused(ErrorCode::malformed_file, "quantization.bits", of("4.5", "64"));
  refused(ErrorCode::malformed_file, "\"bits\"", of("null", "64"));
  refused(ErrorCode::malformed_file, "\"group_size\"", R"({"quantization": {"bits": 4}})");
  refused(ErrorCode::malformed_file, "\"bits\"", R"({"quantization": {}})");
  const QuantizationConfig config = read(
      R"({"quantization": {"group_size": 64, "bits": 4, "a": {"bits": 7}, "b": {"bits": "8"}}})");
  test::expect_error(ErrorCode::unsupported, "quantization.a: 7 bits",
                     [&] { static_cast<void>(config.of("a", true)); });
  test::expect_error(ErrorCode::malformed_file, "quantization.b.bits is a string",
                     [&] { static_cast<void>(config.of("b", true)); });
}

TEST(QuantizationConfig, OtherShapes) {
  refused(ErrorCode::malformed_file, "quantization is a number", R"({"quantization": 4})");
  refused(ErrorCode::malformed_file, "quantization is an array", R"({"quantization": [4, 64]})");
  refused(ErrorCode::malformed_file, "quantization is a boolean", R"({"quantization": true})");
  refused(ErrorCode::unsupported, "the field \"zero_point\"",
          R"({"quantization": {"group_size": 64, "bits": 4, "zero_point": 3}})");
  refused(ErrorCode::unsupported, "the field \"lm_head\"",
          R"({"quantization": {"group_size": 64, "bits": 4, "lm_head": null}})");
  refused(ErrorCode::malformed_file, "the module \"a\" twice",
          R"({"quantization": {"group_size": 64, "bits": 4, "a": false, "a": true}})");
}

TEST(QuantizationConfig, ManyEntriesAreFoundQuickly) {
  std::string text = R"({"quantization": {"group_size": 64, "bits": 4)";
  for (int i = 0; i < 100000; ++i)
    text += fmt::format(R"(,"layers.{}":{{"group_size":32,"bits":8}})", i);
  const QuantizationConfig config = read(text + "}}");
  for (int i = 0; i < 200000; ++i)
    EXPECT_EQ(config.of(fmt::format("layers.{}", i), true), i < 100000 ? kEight : kFour);
}

}  // namespace
}  // namespace linnet::io
