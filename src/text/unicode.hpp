// UTF-8 and character classes: what the tokenizer's rules ask about text. The classes are those of
// the Rust standard library and regex crate, which Hugging Face's tokenizers use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linnet::text {

/// U+FFFD, the replacement character.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length in bytes of the UTF-8 sequence that starts with `lead` (which must start a valid one).
constexpr size_t sequence_length(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// The code point at `text[at]`. `text` must be valid UTF-8 and `at` the start of a character.
inline char32_t code_point_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead;
  if (lead < 0xE0) return (lead & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
  if (lead < 0xF0) return (lead & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  return (lead & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
         (byte(3) & 0x3Fu);
}

/// Start of the character that ends just before `at` (> 0) in valid UTF-8.
inline size_t previous_start(std::string_view text, size_t at) {
  do --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

/// Appends `c` (a scalar value) as UTF-8.
void append_utf8(char32_t c, std::string& out);

bool is_valid_utf8(std::string_view text);

/// Unicode's White_Space property.
bool is_whitespace(char32_t c);
/// `\w` of Rust's regex: Alphabetic, Mark, Nd, Pc, Join_Control.
bool is_word(char32_t c);
/// General categories Nd, Nl, No.
bool is_numeric(char32_t c);
/// ASCII punctuation (symbols such as $ and + among it) or general category P.
bool is_punctuation(char32_t c);
/// General category M as of Unicode 9.0 (the version that Hugging Face's StripAccents knows).
bool is_mark(char32_t c);
/// Appends the lower case of `c`, without context (a final sigma stays a plain one).
void append_lower(char32_t c, std::string& out);

/// Turns arbitrary bytes, arriving in pieces, into valid UTF-8: every maximal invalid part becomes
/// one U+FFFD (the WHATWG rule, also Python's errors="replace" and Rust's from_utf8_lossy). Bytes
/// that may still become a character are held back. Not thread-safe.
class Utf8Repair {
 public:
  void push(std::string_view bytes, std::string& out);
  /// No more bytes come: a held incomplete sequence becomes U+FFFD.
  void finish(std::string& out);

 private:
  char held_[4] = {};
  size_t held_size_ = 0;
  size_t wanted_ = 0;  // length of the sequence that held_[0] starts
};

/// All of `bytes` through Utf8Repair.
std::string repair_utf8(std::string_view bytes);

}  // namespace linnet::text
