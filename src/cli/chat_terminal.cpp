#include "cli/chat_terminal.hpp"

#include <unistd.h>

#include <cstdlib>

namespace linnet::cli {

bool can_edit() {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool styled(int descriptor) {
  const char* plain = std::getenv("NO_COLOR");
  return (plain == nullptr || *plain == '\0') && can_edit() && ::isatty(descriptor) == 1;
}

std::string dim(std::string_view text) { return "\x1b[2m" + std::string(text) + "\x1b[0m"; }

std::string without_controls(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0)
      ++i;  // U+0080 to U+009F, which some terminals take for ESC and a letter
    else if ((byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t')
      result += text[i];
  }
  return result;
}

TerminalModes::TerminalModes() { terminal_ = ::tcgetattr(STDIN_FILENO, &modes_) == 0; }

void TerminalModes::restore() const {
  if (terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &modes_);
}

}  // namespace linnet::cli
