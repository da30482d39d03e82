// linnet score, perplexity and embed: what a model makes of given texts.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/jsonl_files.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

const std::string kStory =
    "Once upon a time there was a little girl who liked to sing. She sang in the garden all day.";

TEST(CliScore, ScoresAContinuation) {
  const Json generated =
      Json::parse(run_linnet({"generate", "Once upon", "--json", "-n", "6"}).out);
  const ProcessResult result = run_linnet(
      {"score", "--prompt", "Once upon", "--continuation", generated["text"], "--top", "3"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json found = Json::parse(result.out);
  EXPECT_EQ(found["is_greedy"], true);
  ASSERT_EQ(found["token_count"], generated["ids"].size());
  double sum = 0;
  for (size_t i = 0; i < generated["ids"].size(); ++i) {
    const Json& token = found["tokens"][i];
    EXPECT_EQ(token["id"], generated["ids"][i]);
    EXPECT_NEAR(token["logprob"], generated["logprobs"][i], 1e-6);
    EXPECT_EQ(token["rank"], 0);
    EXPECT_EQ(token["top"].size(), 3U);
    EXPECT_EQ(token["top"][0]["id"], token["id"]);
    sum += token["logprob"].get<double>();
  }
  EXPECT_NEAR(found["logprob"], sum, 1e-9);
}

TEST(CliScore, ScoresLines) {
  const std::string input =
      "{\"n\": 1.50, \"prompt\": \"Once upon a\", \"continuation\": \" time\"}\n"
      "{\"prompt\": \"Once upon a\"}\n"
      "{\"prompt\": \"Once upon a\", \"continuation\": \"\"}\n"
      "{\"prompt\": \"Once upon a\", \"continuation\": \" engine\", \"x\": \"日本\"}\n"
      "{\"prompt\": \"x\", \"continuation\": \"y\", \"logprob\": 1}\n";
  const ProcessResult result = run_linnet({"score"}, {.input = input});
  EXPECT_EQ(result.status, 0);
  const std::vector<std::string> out = lines_of(result.out);
  ASSERT_EQ(out.size(), 2U) << result.err;
  EXPECT_EQ(out[0].rfind("{\"n\": 1.50, \"prompt\": ", 0), 0U) << out[0];
  EXPECT_GT(Json::parse(out[0])["logprob"], Json::parse(out[1])["logprob"]);
  for (const std::string part : {"line 2 skipped: the line has no \"continuation\"",
                                 "line 3 skipped: the continuation has no tokens",
                                 "line 5 skipped: the line has a \"logprob\" already", "3 skipped"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << " is not in\n" << result.err;
  const Json alone = Json::parse(
      run_linnet({"score", "--prompt", "Once upon a", "--continuation", " engine"}).out);
  EXPECT_EQ(alone["logprob"], Json::parse(out[1])["logprob"]);
}

TEST(CliScore, ResumesToTheSameFile) {
  const TemporaryFolder folder;
  const std::filesystem::path input = folder.path() / "in";
  const std::filesystem::path output = folder.path() / "out";
  std::string text;
  for (int i = 0; i < 150; ++i)
    text += Json{{"prompt", kStory}, {"continuation", " And " + std::to_string(i)}}.dump() + "\n";
  write_text(input, text);
  const std::string whole = run_linnet({"score", "--input", input, "--quiet"}).out;
  const std::vector<std::string> resume{"score", "--output", output, "--resume", "--quiet"};
  EXPECT_EQ(run_and_signal(resume, text, SIGKILL, output, whole.size() / 3), 128 + SIGKILL);
  EXPECT_EQ(run_and_signal(resume, text, SIGINT, output, whole.size() / 2), 130);
  EXPECT_EQ(run_linnet(resume, {.input = text}).status, 0);
  EXPECT_EQ(read_text(output), whole);
}

TEST(CliScore, WrongUsage) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"score", "--prompt", "x"},
        {"score", "--continuation", "x"},
        {"score", "--frob"},
        {"score", "--prompt", "x", "--continuation", "y", "--input", "z"},
        {"perplexity"},
        {"perplexity", "x", "--ids", "5"},
        {"perplexity", "--ids", "x"},
        {"embed", "--pooling", "max"},
        {"embed", "--frob"}})
    EXPECT_EQ(run_linnet(arguments).status, 2) << arguments[0] << " " << arguments.back();
  const ProcessResult range =
      run_linnet({"score", "--prompt", "x", "--continuation", "y", "--top", "101"});
  EXPECT_EQ(range.status, 1);
  EXPECT_NE(range.err.find("top_logprobs 101"), std::string::npos) << range.err;
}

