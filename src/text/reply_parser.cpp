#include "text/reply_parser.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "text/tool_call.hpp"

namespace linnet::text {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// How calls of a format stand in the text: [mark] JSON [closing].
struct CallSyntax {
  std::span<const std::string_view> marks;  // each may stand anywhere; none begins with another
  std::string_view closing;                 // after a marked call
  bool list = false;                        // JSON may be a list of calls, not only one
  bool bare = false;                        // JSON without a mark, where the reply begins
  bool semicolons = false;                  // one may stand between calls
};

const CallSyntax& syntax_of(ToolFormat format) {
  static constexpr std::array<std::string_view, 1> kHermes = {"<tool_call>"};
  static constexpr std::array<std::string_view, 1> kLlama = {"<|python_tag|>"};
  static constexpr std::array<std::string_view, 1> kMistral = {"[TOOL_CALLS]"};
  static constexpr std::array<std::string_view, 3> kFences = {"```json", "```tool_code",
                                                              "```tool_call"};
  static constexpr CallSyntax kNone{};
  static constexpr CallSyntax kHermesSyntax{.marks = kHermes, .closing = "</tool_call>"};
  static constexpr CallSyntax kLlamaSyntax{.marks = kLlama, .bare = true, .semicolons = true};
  static constexpr CallSyntax kMistralSyntax{.marks = kMistral, .list = true, .bare = true};
  static constexpr CallSyntax kPlainSyntax{
      .marks = kFences, .closing = "```", .list = true, .bare = true};
  switch (format) {
    case ToolFormat::none: break;
    case ToolFormat::hermes: return kHermesSyntax;
    case ToolFormat::llama3: return kLlamaSyntax;
    case ToolFormat::mistral: return kMistralSyntax;
    case ToolFormat::plain_json: return kPlainSyntax;
  }
  return kNone;
}

// Only the mark of hermes says that its JSON is a call and nothing else: Llama's stands before code
// too, and fences before any JSON.
bool mark_says_call(ToolFormat format) {
  return format == ToolFormat::hermes || format == ToolFormat::mistral;
}

// A beginning of `mark`, and not all of it.
bool begins(std::string_view mark, std::string_view text) {
  return text.size() < mark.size() && mark.starts_with(text);
}

// The length of the longest end of `text` that a mark may begin with.
size_t begun_mark(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length)
    if (text.ends_with(mark.substr(0, length))) return length;
  return 0;
}

size_t count_space(std::string_view text) {
  return std::min(text.find_first_not_of(kSpace), text.size());
}

}  // namespace

std::vector<ReplyEvent> ReplyParser::push(std::string_view piece) {
  waiting_ += piece;
  while (step()) continue;
  waiting_.erase(0, taken_);
  taken_ = 0;
  return std::exchange(events_, {});
}

std::vector<ReplyEvent> ReplyParser::finish() {
  finished_ = true;
  while (step()) continue;
  give_up_space();
  return std::exchange(events_, {});
}

bool ReplyParser::step() {
  switch (state_) {
    case State::start: return read_start();
    case State::reasoning: return read_reasoning();
    case State::answer: return read_answer();
    case State::call: return read_call();
  }
  return false;
}

bool ReplyParser::read_start() {
  const std::string_view open = format_.reasoning_open;
  if (!open.empty()) {
    take_space();
    if (!finished_ && begins(open, rest())) return false;
    if (rest().starts_with(open)) {
      space_.clear();
      taken_ += open.size();
      state_ = State::reasoning;
      return true;
    }
    if (format_.begins_in_reasoning && !rest().empty()) {
      emit_reasoning(std::exchange(space_, {}));
      state_ = State::reasoning;
      return true;
    }
  }
  if (rest().empty()) return false;
  state_ = State::answer;
  return true;
}

bool ReplyParser::read_reasoning() {
  const std::string_view close = format_.reasoning_close;
  const std::string_view text = rest();
  const size_t end = close.empty() ? std::string_view::npos : text.find(close);
  if (end == std::string_view::npos) {
    const size_t held = finished_ || close.empty() ? 0 : begun_mark(text, close);
    taken_ += text.size() - held;
    emit_reasoning(text.substr(0, text.size() - held));
    return false;
  }
  taken_ += end + close.size();
  emit_reasoning(text.substr(0, end));
  newlines_ = 0;
  drop_space_ = true;
  state_ = State::answer;
  return true;
}

bool ReplyParser::read_answer() {
  const CallSyntax& syntax = syntax_of(format_.tools);
  if (syntax.marks.empty() && !drop_space_) {
    const std::string_view text = rest();
    taken_ += text.size();
    emit_content(text);
    return false;
  }
  take_space();
  const std::string_view text = rest();
  if (text.empty()) return false;
  if (syntax.semicolons && bare_ && calls_ > 0 && text.front() == ';' &&
      space_.find(';') == std::string::npos) {
    space_ += ';';
    ++taken_;
    return true;
  }
  if (!finished_ &&
      std::ranges::any_of(syntax.marks, [&](std::string_view mark) { return begins(mark, text); }))
    return false;
  if (auto call = call_at_front()) {
    call_ = *std::move(call);
    state_ = State::call;
    return true;
  }
  // To the next place where a call may begin: behind white space, or at the beginning of a mark.
  size_t end = 1;
  const auto begins_mark = [&](char c) {
    return std::ranges::any_of(syntax.marks, [c](auto mark) { return mark.front() == c; });
  };
  while (end < text.size() && kSpace.find(text[end]) == std::string_view::npos &&
         !begins_mark(text[end]))
    ++end;
  taken_ += end;
  emit_content(text.substr(0, end));
  return true;
}

