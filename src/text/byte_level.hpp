// GPT-2's spelling of bytes as printable characters, which byte-level vocabularies are written in.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace linnet::text {

/// The character that stands for each byte: printable Latin-1 for itself, the others from U+0100
/// on.
extern const std::array<char32_t, 256> kByteChars;

/// Appends the spelling of `bytes`.
void append_byte_level(std::string_view bytes, std::string& out);

/// Appends the bytes that `token` (valid UTF-8) spells; if one of its characters spells no byte,
/// the whole token as it stands (an added token, say).
void append_byte_level_decoded(std::string_view token, std::string& out);

}  // namespace linnet::text