TEST(CliPerplexity, MeasuresATextOrIds) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "text";
  write_text(file, kStory);
  const ProcessResult result = run_linnet({"perplexity", file, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json found = Json::parse(result.out);
  EXPECT_GT(found["tokens"], 15);
  EXPECT_NEAR(found["perplexity"], std::exp(found["mean_nll"].get<double>()), 1e-6);
  const double bits =
      found["mean_nll"].get<double>() * found["tokens"].get<double>() / std::log(2.0);
  EXPECT_NEAR(found["bits_per_byte"], bits / static_cast<double>(kStory.size()), 1e-9);
  // The text after nothing but what begins a text.
  const Json scored =
      Json::parse(run_linnet({"score", "--prompt", "", "--continuation", kStory}).out);
  EXPECT_EQ(scored["token_count"], found["tokens"]);
  EXPECT_NEAR(scored["logprob"].get<double>(),
              -found["mean_nll"].get<double>() * found["tokens"].get<double>(), 1e-4);
  Json piped = Json::parse(run_linnet({"perplexity", "-", "--json"}, {.input = kStory}).out);
  piped["tokens_per_second"] = found["tokens_per_second"];
  EXPECT_EQ(piped, found);
  EXPECT_GT(
      Json::parse(run_linnet({"perplexity", file, "--json", "--window", "8"}).out)["mean_nll"],
      found["mean_nll"]);

  const ProcessResult table = run_linnet({"perplexity", file});
  for (const std::string part : {"tokens  ", "perplexity  ", "bits per byte", "tokens per second"})
    EXPECT_NE(table.out.find(part), std::string::npos) << table.out;
  const ProcessResult ids = run_linnet(
      {"perplexity", "-m", tiny_checkpoint("llama3").string(), "--ids", "5,60,170,28", "--json"});
  EXPECT_EQ(Json::parse(ids.out)["tokens"], 3) << ids.err;
  EXPECT_FALSE(Json::parse(ids.out).contains("bits_per_byte"));

  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"perplexity", "/nonexistent"},
        {"perplexity", file, "--window", "1"},
        {"perplexity", file, "--stride", "-1"},
        {"perplexity", "--ids", "5"}})
    EXPECT_EQ(run_linnet(wrong).status, 1) << wrong.back();
}

TEST(CliEmbed, MakesVectors) {
  const std::string input =
      "{\"a\": 1e5, \"text\": \"The cat sat on the mat.\"}\n"
      "{\"text\": 7}\n"
      "{\"text\": \"A dog and a ☃.\", \"b\": [1, 2]}\n";
  const auto embed = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"embed", "--quiet"});
    const ProcessResult result = run_linnet(more, {.input = input});
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.err.find("line 2 skipped"), std::string::npos) << result.err;
    EXPECT_EQ(result.out.rfind("{\"a\": 1e5, \"text\": \"The cat", 0), 0U);
    return json_lines(result.out);
  };
  const auto length = [](const Json& vector) {
    double squares = 0;
    for (const Json& value : vector) squares += value.get<double>() * value.get<double>();
    return std::sqrt(squares);
  };
  const std::vector<Json> plain = embed({});
  ASSERT_EQ(plain.size(), 2U);
  const Json info = Json::parse(run_linnet({"info", "--json"}).out);
  for (const Json& line : plain) {
    EXPECT_EQ(line["embedding"].size(), info["hidden_size"]);
    EXPECT_NEAR(length(line["embedding"]), 1, 1e-5);
  }
  EXPECT_NE(plain[0]["embedding"], plain[1]["embedding"]);
  EXPECT_NE(embed({"--pooling", "last"})[0]["embedding"], plain[0]["embedding"]);
  EXPECT_GT(std::abs(length(embed({"--no-normalize"})[0]["embedding"]) - 1), 0.01);
  EXPECT_EQ(run_linnet({"embed"}, {.input = ""}).status, 0);
}

}  // namespace
}  // namespace linnet::test
