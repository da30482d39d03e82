// linnet classify: labels of a corpus, with everything else of its lines kept.
#include <gtest/gtest.h>

#include <csignal>
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
using Ordered = nlohmann::ordered_json;

const std::string kLabels = "technical,creative,ethical,casual";

std::vector<std::string> command(const std::vector<std::string>& more = {}) {
  std::vector<std::string> result{"classify", "--labels", kLabels};
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

ProcessResult classify(const std::string& input, const std::vector<std::string>& more = {}) {
  return run_linnet(command(more), {.input = input});
}

double accuracy(const std::string& output) {
  const std::vector<Json> lines = json_lines(output);
  double right = 0;
  for (const Json& line : lines) right += line["label"] == line["found"] ? 1 : 0;
  return right / static_cast<double>(lines.size());
}

TEST(CliClassify, LabelsTheHeldOutSentences) {
  const std::string input = heldout_text();
  const ProcessResult result = classify(input, {"--output-field", "found"});
  EXPECT_EQ(result.status, 0) << result.err;
  const std::vector<std::string> in = lines_of(input);
  const std::vector<std::string> out = lines_of(result.out);
  ASSERT_EQ(out.size(), in.size());
  for (size_t i = 0; i < in.size(); ++i)
    EXPECT_EQ(out[i].substr(0, in[i].size() - 1), in[i].substr(0, in[i].size() - 1));
  EXPECT_GT(accuracy(result.out), 0.9);
  for (const Json& line : json_lines(result.out)) {
    double sum = 0;
    double best = 0;
    for (const auto& [label, score] : line["found_scores"].items()) {
      sum += score.get<double>();
      best = std::max(best, score.get<double>());
    }
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_EQ(line["found_scores"][line["found"].get<std::string>()], best);
  }
  EXPECT_NE(result.err.find(std::to_string(kHeldOut) + " lines in "), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find(" technical, "), std::string::npos) << result.err;
}

TEST(CliClassify, TheClassicPromptInGreedyMode) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "prompt.txt";
  // As an editor saves it: the newline at the end is no part of it.
  write_text(file,
             "Classify this text into exactly one category: technical, creative, ethical, "
             "casual.\n\nText: %s\n\nCategory:\n");
  const ProcessResult result =
      classify(heldout_text(), {"--output-field", "found", "--mode", "greedy", "--template", file});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_GT(accuracy(result.out), 0.9);
  for (const Json& line : json_lines(result.out)) {
    EXPECT_TRUE(line.contains("found_token"));
    EXPECT_FALSE(line.contains("found_scores"));
  }
}

TEST(CliClassify, KeepsLinesAsTheyAreWritten) {
  const std::vector<std::string> lines{
      R"({"z": 1.50, "big": 123456789012345678901234567890, "text": "What a day!", "a": null})",
      R"(  {"text":"caf\u00e9 ☃ 日本語","e":1E5,"nested":{"y":[1, 2],"x":{}}}  )",
      "{\"text\": \"The server returned an error.\" }\r",
  };
  std::string input = "\xEF\xBB\xBF";
  for (const std::string& line : lines) input += line + "\n\n \n";
  input.pop_back();
  const ProcessResult result = classify(input, {"--quiet"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "") << "empty lines are no bad lines";
  const std::vector<std::string> out = lines_of(result.out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].substr(0, lines[0].size() - 1), lines[0].substr(0, lines[0].size() - 1));
  EXPECT_EQ(
      out[1].rfind(
          R"(  {"text":"caf\u00e9 ☃ 日本語","e":1E5,"nested":{"y":[1, 2],"x":{}}, "label": )", 0),
      0U)
      << out[1];
  EXPECT_EQ(out[2].rfind(R"({"text": "The server returned an error.", "label": )", 0), 0U)
      << out[2];
  const Ordered first = Ordered::parse(out[0]);
  std::vector<std::string> names;
  for (const auto& [name, value] : first.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"z", "big", "text", "a", "label", "scores"}));
}

