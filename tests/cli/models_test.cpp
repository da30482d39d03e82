// linnet models, and models named as in the Hugging Face cache.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "support/hub_cache.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

class CliModels : public testing::Test {
 protected:
  CliModels() {
    const TestCheckpoint llama = TestCheckpoint::reference("llama3");
    add_snapshot(hub(), "models--org--tiny", "0123456789abcdef", llama);
    main_ = add_snapshot(hub(), "models--org--tiny", "fedcba9876543210", llama);
    set_main(hub(), "models--org--tiny", "fedcba9876543210");
    write_text(hub() / "models--org--broken" / "snapshots" / "aaaa" / "config.json", "{");
  }
  [[nodiscard]] std::filesystem::path hub() const { return home_.path() / "hub"; }

  /// With no cache but this one.
  [[nodiscard]] ProcessResult run(const std::vector<std::string>& arguments,
                                  const std::string& variable = "HF_HUB_CACHE") const {
    std::map<std::string, std::string> environment{
        {"HF_HUB_CACHE", ""}, {"HF_HOME", ""}, {"XDG_CACHE_HOME", ""}, {"HOME", "/nonexistent"}};
    environment[variable] = variable == "HF_HUB_CACHE" ? hub().string() : home_.path().string();
    return run_linnet(arguments, {.environment = environment});
  }

  TemporaryFolder home_;
  std::filesystem::path main_;
};

TEST_F(CliModels, ListsTheCache) {
  const ProcessResult result = run({"models", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json models = Json::parse(result.out);
  ASSERT_EQ(models.size(), 3U) << result.out;
  EXPECT_EQ(models[0]["name"], "org/broken");
  EXPECT_EQ(models[0]["supported"], false);
  EXPECT_NE(models[0]["problem"].get<std::string>().find("config.json"), std::string::npos);
  EXPECT_EQ(models[1]["name"], "org/tiny");
  EXPECT_EQ(models[1]["revision"], "fedcba9876543210");
  EXPECT_EQ(models[1]["preferred"], true);
  EXPECT_EQ(models[1]["path"], main_.string());
  EXPECT_EQ(models[1]["architecture"], "LlamaForCausalLM");
  EXPECT_EQ(models[1]["dtype"], "bf16");
  EXPECT_EQ(models[1]["quantization"], "none");
  EXPECT_EQ(models[1]["stored_bytes"].get<int64_t>(), 2 * models[1]["parameters"].get<int64_t>());
  EXPECT_EQ(models[2]["preferred"], false);
  // HF_HOME holds the cache in "hub".
  EXPECT_EQ(run({"models", "--json"}, "HF_HOME").out, result.out);
}

TEST_F(CliModels, PrintsATable) {
  const ProcessResult result = run({"models"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* part : {"NAME", "org/tiny ", "org/tiny @01234567", "LlamaForCausalLM",
                           "org/broken", "cannot be loaded: config.json"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
}

TEST_F(CliModels, TakesFolders) {
  const std::string folder = tiny_checkpoint("qwen2").string();
  const ProcessResult result = run({"models", folder, folder, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json models = Json::parse(result.out);
  ASSERT_EQ(models.size(), 1U) << "each once";
  EXPECT_EQ(models[0]["name"], "qwen2");
  const TemporaryFolder empty;
  EXPECT_EQ(run({"models", empty.path().string()}).out, "no models found\n");
  EXPECT_EQ(run({"models", empty.path().string(), "--json"}).out, "[]\n");
  const ProcessResult absent = run({"models", "/nonexistent"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_NE(absent.err.find("(not_found)"), std::string::npos) << absent.err;
  const ProcessResult bounded = run({"models", "--max-entries", "2"});
  EXPECT_EQ(bounded.status, 1);
  EXPECT_NE(bounded.err.find("more than 2 files and folders"), std::string::npos) << bounded.err;
  const ProcessResult none = run({"models"}, "HF_HOME_IS_NOT_SET");
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.out, "no folder was named, and there is no Hugging Face cache\n");
}

TEST_F(CliModels, EveryCommandTakesTheNameOfAModel) {
  const ProcessResult info = run({"info", "-m", "org/tiny", "--json"});
  ASSERT_EQ(info.status, 0) << info.err;
  EXPECT_EQ(Json::parse(info.out)["name"], main_.string());
  EXPECT_EQ(run({"plan", "-m", "org/tiny"}).status, 0);
  const std::vector<std::string> rest{"--ids", "5,6,7", "-n", "4", "--json"};
  const auto ids = [&](const std::string& model) {
    std::vector<std::string> arguments{"generate", "-m", model};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const ProcessResult result = run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.status == 0 ? Json::parse(result.out)["ids"] : Json();
  };
  EXPECT_EQ(ids("org/tiny"), ids(tiny_checkpoint("llama3").string()));
  for (const char* command : {"info", "plan", "tokenize", "render"}) {
    const ProcessResult absent =
        run({command, "-m", "org/absent", *command == 't' || *command == 'r' ? "x" : "--json"});
    EXPECT_EQ(absent.status, 1) << command;
    EXPECT_NE(absent.err.find("no model of that name is in " + hub().string()), std::string::npos)
        << absent.err;
  }
}

}  // namespace
}  // namespace linnet::test
