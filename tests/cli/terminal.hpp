// Running the linnet binary on a terminal, as somebody who types.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::test {

/// A child in a session of its own on a pseudo-terminal of 24 lines and 80 columns, TERM=xterm. The
/// destructor kills it if it still runs.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> command,
                    const std::map<std::string, std::string>& environment = {});
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view keys) const;
  /// Reads up to the end of `text`, and returns what came since the last call. Throws
  /// std::runtime_error with what came if the program ends, or does not write it in a minute.
  std::string expect(std::string_view text);
  void signal(int number) const;
  /// The terminal's present modes.
  [[nodiscard]] termios modes() const;
  /// Reads the rest and waits for the end: the exit code, or 128 + the signal that ended it. Throws
  /// as expect() if it does not end.
  int wait();

 private:
  /// False at the end. Throws if nothing comes for a minute.
  bool read_more();

  pid_t pid_ = -1;
  int descriptor_ = -1;
  bool reaped_ = false;
  std::string unread_;  // what came and no expect() has returned
};

}  // namespace linnet::test
