#include "cli/chat_input.hpp"

#include <utility>

#include "base/error.hpp"

namespace linnet::cli {
namespace {

constexpr std::string_view kMark = "\"\"\"";
constexpr std::string_view kSpace = " \t\r";
constexpr size_t kMaxBytes = size_t{16} << 20;

}  // namespace

void InputAssembler::append(std::string_view line) {
  if (text_.size() + line.size() >= kMaxBytes) {
    clear();
    fail(ErrorCode::invalid_argument, "a message may have {} bytes", kMaxBytes);
  }
  if (!std::exchange(empty_, false)) text_ += '\n';
  text_ += line;
}

std::optional<ChatInput> InputAssembler::add_to_block(std::string_view line) {
  const std::string_view end = line.substr(0, line.find_last_not_of(kSpace) + 1);
  if (!end.ends_with(kMark)) {
    append(line);
    return std::nullopt;
  }
  const std::string_view last = end.substr(0, end.size() - kMark.size());
  if (!last.empty()) append(last);
  return finish();
}

std::optional<ChatInput> InputAssembler::add(std::string_view line) {
  if (state_ == State::block) return add_to_block(line);
  const bool whole = line.find('\n') != std::string_view::npos;
  if (state_ == State::fresh && !whole) {
    const size_t first = line.find_first_not_of(kSpace);
    if (first != std::string_view::npos && line.substr(first).starts_with(kMark)) {
      state_ = State::block;
      const std::string_view rest = line.substr(first + kMark.size());
      if (rest.find_first_not_of(kSpace) == std::string_view::npos) return std::nullopt;
      return add_to_block(rest);
    }
  }
  if (!whole && line.ends_with('\\')) {
    line.remove_suffix(1);
    append(line);
    state_ = State::continued;
    return std::nullopt;
  }
  append(line);
  return finish();
}

ChatInput InputAssembler::finish() {
  ChatInput input{.text = std::move(text_), .literal = state_ == State::block};
  clear();
  return input;
}

void InputAssembler::clear() {
  state_ = State::fresh;
  empty_ = true;
  text_.clear();
}

}  // namespace linnet::cli
