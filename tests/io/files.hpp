// Safetensors files built by hand, so that they can be wrong in any way.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace linnet::test {

/// The text as Bytes that own a copy; `shift` moves the copy off its 16-byte alignment.
inline Bytes bytes_of(std::string_view text, size_t shift = 0) {
  auto owner = std::make_shared<std::string>(std::string(shift, '\0') + std::string(text));
  const std::string_view view = std::string_view(*owner).substr(shift);
  return {{reinterpret_cast<const std::byte*>(view.data()), view.size()}, owner};
}

/// Length, header and data, as the header stands (not padded).
inline std::string raw_file(std::string_view header, std::string_view data) {
  const uint64_t length = header.size();
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  file += header;
  file += data;
  return file;
}

/// The same with `size` bytes of data that count up from 0.
inline std::string raw_file(std::string_view header, size_t size) {
  std::string data(size, '\0');
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i);
  return raw_file(header, data);
}

}  // namespace linnet::test
