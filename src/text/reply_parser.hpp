// What a chat model writes, taken apart while it comes: reasoning, content and calls of tools.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/json_scanner.hpp"
#include "text/reply_format.hpp"

namespace linnet::text {

/// A part of a reply. Pieces of one kind that follow each other are one text.
struct ReplyEvent {
  enum class Kind : uint8_t { content, reasoning, tool_call };
  Kind kind = Kind::content;
  std::string text;  ///< never empty; of a call its arguments, a JSON object
  std::string name;  ///< of a call
  size_t index = 0;  ///< of a call: 0, 1, ... in the order of the reply
  friend bool operator==(const ReplyEvent&, const ReplyEvent&) = default;
};

/// Takes a reply's text in pieces of whole UTF-8 characters. What comes out, pieces of one kind
/// joined, does not depend on how the text was cut, and comes as soon as it is certain.
///
/// Reasoning stands between its marks at the beginning of the reply, white space before them aside;
/// without the closing mark all is reasoning. Newlines round reasoning and white space behind it
/// are in neither text. Marks further on are content.
///
/// A call comes out whole, when it is complete and right, and the white space round it is dropped.
/// What begins like a call and is none (no JSON, no name, arguments that are no object, not closed,
/// longer than kMaxHeld) is content, to the byte. JSON without a mark is a call only where the
/// reply or the line of calls begins with it, and if it has no members but a call's.
///
/// Work is linear in the text; memory is a small multiple of kMaxHeld, however long the reply. Not
/// thread-safe.
class ReplyParser {
 public:
  static constexpr size_t kMaxHeld = size_t{1} << 20;  ///< bytes of a call with its marks

  explicit ReplyParser(ReplyFormat format) : format_(std::move(format)) {}

  /// What is certain after `piece`.
  std::vector<ReplyEvent> push(std::string_view piece);
  /// The rest, at the end of the reply. Nothing may be pushed afterwards.
  std::vector<ReplyEvent> finish();

  /// How many calls there were so far.
  [[nodiscard]] size_t tool_calls() const noexcept { return calls_; }

 private:
  enum class State : uint8_t { start, reasoning, answer, call };
  // What looks like a call at the front of rest().
  struct Call {
    size_t mark = 0;  // bytes of the opening mark; 0: none
    size_t read = 0;  // bytes that are part of it
    std::optional<size_t> json_end;
    JsonScanner json;
    size_t keys = 0;  // how many members have a key that was looked at
  };

  // Each takes what it can off the front of rest(), and returns whether there is more to do.
  bool step();
  bool read_start();
  bool read_reasoning();
  bool read_answer();
  bool read_call();

  [[nodiscard]] std::optional<Call> call_at_front() const;
  bool has_foreign_key(Call& call) const;
  bool deliver(const Call& call);
  bool give_up_call();

  [[nodiscard]] std::string_view rest() const { return std::string_view(waiting_).substr(taken_); }
  void take_space();
  void give_up_space();
  void emit(ReplyEvent::Kind kind, std::string_view text);
  void emit_content(std::string_view text);
  void emit_reasoning(std::string_view text);

  ReplyFormat format_;
  State state_ = State::start;
  bool finished_ = false;
  std::string waiting_;  // of which taken_ bytes are done with
  size_t taken_ = 0;
  std::string space_;        // white space before rest(), content unless something else follows
  bool drop_space_ = false;  // reasoning or a call stands before space_
  size_t newlines_ = 0;      // of reasoning, part of it unless it ends here
  bool reasoned_ = false;    // some reasoning came out
  bool bare_ = true;         // JSON without a mark may be a call here
  Call call_;
  size_t calls_ = 0;
  std::vector<ReplyEvent> events_;
};

}  // namespace linnet::text