TEST(CliClassify, NamesBadLinesAndSkipsThem) {
  const std::string input =
      "{\"text\": \"Hello there\"}\n"
      "not json\n"
      "[1, 2]\n"
      "{\"txt\": \"x\"}\n"
      "{\"text\": 5}\n"
      "{\"text\": \"\xFF\"}\n"
      "{\"text\": \"" +
      [] {
        std::string words;
        for (int i = 0; i < 5000; ++i) words += "word ";
        return words;
      }() +
      "\"}\n"
      "{\"text\": \"half a line";
  const ProcessResult result = classify(input);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(lines_of(result.out).size(), 1U);
  for (const std::string part :
       {"line 2 skipped: the line is not valid JSON", "line 3 skipped: the line is an array",
        "line 4 skipped: the line has no \"text\"", "line 5 skipped: the line: text is a number",
        "line 6 skipped: the line is not valid JSON", "line 7 skipped: the prompt has ",
        "line 8 skipped: ", "1 lines in ", "7 skipped"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << " is not in\n" << result.err;

  EXPECT_EQ(classify("x\n").status, 1) << "nothing was good";
  std::string many = "{\"text\": \"Hello\"}\n";
  for (int i = 0; i < 1000; ++i) many += "bad\n";
  const ProcessResult capped = classify(many);
  EXPECT_EQ(capped.status, 0);
  EXPECT_LT(lines_of(capped.err).size(), 30U);
  EXPECT_NE(capped.err.find("1000 skipped"), std::string::npos) << capped.err;
}

TEST(CliClassify, DoesNotWriteOverALabel) {
  const std::string labelled = "{\"text\": \"Hello\", \"label\": \"casual\"}\n";
  const ProcessResult first = classify(labelled);
  EXPECT_EQ(first.status, 1);
  EXPECT_EQ(first.out, "");
  EXPECT_NE(first.err.find("line 1 has a \"label\" already"), std::string::npos) << first.err;
  EXPECT_NE(first.err.find("--output-field"), std::string::npos) << first.err;
  const ProcessResult later = classify("{\"text\": \"Hello\"}\n" + labelled);
  EXPECT_EQ(later.status, 0);
  EXPECT_NE(later.err.find("line 2 skipped: the line has a \"label\""), std::string::npos)
      << later.err;
  const ProcessResult twice =
      classify(classify("{\"text\": \"Hello\"}\n").out, {"--output-field", "other"});
  EXPECT_EQ(twice.status, 0) << twice.err;
  const Json line = Json::parse(twice.out);
  EXPECT_EQ(line["label"], line["other"]);
  EXPECT_EQ(line["scores"], line["other_scores"]);
}

TEST(CliClassify, EmptyAndHugeInput) {
  const ProcessResult empty = classify("");
  EXPECT_EQ(empty.status, 0) << empty.err;
  EXPECT_EQ(empty.out, "");
  const std::string filler(3'000'000, 'x');
  const std::string too_long(67'200'000, 'y');
  const ProcessResult huge =
      classify("{\"filler\": \"" + filler + "\", \"text\": \"Hello\"}\n{\"text\": \"" + too_long +
               "\"}\n{\"text\": \"Thanks!\"}\n");
  EXPECT_EQ(huge.status, 0);
  const std::vector<std::string> out = lines_of(huge.out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_GT(out[0].size(), filler.size());
  EXPECT_NE(huge.err.find("line 2 skipped: it has more than 67108864 bytes"), std::string::npos)
      << huge.err.substr(0, 500);
}

TEST(CliClassify, OptionsDoSomething) {
  const std::string input = "{\"body\": \"He asked whether it was right to lie.\"}\n";
  const std::vector<std::string> field{"--field", "body", "--quiet"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), field.begin(), field.end());
    const ProcessResult result = classify(input, more);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  };
  const Json plain = with({});
  EXPECT_NE(with({"--calibrate"})["scores"], plain["scores"]);
  EXPECT_NE(with({"--calibrate", "--content-free", "-"})["scores"],
            with({"--calibrate"})["scores"]);
  EXPECT_NE(with({"--chat"})["scores"], plain["scores"]);
  EXPECT_NE(with({"--system", "Be strict."})["scores"], with({"--chat"})["scores"]);
  EXPECT_EQ(with({"--logits"})["logits"].size(), 4U);
  EXPECT_EQ(with({"--logits"})["scores"], plain["scores"]);
  const TemporaryFolder folder;
  write_text(folder.path() / "labels", "technical\ncreative\n\n ethical\ncasual\n");
  const ProcessResult listed = run_linnet(
      {"classify", "--labels-file", folder.path() / "labels", "--field", "body", "--quiet"},
      {.input = input});
  EXPECT_EQ(Json::parse(listed.out), plain) << listed.err;
}

TEST(CliClassify, AnswersBeforeMoreInputComes) {
  Process process(linnet_command(command({"--quiet"})),
                  {.input = "{\"text\": \"Hello\"}\n", .hold_input = true});
  process.read_out(60);
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_FALSE(result.killed);
  EXPECT_EQ(lines_of(result.out).size(), 1U);
  EXPECT_TRUE(result.out.ends_with("}\n"));
}

TEST(CliClassify, AClosedPipeEndsQuietly) {
  std::string input;
  for (int i = 0; i < 20; ++i) input += heldout_text();
  Process process(linnet_command(command({"--output-field", "found"})), {.input = input});
  process.read_out(100);
  process.close_out();
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
}

/// A corpus with bad lines in it, in a folder of its own.
class CliClassifyResume : public testing::Test {
 protected:
  CliClassifyResume() {
    std::string text;
    for (const std::string& line : lines_of(heldout_text())) {
      text += line + "\n";
      if (text.size() % 7 == 0) text += "bad\n\n";
    }
    write_text(input_, text);
    whole_ = run({"--input", input_, "--quiet"}).out;
    EXPECT_GT(whole_.size(), size_t{kHeldOut} * 125);
  }

  [[nodiscard]] static ProcessResult run(std::vector<std::string> more) {
    more.insert(more.end(), {"--output-field", "found"});
    return run_linnet(command(more));
  }
  [[nodiscard]] ProcessResult resume(const std::string& labels = kLabels) const {
    return run_linnet({"classify", "--labels", labels, "--input", input_, "--output", output_,
                       "--resume", "--output-field", "found"});
  }
  /// Interrupts a run once the output has so many bytes.
  int interrupt(int signal, size_t bytes) const {
    return run_and_signal(command({"--output", output_, "--resume", "--output-field", "found"}),
                          read_text(input_), signal, output_, bytes);
  }
  [[nodiscard]] std::filesystem::path log() const { return output_.string() + ".progress"; }

  TemporaryFolder folder_;
  const std::filesystem::path input_ = folder_.path() / "in.jsonl";
  const std::filesystem::path output_ = folder_.path() / "out.jsonl";
  std::string whole_;
};

TEST_F(CliClassifyResume, InterruptedAndResumedIsTheSameFile) {
  for (const int signal : {SIGINT, SIGKILL}) {
    for (int part = 1; part <= rounds(4, 2); ++part) {
      EXPECT_EQ(interrupt(signal, whole_.size() * static_cast<size_t>(part) / 5), 128 + signal);
      EXPECT_TRUE(std::filesystem::exists(log()));
      if (signal == SIGINT) {
        const std::string written = read_text(output_);
        EXPECT_TRUE(written.ends_with('\n')) << "whole lines";
        EXPECT_EQ(written, whole_.substr(0, written.size()));
      }
    }
    const ProcessResult end = resume();
    EXPECT_EQ(end.status, 0) << end.err;
    EXPECT_EQ(read_text(output_), whole_);
    EXPECT_NE(end.err.find(" technical, "), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(log()));
    std::filesystem::remove(output_);
  }
}

TEST_F(CliClassifyResume, HalfALineIsCutAway) {
  ASSERT_EQ(interrupt(SIGINT, whole_.size() / 3), 130);
  const std::string log_text = read_text(log());
  write_text(output_, read_text(output_) + "{\"text\": \"half");
  write_text(log(), log_text + log_text.substr(log_text.rfind('\n', log_text.size() - 2) + 1, 50));
  EXPECT_EQ(resume().status, 0);
  EXPECT_EQ(read_text(output_), whole_);
}

TEST_F(CliClassifyResume, OnlyTheSameJobGoesOn) {
  ASSERT_EQ(interrupt(SIGINT, whole_.size() / 3), 130);
  const std::string input = read_text(input_);
  const std::string output = read_text(output_);
  const auto refused = [&](const ProcessResult& result, std::string_view part) {
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(read_text(output_), output) << "it is left alone";
    EXPECT_TRUE(std::filesystem::exists(log()));
  };
  const std::vector<std::string> files{"--input", input_, "--output", output_};
  refused(run(files), "--resume goes on with it");
  refused(resume("technical,casual"), "labels was [\"technical\",\"creative\"");
  std::string other = input;
  other[20] ^= 1;
  write_text(input_, other);
  refused(resume(), "are not those that it was made of");
  write_text(input_, input);

  std::string changed = output;
  changed[20] ^= 1;
  write_text(output_, changed);
  EXPECT_NE(resume().err.find("it was changed"), std::string::npos);
  write_text(output_, output.substr(0, output.size() / 2));
  EXPECT_NE(resume().err.find("bytes, and had"), std::string::npos);
  write_text(output_, output);
  EXPECT_EQ(resume().status, 0);
  EXPECT_EQ(read_text(output_), whole_);

  EXPECT_NE(resume().err.find("It is complete, or"), std::string::npos);
  EXPECT_NE(run(files).err.find("--force replaces it"), std::string::npos);
  EXPECT_EQ(read_text(output_), whole_);
  EXPECT_EQ(run({"--input", input_, "--output", output_, "--force"}).status, 0);
  EXPECT_EQ(read_text(output_), whole_);
}

TEST_F(CliClassifyResume, FailuresLeaveNothing) {
  EXPECT_EQ(run({"--input", folder_.path() / "absent", "--output", output_}).status, 1);
  EXPECT_EQ(run({"--input", input_, "--output", input_, "--force"}).status, 1);
  EXPECT_EQ(run({"-m", folder_.path() / "absent", "--output", output_}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(output_));
  EXPECT_FALSE(std::filesystem::exists(log()));
  EXPECT_EQ(run({"--input", input_, "--output", folder_.path() / "no" / "out"}).status, 1);
  write_text(log(), "somebody's notes\nof progress\n");
  EXPECT_NE(resume().err.find("(malformed_file)"), std::string::npos);
}

TEST(CliClassify, WrongUsage) {
  const auto fails = [](int status, const std::vector<std::string>& arguments,
                        std::string_view part) {
    const ProcessResult result = run_linnet(arguments, {.input = "{\"text\": \"x\"}\n"});
    EXPECT_EQ(result.status, status) << part;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  fails(2, {"classify"}, "--labels");
  fails(2, command({"--mode", "guess"}), "guess");
  fails(2, command({"--resume"}), "--output");
  fails(2, command({"--frob"}), "--frob");
  fails(2, command({"--content-free", "x"}), "--calibrate");
  fails(1, {"classify", "--labels", "a,,b"}, "a label is empty");
  fails(1, {"classify", "--labels", "a,a"}, "\"a\" is there twice");
  fails(1, command({"--template", "/nonexistent"}), "/nonexistent");
  fails(1, command({"--mode", "greedy", "--calibrate"}), "calibrate has no part");
  fails(1, command({"-m", tiny_checkpoint("llama3").string()}), "(invalid_argument)");
}

}  // namespace
}  // namespace linnet::test
