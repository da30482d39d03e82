// Any bytes as a tokenizer.json: an Error, or a tokenizer that works within its limits.
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "check.hpp"
#include "text/tokenizer.hpp"
#include "text/unicode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linnet;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  try {
    const text::Tokenizer tokenizer = text::Tokenizer::parse(file);
    const std::vector<int32_t> ids = tokenizer.encode(
        "<s>The cat's  12 \xE7\x81\xAF \xF0\x9F\x99\x82 e\xCC\x81\n\n aaaa bb </s>");
    for (const int32_t id : ids)
      fuzz::check(tokenizer.id_to_token(id).has_value(), "encode gives ids of tokens");
    text::TokenStream stream = tokenizer.stream(false);
    std::string streamed;
    for (const int32_t id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    fuzz::check(streamed == tokenizer.decode(ids, false), "a stream decodes as the whole");
    fuzz::check(text::is_valid_utf8(streamed), "decoded text is UTF-8");
  } catch (const Error&) {
  }
  return 0;
}
