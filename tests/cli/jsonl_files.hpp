// Files of lines for the tests of jobs over them, and runs that are cut short.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/process.hpp"
#include "support/sanitized.hpp"

namespace linnet::test {

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> result;
  for (const std::string& line : lines_of(text)) result.push_back(nlohmann::json::parse(line));
  return result;
}

/// Lines of heldout_text().
inline constexpr int kHeldOut = rounds(400, 40);

/// Sentences that the built-in model has not seen, with their labels.
inline std::string heldout_text() {
  const std::vector<std::string> all = lines_of(
      read_text(std::filesystem::path(LINNET_TEST_DATA) / "builtin" / "heldout_labels.jsonl"));
  std::string text;
  // From all parts of the file, which has one label after another.
  for (size_t i = 0; i < size_t{kHeldOut}; ++i) text += all[i * all.size() / kHeldOut] + "\n";
  return text;
}

/// Starts linnet with `input` at a standard input that does not end, so that the work cannot be
/// done, and ends it with a signal as soon as a file has so many bytes. Its exit status, as a
/// shell's $?.
inline int run_and_signal(const std::vector<std::string>& arguments, const std::string& input,
                          int signal, const std::filesystem::path& file, size_t bytes) {
  Process process(linnet_command(arguments), {.input = input, .hold_input = true});
  process.wait_for_file(file, bytes);
  process.signal(signal);
  return process.wait().status;
}

}  // namespace linnet::test
