// Lines of a file or a pipe, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.hpp"

namespace linnet::cli {

/// What was read: up to the end of some line.
struct LinePosition {
  int64_t lines = 0;
  int64_t bytes = 0;
  std::string checksum = {};  ///< of those bytes, where it was asked for
};

struct InputLine {
  std::string text = {};  ///< without its end ("\n" or "\r\n"); empty if it is too long
  bool too_long = false;
  LinePosition after = {};
};

/// Reads a descriptor that it does not own. Not thread-safe.
class LineReader {
 public:
  static constexpr size_t kMaxLine = size_t{64} << 20;

  /// `name` is for messages. When `stop` is requested the input counts as ended.
  LineReader(int descriptor, std::string name, std::stop_token stop = {});

  /// Takes the checksum of what is read from now on.
  void keep_checksum() { checksum_ = std::make_unique<Checksum>(); }

  /// The next line; nothing at the end. A last line without a line end counts, if it is not empty.
  /// Waits for it. Errors: device if the input cannot be read.
  std::optional<InputLine> next();
  /// Whether next() would answer at once.
  bool ready();

 private:
  /// Reads more if there is any within `wait_ms`; -1 waits. False if there was none.
  bool fill(int wait_ms);
  void take(size_t bytes);
  InputLine end_line();

  int descriptor_;
  std::string name_;
  std::stop_token stop_;
  std::vector<char> buffer_;
  std::string_view rest_;  // of the buffer
  InputLine begun_;
  bool ended_ = false;
  LinePosition position_;
  std::unique_ptr<Checksum> checksum_;
};

}  // namespace linnet::cli
