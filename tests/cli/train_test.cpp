// linnet train, merge and adapters as a user runs them: a run that is killed and goes on, what it
// leaves, and the same model after merging.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A toy task for the built-in model: answers that it would not give.
fs::path write_data(const fs::path& folder) {
  const fs::path path = folder / "train.jsonl";
  std::ofstream file(path);
  const char* names[] = {"Ada", "Bob", "Cy", "Dot", "Eve", "Flo", "Gus", "Hal"};
  for (const char* name : names) {
    file << R"({"messages": [{"role": "user", "content": "Who is )" << name
         << R"(?"}, {"role": "assistant", "content": "A friend of mine."}]})"
         << "\n";
    file << R"({"prompt": "The name is", "completion": " )" << name << R"("})"
         << "\n";
    file << R"({"text": "Once )" << name << R"( went to the river."})"
         << "\n";
  }
  return path;
}

std::vector<std::string> train_arguments(const fs::path& data, const fs::path& out,
                                         std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"train",       "--data",
                                     data.string(), "--out",
                                     out.string(),  "--steps",
                                     "10",          "--batch-tokens",
                                     "200",         "--pack-tokens",
                                     "100",         "--max-length",
                                     "100",         "--lr",
                                     "5e-3",        "--rank",
                                     "4",           "--targets",
                                     "*_proj",      "--dropout",
                                     "0.1",         "--seed",
                                     "3",           "--checkpoint-every",
                                     "2",           "--validation-fraction",
                                     "0.2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(CliTrain, AKilledRunGoesOnToTheSameBits) {
  const TemporaryFolder folder;
  const fs::path data = write_data(folder.path());
  const ProcessResult whole = run_linnet(train_arguments(data, folder.path() / "whole"));
  ASSERT_EQ(whole.status, 0) << whole.err;
  EXPECT_NE(whole.out.find("finished after 10 steps"), std::string::npos) << whole.out;
  EXPECT_NE(whole.out.find("validation loss"), std::string::npos) << whole.out;
  const fs::path adapter = folder.path() / "whole" / "adapter";
  const std::string tensors = bytes_of(adapter / "adapter_model.safetensors");
  ASSERT_FALSE(tensors.empty());
  EXPECT_TRUE(fs::exists(folder.path() / "whole" / "report.html"));

  const fs::path killed = folder.path() / "killed";
  {
    Process process(linnet_command(train_arguments(data, killed)));
    process.wait_for_file(killed / "checkpoints" / "checkpoint-4" / "checksums", 1);
    process.signal(SIGKILL);
    EXPECT_TRUE(process.wait().killed);
  }
  // With another number of threads, too.
  const ProcessResult resumed =
      run_linnet(train_arguments(data, killed, {"--resume", "--threads", "1"}));
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("resumed after"), std::string::npos) << resumed.out;
  EXPECT_TRUE(bytes_of(killed / "adapter" / "adapter_model.safetensors") == tensors);
  // The report is the whole run's, not only of the steps since it went on.
  const std::string report = bytes_of(killed / "report.html");
  for (int step = 1; step <= 10; ++step)
    EXPECT_NE(report.find(fmt::format("<tr><td>{}</td>", step)), std::string::npos) << step;
  // Without --resume nothing is overwritten; with other options nothing is continued.
  EXPECT_EQ(run_linnet(train_arguments(data, killed)).status, 1);
  const ProcessResult other =
      run_linnet(train_arguments(data, killed, {"--resume", "--clip", "2"}));
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("other options"), std::string::npos) << other.err;
}

TEST(CliTrain, AnotherTokenizerOrChatTemplateGoesOnWithNothing) {
  const TemporaryFolder folder;
  const fs::path data = write_data(folder.path());
  const fs::path model = folder.path() / "model";
  fs::copy(fs::path(LINNET_TEST_DATA) / "../../assets/builtin", model);
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"-m", model.string(), "--epochs", "2"});
    std::vector<std::string> arguments =
        train_arguments(data, folder.path() / "out", std::move(more));
    arguments.erase(arguments.begin() + 5, arguments.begin() + 7);  // --steps
    return run_linnet(arguments);
  };
  ASSERT_EQ(run({}).status, 0);
  std::ofstream(model / "chat_template.jinja")
      << "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  const ProcessResult other = run({"--resume"});
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("tokenizer or chat template"), std::string::npos) << other.err;
}

TEST(CliTrain, CtrlCAndTerminationSave) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const TemporaryFolder folder;
    const fs::path out = folder.path() / "out";
    std::vector<std::string> arguments = train_arguments(write_data(folder.path()), out);
    arguments[6] = "100000";  // steps
    Process process(linnet_command(arguments));
    process.wait_for_file(out / "checkpoints" / "checkpoint-2" / "checksums", 1);
    process.signal(signal);
    const ProcessResult result = process.wait();
    EXPECT_EQ(result.status, 130) << result.err;
    EXPECT_NE(result.out.find("--resume goes on"), std::string::npos) << result.out;
    EXPECT_FALSE(fs::exists(out / "adapter"));
  }
}

