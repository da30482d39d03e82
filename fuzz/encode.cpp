// Any bytes as text, with a tokenizer that the first byte chooses.
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "check.hpp"
#include "text/unicode.hpp"
#include "tokenizers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linnet;
  if (size == 0) return 0;
  const auto& all = fuzz::tokenizers();
  const fuzz::NamedTokenizer& chosen = all[data[0] % all.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    const std::vector<int32_t> ids = chosen.tokenizer.encode(bytes, false);
    for (const int32_t id : ids)
      fuzz::check(chosen.tokenizer.id_to_token(id).has_value(), "encode gives ids of tokens");
    const std::string text = chosen.tokenizer.decode(ids, false);
    fuzz::check(text::is_valid_utf8(text), "decoded text is UTF-8");
    if (chosen.lossless)
      fuzz::check(text == text::repair_utf8(bytes), "decoding gives the text back");
    fuzz::check(chosen.tokenizer.encode(text::repair_utf8(bytes), false) == ids,
                "bytes are read as what they are repaired to");
  } catch (const Error& error) {
    fuzz::check(error.code() == ErrorCode::unsupported, "only limits end encoding");
  }
  return 0;
}