std::optional<ReplyParser::Call> ReplyParser::call_at_front() const {
  const CallSyntax& syntax = syntax_of(format_.tools);
  const std::string_view text = rest();
  Call call;
  for (const std::string_view mark : syntax.marks)
    if (text.starts_with(mark)) call.mark = mark.size();
  call.read = call.mark;
  const bool bare =
      syntax.bare && bare_ && (text.front() == '{' || (text.front() == '[' && syntax.list));
  if (call.mark == 0 && !bare) return std::nullopt;
  return call;
}

bool ReplyParser::read_call() {
  const CallSyntax& syntax = syntax_of(format_.tools);
  const std::string_view text = rest().substr(0, kMaxHeld);
  const bool more_may_come = !finished_ && rest().size() <= kMaxHeld;
  Call& call = call_;
  if (!call.json_end) {
    call.read += call.json.read(text.substr(call.read));
    if (call.json.status() == JsonScanner::Status::invalid || !call.json.holds_only_objects() ||
        (call.json.is_array() && !syntax.list) || has_foreign_key(call))
      return give_up_call();
    if (call.json.status() == JsonScanner::Status::open)
      return more_may_come ? false : give_up_call();
    call.json_end = call.read;
  }
  if (call.mark > 0 && !syntax.closing.empty()) {
    call.read += count_space(text.substr(call.read));
    const std::string_view end = text.substr(call.read);
    if (begins(syntax.closing, end) && more_may_come) return false;
    if (!end.starts_with(syntax.closing)) return give_up_call();
    call.read += syntax.closing.size();
  }
  return deliver(call);
}

bool ReplyParser::has_foreign_key(Call& call) const {
  if (call.mark > 0 && mark_says_call(format_.tools)) return false;
  const std::string_view json = rest().substr(call.mark);
  const auto& members = call.json.members();
  for (; call.keys < members.size(); ++call.keys) {
    const JsonScanner::Member& member = members[call.keys];
    if (member.key_end == 0) return false;
    if (!is_call_key(json.substr(member.key_begin, member.key_end - member.key_begin))) return true;
  }
  return false;
}

bool ReplyParser::deliver(const Call& call) {
  const std::string_view json = rest().substr(call.mark, *call.json_end - call.mark);
  const bool marked = call.mark > 0 && mark_says_call(format_.tools);
  auto calls = read_tool_calls(json, call.json, marked);
  if (!calls) return give_up_call();
  taken_ += call.read;
  space_.clear();
  drop_space_ = true;
  bare_ = true;
  state_ = State::answer;
  for (ToolCall& each : *calls)
    events_.push_back({.kind = ReplyEvent::Kind::tool_call,
                       .text = std::move(each.arguments),
                       .name = std::move(each.name),
                       .index = calls_++});
  return true;
}

// The mark, or the first byte without one, is content, and what follows is read again: a call may
// begin in it. That is still linear: a mark inside JSON that is going on stands in a string, so two
// readings of one text disagree on what is inside strings, and of three two would agree; at the
// next mark one of the two ends.
bool ReplyParser::give_up_call() {
  const std::string_view text = rest().substr(0, std::max<size_t>(call_.mark, 1));
  taken_ += text.size();
  emit_content(text);
  call_ = {};
  state_ = State::answer;
  return true;
}

void ReplyParser::take_space() {
  size_t count = count_space(rest());
  while (count > 0) {
    const size_t some = std::min(count, kMaxHeld - space_.size());
    space_ += rest().substr(0, some);
    taken_ += some;
    count -= some;
    if (space_.size() < kMaxHeld) continue;
    give_up_space();  // nobody writes that much before a mark
  }
}

void ReplyParser::give_up_space() {
  if (state_ == State::start && format_.begins_in_reasoning)
    emit_reasoning(space_);
  else if (!drop_space_)
    emit(ReplyEvent::Kind::content, space_);
  space_.clear();
}

void ReplyParser::emit(ReplyEvent::Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (events_.empty() || events_.back().kind != kind) events_.push_back({.kind = kind});
  events_.back().text += text;
}

void ReplyParser::emit_content(std::string_view text) {
  if (text.empty()) return;
  if (drop_space_) space_.erase(0, count_space(space_));
  emit(ReplyEvent::Kind::content, space_);
  emit(ReplyEvent::Kind::content, text);
  space_.clear();
  drop_space_ = false;
  bare_ = false;
}

void ReplyParser::emit_reasoning(std::string_view text) {
  while (!text.empty()) {
    const size_t line = std::min(text.find('\n'), text.size());
    if (line > 0) {
      if (reasoned_) emit(ReplyEvent::Kind::reasoning, std::string(newlines_, '\n'));
      emit(ReplyEvent::Kind::reasoning, text.substr(0, line));
      reasoned_ = true;
      newlines_ = 0;
    }
    newlines_ += line < text.size();
    text.remove_prefix(std::min(line + 1, text.size()));
  }
}

}  // namespace linnet::text