TEST(CliTrain, LearnsAndMergesAndConverts) {
  const TemporaryFolder folder;
  const fs::path tokenizer = fs::path(LINNET_TEST_DATA) / "../../assets/builtin";
  const fs::path data = folder.path() / "train.jsonl";
  std::ofstream(data) << R"({"prompt": "The secret word is", "completion": " butterfly"})"
                      << "\n";
  const fs::path out = folder.path() / "out";
  const ProcessResult trained = run_linnet(
      {"train", "-m", tokenizer.string(), "--data", data.string(), "--out", out.string(), "--steps",
       "30", "--batch-tokens", "64", "--max-length", "64", "--lr", "1e-2", "--targets", "*_proj"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string adapter = (out / "adapter").string();
  const ProcessResult inspected = run_linnet({"adapters", "inspect", adapter});
  EXPECT_NE(inspected.out.find("gate_proj"), std::string::npos) << inspected.out << inspected.err;
  EXPECT_NE(run_linnet({"adapters", "list", folder.path().string()}).out.find("rank 8"),
            std::string::npos);
  const std::string mlx = (folder.path() / "mlx").string();
  ASSERT_EQ(run_linnet({"adapters", "convert", adapter, "--to", "mlx", "--out", mlx}).status, 0);
  const auto answer = [&](const std::string& used) {
    const std::string merged = used + "-merged";
    const ProcessResult result =
        run_linnet({"merge", tokenizer.string(), "--adapter", used, "--out", merged});
    EXPECT_EQ(result.status, 0) << result.err;
    return run_linnet({"generate", "-m", merged, "The secret word is", "--max-tokens", "3"}).out;
  };
  const std::string text = answer(adapter);
  EXPECT_NE(text.find("butterfly"), std::string::npos) << text;
  EXPECT_EQ(answer(mlx), text);
  // Beside the weights instead of in them, dense or quantised; in f32 the same words.
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--compute", "f32"}, {"--quantize", "8"}}) {
    std::vector<std::string> arguments{"generate",     "-m",    tokenizer.string(),
                                       "--adapter",    adapter, "The secret word is",
                                       "--max-tokens", "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_NE(result.out.find("butterfly"), std::string::npos) << result.out << result.err;
  }
  EXPECT_EQ(
      run_linnet({"generate", "The secret word is", "--max-tokens", "3"}).out.find("butterfly"),
      std::string::npos);
  // The wrong base, and a torn adapter: nothing is written.
  const std::string none = (folder.path() / "none").string();
  const ProcessResult wrong =
      run_linnet({"merge", tiny_checkpoint("qwen3").string(), "--adapter", adapter, "--out", none});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("another model"), std::string::npos) << wrong.err;
  fs::resize_file(fs::path(adapter) / "adapter_model.safetensors", 3000);
  EXPECT_EQ(run_linnet({"merge", tokenizer.string(), "--adapter", adapter, "--out", none}).status,
            1);
  EXPECT_FALSE(fs::exists(none));
}

// Labelled lines teach what the same lines teach when they are written out as classify asks.
TEST(CliTrain, LabelledLinesAreWhatClassifyAsks) {
  const TemporaryFolder folder;
  const fs::path labelled = folder.path() / "labelled.jsonl";
  const fs::path written = folder.path() / "written.jsonl";
  {
    std::ofstream a(labelled);
    std::ofstream b(written);
    for (int i = 0; i < 12; ++i) {
      const std::string word = "word" + std::to_string(i * i);
      const std::string label = i % 3 == 0 ? "heavy" : "light";
      a << R"({"said": ")" << word << R"(", "class": ")" << label << "\"}\n";
      b << R"({"prompt": "Is it heavy, light? )" << word << R"( =", "completion": " )" << label
        << "\"}\n";
    }
  }
  const fs::path form = folder.path() / "form.txt";
  std::ofstream(form) << "Is it {labels}? {text} = \n";
  const std::vector<std::string> asked{"--labels", "heavy,light", "--template", form.string(),
                                       "--field",  "said",        "--gold",     "class"};
  const auto train = [&](const fs::path& data, std::vector<std::string> more) {
    const fs::path out = folder.path() / data.stem();
    std::vector<std::string> arguments{
        "train", "--data",         data.string(), "--out",     out.string(), "--lr",
        "1e-2",  "--steps",        "50",          "--targets", "*_proj",     "--max-length",
        "64",    "--batch-tokens", "256"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return out / "adapter";
  };
  const fs::path adapter = train(labelled, asked);
  const fs::path same = train(written, {});
  const std::string tensors = bytes_of(adapter / "adapter_model.safetensors");
  ASSERT_FALSE(tensors.empty());
  EXPECT_TRUE(tensors == bytes_of(same / "adapter_model.safetensors"));

  // The base beside the base with the adapter, which has learned its lines.
  std::vector<std::string> compare{"calibrate",      "builtin",         "builtin", "--adapter-b",
                                   adapter.string(), labelled.string(), "--json"};
  compare.insert(compare.end(), asked.begin(), asked.end());
  const ProcessResult compared = run_linnet(compare);
  ASSERT_EQ(compared.status, 0) << compared.err;
  const auto found = nlohmann::json::parse(compared.out);
  EXPECT_EQ(found["b"]["correct"], 12) << compared.out;
  EXPECT_LT(found["a"]["correct"], 12);
  EXPECT_EQ(found["b"]["adapter"], adapter.string());
  EXPECT_FALSE(found["a"].contains("adapter"));
  std::erase(compare, "--json");
  EXPECT_NE(run_linnet(compare).out.find("adapter: " + adapter.string()), std::string::npos);
  // On both sides it is the same; and so kld finds it.
  const ProcessResult divergence =
      run_linnet({"kld", "builtin", "builtin", "--adapter-a", adapter.string(), "--adapter-b",
                  adapter.string(), "--ids", "5,6,7,8,9", "--json"});
  ASSERT_EQ(divergence.status, 0) << divergence.err;
  EXPECT_EQ(nlohmann::json::parse(divergence.out)["mean_kl"], 0.0);
}

