#include "cli/chat_command.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::cli {
namespace {

using enum ChatVerb;

constexpr std::array kCommands{
    ChatCommandInfo{help, "/help", Arguments::none, "/help", "this list"},
    ChatCommandInfo{ChatVerb::system, "/system", Arguments::optional, "/system [TEXT]",
                    "set the system prompt, or show it; \"\" removes it"},
    ChatCommandInfo{clear, "/clear", Arguments::none, "/clear",
                    "forget the conversation but for the system prompt"},
    ChatCommandInfo{undo, "/undo", Arguments::none, "/undo",
                    "take back the last message and its answer"},
    ChatCommandInfo{retry, "/retry", Arguments::none, "/retry",
                    "answer the last message again, with the next seed"},
    ChatCommandInfo{save, "/save", Arguments::required, "/save FILE",
                    "write the conversation as JSON"},
    ChatCommandInfo{load, "/load", Arguments::required, "/load FILE",
                    "go on with the conversation of a file"},
    ChatCommandInfo{set, "/set", Arguments::optional, "/set [NAME=VALUE]",
                    "change a setting, or show all"},
    ChatCommandInfo{stats, "/stats", Arguments::none, "/stats",
                    "tokens, speed, context and memory"},
    ChatCommandInfo{ChatVerb::exit, "/exit", Arguments::none, "/exit",
                    "leave (also Ctrl-D, /quit)"},
    ChatCommandInfo{ChatVerb::exit, "/quit", Arguments::none, "", ""},
};

/// The least number of letters put in, left out, changed or swapped with the next that makes one
/// of the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last;
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, std::move(row));
  }
  return last.back();
}

std::string_view nearest(std::string_view name) {
  // A beginning is the likeliest slip; and nobody's slip has a hundred letters.
  std::string lower(name.substr(0, 100));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (lower.size() > 1)
    for (const ChatCommandInfo& command : kCommands)
      if (command.name.starts_with(lower)) return command.name;
  return std::ranges::min_element(
             kCommands, {},
             [&](const ChatCommandInfo& command) { return distance(lower, command.name); })
      ->name;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::span<const ChatCommandInfo> chat_commands() { return kCommands; }

ChatCommand parse_chat_command(std::string_view line) {
  const size_t space = line.find_first_of(" \t\r\n");
  const std::string_view name = line.substr(0, space);
  const std::string_view argument =
      space == std::string_view::npos ? "" : trimmed(line.substr(space));
  const auto* command = std::ranges::find(kCommands, name, &ChatCommandInfo::name);
  require(command != kCommands.end(),
          "there is no command {}; the nearest is {}, /help shows all (a message that begins with "
          "a slash begins with two)",
          printable(name), nearest(name));
  require(command->arguments != Arguments::required || !argument.empty(),
          "{} needs an argument: {}", name, command->usage);
  require(command->arguments != Arguments::none || argument.empty(), "{} takes no argument", name);
  return {.verb = command->verb, .argument = std::string(argument)};
}

std::string chat_help() {
  std::string text;
  for (const ChatCommandInfo& command : kCommands)
    if (!command.help.empty()) text += fmt::format("  {:<18} {}\n", command.usage, command.help);
  text +=
      "  A line that ends with \\ goes on in the next one; \"\"\" begins and ends a message of "
      "many\n"
      "  lines. Ctrl-C clears the line, or stops the answer. A message that begins with a slash\n"
      "  begins with two.";
  return text;
}

}  // namespace linnet::cli
