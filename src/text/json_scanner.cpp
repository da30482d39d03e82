#include "text/json_scanner.hpp"

namespace linnet::text {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool continues_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

size_t JsonScanner::read(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && status_ == Status::open) {
    if (!step(text[at])) {
      status_ = Status::invalid;
      break;
    }
    ++at;
    ++position_;
  }
  return at;
}

bool JsonScanner::step(char c) {
  switch (state_) {
    case State::string:
      if (c == '\\') {
        state_ = State::escape;
      } else if (c == '"') {
        if (in_key_) {
          if (notes_members()) members_.back().key_end = position_;
          state_ = State::colon;
        } else {
          end_value(position_ + 1);
        }
      }
      return static_cast<unsigned char>(c) >= 0x20;
    case State::escape:
      state_ = c == 'u' ? State::unicode : State::string;
      digits_ = 4;
      return std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos;
    case State::unicode:
      if (--digits_ == 0) state_ = State::string;
      return is_hex_digit(c);
    case State::literal:
      if (c != literal_.front()) return false;
      literal_.remove_prefix(1);
      if (literal_.empty()) end_value(position_ + 1);
      return true;
    case State::number:
      if (continues_number(c)) return true;
      end_value(position_);
      break;  // the character stands behind the number
    default: break;
  }
  if (is_space(c)) return true;
  switch (state_) {
    case State::top: is_array_ = c == '['; return (c == '{' || c == '[') && open(is_array_);
    case State::first_element:
      if (c == ']') return close(true);
      return begin_value(c);
    case State::value: return begin_value(c);
    case State::first_key:
      if (c == '}') return close(false);
      [[fallthrough]];
    case State::key:
      if (notes_members())
        members_.push_back({.object = is_array_ ? elements_ - 1 : 0, .key_begin = position_ + 1});
      in_key_ = true;
      state_ = State::string;
      return c == '"';
    case State::colon:
      in_key_ = false;
      state_ = State::value;
      return c == ':';
    case State::after_value:
      if (c == ',') {
        state_ = arrays_[depth_ - 1] ? State::value : State::key;
        return true;
      }
      return (c == ']' || c == '}') && close(c == ']');
    default: return false;
  }
}

bool JsonScanner::begin_value(char c) {
  if (is_array_ && depth_ == 1) {
    ++elements_;
    only_objects_ = only_objects_ && c == '{';
  }
  if (notes_members() && !arrays_[depth_ - 1]) members_.back().value_begin = position_;
  switch (c) {
    case '{': return open(false);
    case '[': return open(true);
    case '"': state_ = State::string; return true;
    case 't': literal_ = "rue"; break;
    case 'f': literal_ = "alse"; break;
    case 'n': literal_ = "ull"; break;
    default: state_ = State::number; return c == '-' || (c >= '0' && c <= '9');
  }
  state_ = State::literal;
  return true;
}

bool JsonScanner::open(bool array) {
  if (depth_ == kMaxDepth) return false;
  arrays_[depth_] = array;
  ++depth_;
  state_ = array ? State::first_element : State::first_key;
  return true;
}

bool JsonScanner::close(bool array) {
  if (arrays_[depth_ - 1] != array) return false;
  --depth_;
  if (depth_ == 0)
    status_ = Status::complete;
  else
    end_value(position_ + 1);
  return true;
}

void JsonScanner::end_value(size_t end) {
  if (notes_members() && !arrays_[depth_ - 1]) members_.back().value_end = end;
  state_ = State::after_value;
}

}  // namespace linnet::text
