// linnet calibrate: two models over one labelled file.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/jsonl_files.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

TEST(CliCalibrate, CountsWhatClassifyFinds) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "heldout.jsonl";
  write_text(file, heldout_text());
  const ProcessResult result =
      run_linnet({"calibrate", "builtin", "builtin", "--quantize-b", "2", file, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json found = Json::parse(result.out);
  EXPECT_EQ(found["lines"], kHeldOut);
  EXPECT_EQ(found["with_gold"], kHeldOut);
  EXPECT_EQ(found["a"]["quantization"], "none");
  EXPECT_EQ(found["b"]["quantization"], "2 bits in groups of 64");

  // The same from two runs of classify.
  const std::string labels = "technical,creative,ethical,casual";
  const auto classify = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{"classify", "--labels",       labels, "--input",
                                     file,       "--output-field", "found"};
    command.insert(command.end(), more.begin(), more.end());
    return json_lines(run_linnet(command).out);
  };
  const std::vector<Json> a = classify({});
  const std::vector<Json> b = classify({"--quantize", "2"});
  ASSERT_EQ(a.size(), size_t{kHeldOut});
  ASSERT_EQ(b.size(), size_t{kHeldOut});
  int agreed = 0;
  int right_a = 0;
  int right_b = 0;
  std::map<std::string, int> counts_b;
  std::map<std::pair<std::string, std::string>, int> confused;
  for (size_t i = 0; i < size_t{kHeldOut}; ++i) {
    agreed += a[i]["found"] == b[i]["found"] ? 1 : 0;
    right_a += a[i]["found"] == a[i]["label"] ? 1 : 0;
    right_b += b[i]["found"] == b[i]["label"] ? 1 : 0;
    ++counts_b[b[i]["found"]];
    if (b[i]["found"] != b[i]["label"]) ++confused[{b[i]["label"], b[i]["found"]}];
  }
  EXPECT_EQ(found["agreed"], agreed);
  EXPECT_NEAR(found["agreement"].get<double>(), agreed / double{kHeldOut}, 1e-12);
  EXPECT_EQ(found["a"]["correct"], right_a);
  EXPECT_EQ(found["b"]["correct"], right_b);
  EXPECT_GT(found["a"]["accuracy"], 0.9);
  for (const auto& [label, count] : counts_b) EXPECT_EQ(found["b"]["counts"][label], count);
  ASSERT_EQ(found["confusion"]["gold_b"].size(), confused.size());
  for (const Json& pair : found["confusion"]["gold_b"])
    EXPECT_EQ(pair["count"], (confused[{pair["gold"], pair["b"]}])) << pair;
}

TEST(CliCalibrate, ShowsTablesAndReadsStandardInput) {
  const ProcessResult result = run_linnet(
      {"calibrate", "builtin", "builtin", "--labels", "technical,casual", "--gold", "right"},
      {.input = "{\"text\": \"The compiler reports an error.\", \"right\": "
                "\"technical\"}\nbad\n{\"text\": \"Thanks, bye!\"}\n{\"text\": \"Hi!\", "
                "\"right\": \"odd\"}\n"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const std::string part :
       {"A and B agree           100.00 % (3 of 3)", "A is right              50.00 % (1 of 2)",
        "       1       1       1  technical", "       1       0       0  odd",
        "gold -> A\n       1  odd -> "})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " is not in\n" << result.out;
  EXPECT_NE(result.err.find("line 2 skipped"), std::string::npos) << result.err;
}

TEST(CliCalibrate, WrongUsageIs2AndFailedWork1) {
  const std::string file =
      std::filesystem::path(LINNET_TEST_DATA) / "builtin" / "heldout_labels.jsonl";
  const auto fails = [](int status, std::vector<std::string> arguments, std::string_view part) {
    arguments.insert(arguments.begin(), "calibrate");
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, status) << part;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  fails(2, {"builtin"}, "b is required");
  fails(2, {"builtin", "builtin"}, "--labels");
  fails(2, {"builtin", "builtin", "--frob"}, "--frob");
  fails(2, {"builtin", "builtin", file, "--threads", "x"}, "--threads");
  fails(1, {"builtin", "builtin", "/nonexistent"}, "/nonexistent");
  fails(1, {"builtin", "/nonexistent", file}, "/nonexistent");
  fails(1, {"builtin", "builtin", file, "--gold", "absent"}, "no line has a \"absent\"");
}

}  // namespace
}  // namespace linnet::test
