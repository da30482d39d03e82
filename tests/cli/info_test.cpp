// linnet info and linnet plan, which load nothing.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

Json json_of(const std::vector<std::string>& arguments) {
  const ProcessResult result = run_linnet(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::parse(result.out);
}

TEST(CliInfo, SaysWhatConfigAndHeadersSay) {
  const Json info = json_of({"info", "-m", tiny_checkpoint("gemma3").string(), "--json"});
  EXPECT_EQ(info["architecture"], "Gemma3ForCausalLM");
  EXPECT_EQ(info["model_type"], "gemma3_text");
  EXPECT_EQ(info["dtype"], "bf16");
  EXPECT_EQ(info["quantization"], "none");
  EXPECT_EQ(info["vocab_size"], 512);
  EXPECT_EQ(info["hidden_size"], 128);
  EXPECT_EQ(info["intermediate_size"], 256);
  EXPECT_EQ(info["num_layers"], 7);
  EXPECT_EQ(info["num_attention_heads"], 4);
  EXPECT_EQ(info["num_key_value_heads"], 1);
  EXPECT_EQ(info["head_dim"], 64);
  EXPECT_EQ(info["sliding_window"], 16);
  EXPECT_EQ(info["sliding_layers"], 6);
  EXPECT_EQ(info["max_context_length"], 512);
  EXPECT_EQ(info["tied_embeddings"], true);
  EXPECT_EQ(info["has_tokenizer"], false);
  // Embedding, then per layer q, k, v, o; gate, up, down; four norms of the width, two of heads;
  // the last norm.
  const int64_t layer = 128 * (256 + 64 + 64) + 256 * 128 + 3 * 128 * 256 + 4 * 128 + 2 * 64;
  const int64_t parameters = 512 * 128 + 7 * layer + 128;
  EXPECT_EQ(info["parameters"], parameters);
  EXPECT_EQ(info["stored_bytes"], 2 * parameters);
  bool found = false;
  for (const Json& file : info["files"])
    if (file["name"] == "model.safetensors") {
      found = true;
      EXPECT_EQ(file["bytes"].get<uintmax_t>(),
                std::filesystem::file_size(tiny_checkpoint("gemma3") / "model.safetensors"));
    }
  EXPECT_TRUE(found);
}

TEST(CliInfo, TextNamesTheSame) {
  const ProcessResult result = run_linnet({"info", "--model", tiny_checkpoint("llama3").string()});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* part : {"LlamaForCausalLM (llama)", "bf16", "512 tokens, separate head",
                           "model.safetensors", "MiB", "sliding window"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
}

TEST(CliPlan, CountsWeightsAndGrowsWithTheContext) {
  const std::string folder = tiny_checkpoint("llama3").string();
  const Json small = json_of({"plan", "-m", folder, "--context", "64", "--json"});
  const Json large = json_of({"plan", "-m", folder, "--context", "512", "--json"});
  EXPECT_EQ(small["context_length"], 64);
  EXPECT_EQ(large["context_length"], 512);
  EXPECT_EQ(small["weight_bytes"], large["weight_bytes"]);
  EXPECT_EQ(large["kv_cache_bytes"].get<int64_t>(), 8 * small["kv_cache_bytes"].get<int64_t>());
  for (const Json& plan : {small, large})
    EXPECT_EQ(plan["total_bytes"].get<int64_t>(), plan["weight_bytes"].get<int64_t>() +
                                                      plan["kv_cache_bytes"].get<int64_t>() +
                                                      plan["workspace_bytes"].get<int64_t>());
  // The reference arithmetic keeps keys and values in four bytes instead of two.
  const Json exact =
      json_of({"plan", "-m", folder, "--context", "64", "--compute", "f32", "--json"});
  EXPECT_EQ(exact["kv_cache_bytes"].get<int64_t>(), 2 * small["kv_cache_bytes"].get<int64_t>());
}

TEST(CliPlan, CountsAnAdapter) {
  const std::string folder = tiny_checkpoint("qwen3").string();
  const std::string adapter = tiny_checkpoint("qwen3-peft-lora").string();
  const Json alone = json_of({"plan", "-m", folder, "--json"});
  const Json with = json_of({"plan", "-m", folder, "--adapter", adapter, "--json"});
  EXPECT_EQ(alone["adapter_bytes"], 0);
  EXPECT_EQ(with["weight_bytes"], alone["weight_bytes"]);
  EXPECT_GT(with["adapter_bytes"].get<int64_t>(), 0);
  int64_t parts = 0;
  for (const char* part : {"weight_bytes", "adapter_bytes", "kv_cache_bytes", "workspace_bytes"})
    parts += with[part].get<int64_t>();
  EXPECT_EQ(with["total_bytes"], parts);
  const ProcessResult text = run_linnet({"plan", "-m", folder, "--adapter", adapter});
  EXPECT_NE(text.out.find("\nadapter "), std::string::npos) << text.out << text.err;
  EXPECT_EQ(run_linnet({"plan", "-m", folder}).out.find("adapter"), std::string::npos);
}

TEST(CliPlan, HoldsWhatARequestTakes) {
  const std::string folder = tiny_checkpoint("qwen2").string();
  const Json plan = json_of({"plan", "-m", folder, "--json"});
  std::string ids = "5";
  for (int i = 0; i < 299; ++i) ids += ",6";
  const Json answer = json_of({"generate", "-m", folder, "--ids", ids, "-n", "200", "--json"});
  EXPECT_LE(answer["metrics"]["peak_bytes"].get<int64_t>(), plan["total_bytes"].get<int64_t>());
}

TEST(CliPlan, TextIsATable) {
  const ProcessResult result =
      run_linnet({"plan", "-m", tiny_checkpoint("qwen3").string(), "--context", "128"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* part :
       {"weights", "keys and values of 128 tokens", "workspace", "total", "iB\n"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
}

}  // namespace
}  // namespace linnet::test
