#include "cli/text_input.hpp"

#include "base/file.hpp"
#include "cli/arguments.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kMaxText = int64_t{64} << 20;

}  // namespace

void add_text_input(CLI::App& command, const std::string& name, TextInput& input) {
  CLI::Option* file = command
                          .add_option_function<std::string>(
                              name, [&input](const std::string& text) { input.file = text; },
                              "file with the text; - reads it from standard input")
                          ->type_name("FILE");
  command
      .add_option_function<std::string>(
          "--ids", [&input](const std::string& ids) { input.ids = parse_ids("--ids", ids); },
          "token ids instead of a text; taken as they are")
      ->type_name("ID,ID,...")
      ->excludes(file);
}

std::string read_text_input(const TextInput& input) {
  if (!input.file) return {};
  return *input.file == "-" ? read_standard_input() : read_file(*input.file, kMaxText);
}

}  // namespace linnet::cli
