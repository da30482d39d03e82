// Texts that end a generation, found in its stream of pieces.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::engine {

/// The text that comes out does not depend on how it was cut into pieces: it ends before the stop
/// string that is complete first (of several that are complete at the same byte, the longest).
/// What might still become one is held back, and nothing else. Not thread-safe.
class StopStrings {
 public:
  static constexpr size_t kMaxStrings = 64;
  static constexpr size_t kMaxBytes = 4096;  ///< of one

  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}
  /// Errors: invalid_argument for an empty one, and more or longer ones than that.
  static void check(const std::vector<std::string>& stops);

  /// The text that is certain now and has not been returned yet.
  std::string push(std::string_view piece);
  /// Whether a stop string is complete. Nothing comes any more then.
  [[nodiscard]] bool found() const noexcept { return found_.has_value(); }
  /// Which one; nothing before.
  [[nodiscard]] std::optional<size_t> which() const noexcept { return found_; }
  /// What is held back, at the end of the text.
  std::string finish();

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::optional<size_t> found_;
};

}  // namespace linnet::engine
