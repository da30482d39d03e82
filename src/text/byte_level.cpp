#include "text/byte_level.hpp"

#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr bool spells_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> make_chars() {
  std::array<char32_t, 256> chars{};
  char32_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) chars[byte] = spells_itself(byte) ? byte : next++;
  return chars;
}

constexpr size_t kCharLimit = 256 + 68;  // 68 bytes do not spell themselves

constexpr std::array<int16_t, kCharLimit> make_bytes() {
  std::array<int16_t, kCharLimit> bytes{};
  for (auto& byte : bytes) byte = -1;
  const auto chars = make_chars();
  for (unsigned byte = 0; byte < 256; ++byte) bytes[chars[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

constexpr std::array<int16_t, kCharLimit> kCharBytes = make_bytes();

}  // namespace

constinit const std::array<char32_t, 256> kByteChars = make_chars();

void append_byte_level(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) append_utf8(kByteChars[static_cast<unsigned char>(byte)], out);
}

void append_byte_level_decoded(std::string_view token, std::string& out) {
  const size_t start = out.size();
  for (size_t at = 0; at < token.size();
       at += sequence_length(static_cast<unsigned char>(token[at]))) {
    const char32_t c = code_point_at(token, at);
    if (c >= kCharLimit || kCharBytes[c] < 0) {
      out.resize(start);
      out.append(token);
      return;
    }
    out.push_back(static_cast<char>(kCharBytes[c]));
  }
}

}  // namespace linnet::text
