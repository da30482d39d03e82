// What was typed in earlier chats, in a file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::cli {

/// A file with a JSON string per line, oldest first. An entry is appended with one write, so that
/// programs that run at once do not mix theirs; lines that are no JSON string are passed over. The
/// file is the owner's alone. It holds at most 1000 entries after it was opened, each of at most
/// 64 KiB, and at most 4 MiB together: what is older goes.
class ChatHistory {
 public:
  /// Reads the file if there is one, and shortens it if it must be.
  /// Errors: device if it cannot be read or replaced; nothing is lost then.
  explicit ChatHistory(std::filesystem::path file);

  /// Oldest first.
  [[nodiscard]] const std::vector<std::string>& entries() const noexcept { return entries_; }

  /// Puts an entry at the end of the file, and makes its folder if there is none; nothing happens
  /// for one that is empty, too long, or equal to the last. Errors: device.
  void append(std::string_view entry);

 private:
  std::filesystem::path file_;
  std::vector<std::string> entries_;
};

/// $XDG_STATE_HOME/linnet/chat_history, or ~/.local/state/linnet/chat_history; nothing if neither
/// variable names an absolute folder.
std::optional<std::filesystem::path> chat_history_file();

}  // namespace linnet::cli