TEST(CliTrain, ANewModelFromAConfigFile) {
  const TemporaryFolder folder;
  const fs::path assets = fs::path(LINNET_TEST_DATA) / "../../assets/builtin";
  const fs::path data = write_data(folder.path());
  const fs::path config = folder.path() / "run.toml";
  std::ofstream(config) << "steps = 2\nbatch-tokens = 100\nmax-length = 50\ncompute = \"bf16\"\n";
  const fs::path out = folder.path() / "out";
  const ProcessResult result =
      run_linnet({"train", "-m", assets.string(), "--init", (assets / "config.json").string(),
                  "--data", data.string(), "--out", out.string(), "--config", config.string()});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("3939520 trained"), std::string::npos) << result.out;
  EXPECT_EQ(
      run_linnet({"generate", "-m", (out / "model").string(), "Hello", "--max-tokens", "2"}).status,
      0);
}

TEST(CliTrain, ExplainsAStepAndLeavesNothing) {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  const ProcessResult result =
      run_linnet(train_arguments(write_data(folder.path()), out, {"--explain"}));
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* part : {"tokens: ", "linear", "cross_entropy", "adamw", "between ops"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " in\n" << result.out;
  EXPECT_FALSE(fs::exists(out));
}

TEST(CliTrain, ALabelThatIsNotLearnedIsSaid) {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "labelled.jsonl";
  std::ofstream(data) << R"({"text": "a stone", "label": "heavy"})" << '\n'
                      << R"({"text": "a feather", "label": "light"})" << '\n';
  const auto plan = [&](std::vector<std::string> more) {
    more.emplace_back("--plan");
    return run_linnet(train_arguments(data, folder.path() / "out", std::move(more))).out;
  };
  const std::string note = "2 texts have a \"label\" that is not learned; --labels";
  EXPECT_NE(plan({}).find(note), std::string::npos);
  EXPECT_EQ(plan({"--labels", "heavy,light"}).find(note), std::string::npos);
  EXPECT_FALSE(fs::exists(folder.path() / "out"));
}

TEST(CliTrain, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const fs::path data = write_data(folder.path());
  const auto fails = [&](std::vector<std::string> more, const std::string& part) {
    const ProcessResult result =
        run_linnet(train_arguments(data, folder.path() / "out", std::move(more)));
    EXPECT_NE(result.status, 0);
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  fails({"--targets", "nothing_proj"}, "nothing_proj");
  fails({"--layers", "99"}, "no layer 99");
  fails({"--momentum", "0.9"}, "momentum");
  fails({"--memory-budget", "30MiB"}, "out_of_memory");
  fails({"--patience", "2"}, "validate_every");
  fails({"--chat"}, "--labels or --labels-file");
  fails({"--labels", "a,a"}, "twice");
  fails({"--labels", "a", "--gold", "text"}, "both the member \"text\"");
  fails({"--labels", "a,b"}, "no entry \"label\"");
  EXPECT_EQ(run_linnet({"train", "--out", "x"}).status, 2);
  std::ofstream(folder.path() / "bad.jsonl") << "{\"prompt\": 1}\n";
  const ProcessResult bad = run_linnet({"train", "--data", (folder.path() / "bad.jsonl").string(),
                                        "--out", (folder.path() / "x").string()});
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.err.find("bad.jsonl:1"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace linnet::test
