#include "text/unicode.hpp"

#include <simdjson.h>
#include <utf8proc.h>

#include "text/normal_form_tables.hpp"
#include "text/stand_in.hpp"

namespace linnet::text {
namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

constexpr bool between(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

// The second byte decides overlong forms, surrogates and values past U+10FFFF.
constexpr bool valid_second(unsigned char lead, unsigned char second) {
  if (lead == 0xE0) return between(second, 0xA0, 0xBF);
  if (lead == 0xED) return between(second, 0x80, 0x9F);
  if (lead == 0xF0) return between(second, 0x90, 0xBF);
  if (lead == 0xF4) return between(second, 0x80, 0x8F);
  return between(second, 0x80, 0xBF);
}

}  // namespace

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

bool is_whitespace(char32_t c) {
  if (c < 0x80) return c == ' ' || between(c, 0x09, 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || between(c, 0x2000, 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_word(char32_t c) {
  if (c < 0x80)
    return between(c, 'a', 'z') || between(c, 'A', 'Z') || between(c, '0', '9') || c == '_';
  switch (category(stand_in(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    // Join_Control, and the symbols that are Alphabetic (circled and squared letters).
    default:
      return c == 0x200C || c == 0x200D || between(c, 0x24B6, 0x24E9) ||
             between(c, 0x1F130, 0x1F149) || between(c, 0x1F150, 0x1F169) ||
             between(c, 0x1F170, 0x1F189);
  }
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return between(c, '0', '9');
  const auto kind = category(stand_in(c));
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL ||
         kind == UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return between(c, 0x21, 0x2F) || between(c, 0x3A, 0x40) || between(c, 0x5B, 0x60) ||
           between(c, 0x7B, 0x7E);
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

bool is_mark(char32_t c) {
  if (c < 0x300 || contains(kYounger, c)) return false;
  if (between(c, 0x1CF2, 0x1CF3)) return true;  // letters since Unicode 12
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC ||
         kind == UTF8PROC_CATEGORY_ME;
}

void append_lower(char32_t c, std::string& out) {
  // The one character whose lower case, without context, is two characters.
  if (c == 0x130) {
    out += "i\xCC\x87";
    return;
  }
  append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), out);
}

void Utf8Repair::push(std::string_view bytes, std::string& out) {
  size_t i = 0;
  while (i < bytes.size()) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (held_size_ == 0) {
      if (byte < 0x80) {
        size_t end = i + 1;
        while (end < bytes.size() && static_cast<unsigned char>(bytes[end]) < 0x80) ++end;
        out.append(bytes.substr(i, end - i));
        i = end;
        continue;
      }
      ++i;
      if (between(byte, 0xC2, 0xF4)) {
        held_[held_size_++] = static_cast<char>(byte);
        wanted_ = sequence_length(byte);
      } else {
        out += kReplacement;
      }
      continue;
    }
    const bool fits = held_size_ == 1 ? valid_second(static_cast<unsigned char>(held_[0]), byte)
                                      : between(byte, 0x80, 0xBF);
    if (!fits) {  // what is held is a maximal invalid part; this byte starts anew
      out += kReplacement;
      held_size_ = 0;
      continue;
    }
    ++i;
    held_[held_size_++] = static_cast<char>(byte);
    if (held_size_ == wanted_) {
      out.append(held_, held_size_);
      held_size_ = 0;
    }
  }
}

void Utf8Repair::finish(std::string& out) {
  if (held_size_ > 0) out += kReplacement;
  held_size_ = 0;
}

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  Utf8Repair repair;
  repair.push(bytes, out);
  repair.finish(out);
  return out;
}

}  // namespace linnet::text
