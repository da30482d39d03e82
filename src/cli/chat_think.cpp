#include "cli/chat_think.hpp"

#include <algorithm>

namespace linnet::cli {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

/// The length of the longest end of `text` that a mark may begin with.
size_t begun_mark(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length)
    if (text.ends_with(mark.substr(0, length))) return length;
  return 0;
}

}  // namespace

void ThinkSplitter::emit(std::vector<Piece>& pieces, Kind kind, size_t length) {
  if (length == 0) return;
  std::string text = waiting_.substr(0, length);
  waiting_.erase(0, length);
  if (kind == Kind::reasoning) reasoning_ += text;
  if (kind == Kind::answer) answer_ += text;
  if (kind == Kind::mark) marked_ = true;
  pieces.push_back({.kind = kind, .text = std::move(text)});
}

void ThinkSplitter::step(std::vector<Piece>& pieces) {
  if (state_ == State::opened && !waiting_.empty()) {
    marked_ = true;
    pieces.push_back({.kind = Kind::mark, .text = std::string(kOpen) + "\n"});
    state_ = State::reasoning;
  }
  if (state_ == State::start) {
    const size_t first = waiting_.find_first_not_of(kSpace);
    if (first == std::string::npos) return;
    const std::string_view rest = std::string_view(waiting_).substr(first);
    if (rest.starts_with(kOpen)) {
      emit(pieces, Kind::mark, first + kOpen.size());
      state_ = State::reasoning;
    } else if (kOpen.starts_with(rest)) {
      return;
    } else {
      state_ = State::answer;
    }
  }
  if (state_ == State::reasoning) {
    const size_t close = waiting_.find(kClose);
    if (close == std::string::npos)
      return emit(pieces, Kind::reasoning, waiting_.size() - begun_mark(waiting_, kClose));
    emit(pieces, Kind::reasoning, close);
    emit(pieces, Kind::mark, kClose.size());
    state_ = State::answer;
  }
  if (state_ == State::answer) emit(pieces, Kind::answer, waiting_.size());
}

std::vector<ThinkSplitter::Piece> ThinkSplitter::push(std::string_view text) {
  waiting_ += text;
  std::vector<Piece> pieces;
  step(pieces);
  return pieces;
}

std::vector<ThinkSplitter::Piece> ThinkSplitter::finish() {
  std::vector<Piece> pieces;
  emit(pieces, state_ == State::reasoning ? Kind::reasoning : Kind::answer, waiting_.size());
  return pieces;
}

std::string ThinkSplitter::reasoning() const {
  const size_t first = reasoning_.find_first_not_of('\n');
  if (first == std::string::npos) return {};
  return reasoning_.substr(first, reasoning_.find_last_not_of('\n') - first + 1);
}

std::string ThinkSplitter::answer() const {
  if (!marked_) return answer_;
  const size_t first = answer_.find_first_not_of('\n');
  return first == std::string::npos ? std::string() : answer_.substr(first);
}

bool opens_thinking(std::string_view prompt) {
  const size_t last = prompt.find_last_not_of(kSpace);
  return last != std::string_view::npos && prompt.substr(0, last + 1).ends_with(kOpen);
}

}  // namespace linnet::cli
