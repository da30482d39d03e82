// linnet tokenizer train: files in, files out, and what it does not take.
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

std::string write(const TemporaryFolder& folder, const std::string& name, const std::string& text) {
  const auto path = folder.path() / name;
  std::ofstream(path) << text;
  return path.string();
}

ProcessResult train(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"tokenizer", "train"});
  return run_linnet(std::move(arguments));
}

TEST(CliTokenizer, LinesAndTexts) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "a/b").string();
  const std::string lines = write(folder, "lines.jsonl",
                                  "{\"text\": \"the cat sat\"}\n\n{\"messages\": [{\"role\": "
                                  "\"user\", \"content\": \"the hat\"}]}\n"
                                  "{\"prompt\": \"the mat\", \"completion\": [{\"role\": "
                                  "\"assistant\", \"content\": \"sat\"}]}\n");
  const ProcessResult result =
      train({"--input", lines, "--vocab-size", "400", "--style", "bytelevel", "--special-token",
             "<a>", "--chat-template", "chatml", "--out", out});
  EXPECT_EQ(result.status, 0) << result.err;
  // " the", "cat" and so on: words of the lines, and none else.
  EXPECT_NE(result.out.find("from 6 different words"), std::string::npos) << result.out;
  const ProcessResult ids = run_linnet({"tokenize", "-m", out, "the hat<a>", "--pieces"});
  EXPECT_EQ(ids.out, "262\t\"the\"\n269\t\"Ġhat\"\n3\t\"<a>\"\n");
  EXPECT_EQ(run_linnet({"render", "-m", out, "--message", "user:hat"}).out,
            "<|im_start|>user\nhat<|im_end|>\n<|im_start|>assistant\n\n");
  // As one text: the same words.
  const std::string text = write(folder, "text.txt", "the cat sat\nthe hat\nthe mat\nsat\n");
  EXPECT_EQ(train({"--input", text, "--vocab-size", "400", "--out", out}).status, 0);
  EXPECT_EQ(run_linnet({"tokenize", "-m", out, "the hat", "--no-special-tokens", "--count"}).out,
            "2\n");
}

TEST(CliTokenizer, RefusesWhatCannotBe) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string text = write(folder, "text.txt", "some text\n");
  EXPECT_EQ(train({"--input", text, "--out", out}).status, 2);
  EXPECT_EQ(train({"--vocab-size", "400", "--out", out}).status, 2);
  EXPECT_EQ(train({"--input", text, "--vocab-size", "400", "--style", "x", "--out", out}).status,
            2);
  EXPECT_EQ(run_linnet({"tokenizer"}).status, 2);
  EXPECT_EQ(train({"--input", text, "--vocab-size", "40", "--out", out}).status, 1);
  EXPECT_EQ(train({"--input", "/nowhere", "--vocab-size", "400", "--out", out}).status, 1);
  const std::string bad = write(folder, "bad.jsonl", "{\"text\": \"a b\"}\n{\"id\": 1}\n");
  const ProcessResult line = train({"--input", bad, "--vocab-size", "400", "--out", out});
  EXPECT_EQ(line.status, 1);
  EXPECT_NE(line.err.find("bad.jsonl:2"), std::string::npos) << line.err;
  const std::string broken = write(folder, "broken.jinja", "{% if %}");
  EXPECT_EQ(train({"--input", text, "--vocab-size", "400", "--chat-template", broken, "--out", out})
                .status,
            1);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out/tokenizer.json"));
}

}  // namespace
}  // namespace linnet::test
