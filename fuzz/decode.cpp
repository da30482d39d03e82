// Any ids, with a tokenizer that the first byte chooses: streaming equals decoding at once.
#include <cstdint>

#include "base/error.hpp"
#include "check.hpp"
#include "text/unicode.hpp"
#include "tokenizers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linnet;
  if (size < 2) return 0;
  const auto& all = fuzz::tokenizers();
  const text::Tokenizer& tokenizer = all[data[0] % all.size()].tokenizer;
  const bool skip = (data[1] & 1) != 0;
  std::vector<int32_t> ids;
  for (size_t i = 2; i + 1 < size; i += 2)
    ids.push_back((data[i] | data[i + 1] << 8) % static_cast<int32_t>(tokenizer.vocab_size() + 3));
  try {
    const std::string whole = tokenizer.decode(ids, skip);
    fuzz::check(text::is_valid_utf8(whole), "decoded text is UTF-8");
    text::TokenStream stream = tokenizer.stream(skip);
    std::string streamed;
    for (const int32_t id : ids) {
      const std::string piece = stream.push(id);
      fuzz::check(text::is_valid_utf8(piece), "pieces are whole characters");
      streamed += piece;
    }
    fuzz::check(streamed + stream.finish() == whole, "a stream decodes as the whole");
  } catch (const Error& error) {
    fuzz::check(error.code() == ErrorCode::unsupported, "only limits end decoding");
  }
  return 0;
}
