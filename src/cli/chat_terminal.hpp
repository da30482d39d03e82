// What the terminal is told: modes, styles, and text that must not drive it.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

namespace linnet::cli {

/// Whether styles may be written to a descriptor: it is a terminal that knows them, and NO_COLOR is
/// not set.
bool styled(int descriptor);

/// Whether TERM names a terminal that a line can be edited on.
bool can_edit();

/// "\x1b[2m" and the like round a text that has no newline.
std::string dim(std::string_view text);

/// The text without control characters other than newline and tab. A model's answer must not be
/// able to move the cursor, rename the window or type for the user.
std::string without_controls(std::string_view text);

/// The modes of the terminal at standard input as they are now, to be put back.
class TerminalModes {
 public:
  TerminalModes();
  /// Does nothing if standard input is no terminal. May be called from any thread.
  void restore() const;

 private:
  bool terminal_ = false;
  termios modes_{};
};

}  // namespace linnet::cli
