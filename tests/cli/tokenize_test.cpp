// linnet tokenize: what it prints, line by line, and what it does not take.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/process.hpp"
#include "support/temporary_folder.hpp"
#include "text/small_tokenizers.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

/// A folder with tokenizer.json and nothing else.
struct TokenizerFolder {
  TokenizerFolder() {
    std::ofstream(folder.path() / "tokenizer.json") << small_tokenizer_json("byte_level").dump();
  }
  [[nodiscard]] std::string path() const { return folder.path().string(); }
  TemporaryFolder folder;
};

std::string tokenize(std::vector<std::string> arguments, const ProcessOptions& options = {}) {
  arguments.insert(arguments.begin(), "tokenize");
  const ProcessResult result = run_linnet(std::move(arguments), options);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(CliTokenize, IdsPiecesAndCounts) {
  const TokenizerFolder model;
  const text::Tokenizer tokenizer = small_tokenizer("byte_level");
  const std::string text = "The keeper's cat\n";
  const auto ids = tokenizer.encode(text);
  const auto joined = [](const std::vector<int32_t>& values) {
    return fmt::format("{}\n", fmt::join(values, ","));
  };
  EXPECT_EQ(tokenize({"-m", model.path(), text}), joined(ids));
  EXPECT_EQ(tokenize({"-m", model.path(), text, "--no-special-tokens"}),
            joined(tokenizer.encode(text, false)));
  EXPECT_EQ(tokenize({"-m", model.path(), text, "--count"}), fmt::format("{}\n", ids.size()));
  EXPECT_EQ(tokenize({"-m", model.path(), "-"}, {.input = text + "\n"}), joined(ids));
  const std::string file = (model.folder.path() / "text").string();
  std::ofstream(file) << text;
  EXPECT_EQ(tokenize({"-m", model.path(), "--file", file}), joined(ids));

  const std::string pieces = tokenize({"-m", model.path(), text, "--pieces"});
  EXPECT_EQ(pieces.substr(0, pieces.find('\n')), fmt::format("{}\t\"<|begin|>\"", ids[0]));
  EXPECT_EQ(std::ranges::count(pieces, '\n'), std::ssize(ids));

  const Json json = Json::parse(tokenize({"-m", model.path(), text, "--json"}));
  EXPECT_EQ(json["count"], ids.size());
  EXPECT_EQ(json["ids"], ids);
  EXPECT_EQ(json["pieces"][0], "<|begin|>");
  EXPECT_EQ(json["decoded"], "<|begin|>" + text);

  const std::string list = fmt::format("{}", fmt::join(ids, ","));
  EXPECT_EQ(tokenize({"-m", model.path(), "--ids", list}), "<|begin|>" + text + "\n");
  EXPECT_EQ(tokenize({"-m", model.path(), "--ids", list, "--skip-special-tokens"}), text + "\n");
  EXPECT_EQ(tokenize({"Once upon a time", "--count"}).back(), '\n');  // the built-in model's
}

TEST(CliTokenize, JsonLinesInOrder) {
  const TokenizerFolder model;
  const text::Tokenizer tokenizer = small_tokenizer("byte_level");
  std::string input;
  for (int i = 0; i < 500; ++i)
    input += Json{{"text", "ship " + std::to_string(i) + "\n"}, {"add_special_tokens", i % 2 == 0}}
                 .dump() +
             "\n";
  input += Json{{"text", "<|begin|>the"}, {"skip_special_tokens", true}}.dump();  // no newline
  const auto lines = lines_of(tokenize({"-m", model.path(), "--jsonl"}, {.input = input}));
  ASSERT_EQ(lines.size(), 501U);
  for (int i = 0; i < 500; ++i) {
    const std::string text = "ship " + std::to_string(i) + "\n";
    const auto& line = lines[static_cast<size_t>(i)];
    EXPECT_EQ(line["ids"], tokenizer.encode(text, i % 2 == 0));
    EXPECT_EQ(line["decoded"], (i % 2 == 0 ? "<|begin|>" : "") + text);
  }
  EXPECT_EQ(lines[500]["decoded"], "the");
}

TEST(CliTokenize, AnErrorIsTheAnswerToItsLineOnly) {
  const TokenizerFolder model;
  const std::string input =
      "{\"text\": \"a\"}\n\n[1]\n{}\n{\"text\": 5}\n{\"text\": \"a\", \"add_special_tokens\": 1}\n"
      "{\"text\": \"\\ud800\"}\n{\"text\": \"\xFF\"}\n{\"text\"\n{\"text\": \"a\"}\n";
  const auto lines = lines_of(tokenize({"-m", model.path(), "--jsonl"}, {.input = input}));
  ASSERT_EQ(lines.size(), 10U);
  const std::vector<std::string> messages = {"",
                                             "not valid JSON",
                                             "no JSON object",
                                             "no \"text\"",
                                             "no string",
                                             "neither true nor false",
                                             "not valid JSON",
                                             "not valid JSON",
                                             "not valid JSON",
                                             ""};
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].contains("ids"), messages[i].empty()) << lines[i];
    if (messages[i].empty()) continue;
    EXPECT_NE(lines[i]["error"].get<std::string>().find(messages[i]), std::string::npos)
        << lines[i];
  }
  EXPECT_EQ(lines.front(), lines.back());
}

TEST(CliTokenize, ALineHasALimit) {
  const TokenizerFolder model;
  EXPECT_EQ(tokenize({"-m", model.path(), "--jsonl"}, {.input = ""}), "");
  // A line of more than the 64 MiB that are taken is answered, and the next one as usual.
  const std::string input =
      "{\"text\": \"" + std::string(size_t{65} << 20, 'a') + "\"}\n{\"text\": \"a\"}\n";
  const auto lines = lines_of(tokenize({"-m", model.path(), "--jsonl"}, {.input = input}));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0]["error"].get<std::string>().find("67108864"), std::string::npos);
  EXPECT_TRUE(lines[1].contains("ids"));
}

TEST(CliTokenize, WrongUsageIs2AndFailedWork1) {
  const TokenizerFolder model;
  EXPECT_EQ(run_linnet({"tokenize"}).status, 2);
  EXPECT_EQ(run_linnet({"tokenize", "a", "--ids", "1"}).status, 2);
  EXPECT_EQ(run_linnet({"tokenize", "a", "--jsonl"}).status, 2);
  EXPECT_EQ(run_linnet({"tokenize", "--ids", "x"}).status, 2);
  const TemporaryFolder empty;
  const ProcessResult result = run_linnet({"tokenize", "-m", empty.path().string(), "a"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("tokenizer.json"), std::string::npos);
  EXPECT_EQ(run_linnet({"tokenize", "-m", model.path(), "--ids", "-5"}).status, 1);
}

}  // namespace
}  // namespace linnet::test
