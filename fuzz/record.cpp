// Any bytes as a line of training data for the built-in model: an Error, or a record whose parts
// belong together and examples that keep to their length, the same each time. An input that begins
// with a digit is read with other options.
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "check.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"
#include "text/unicode.hpp"
#include "train/example.hpp"

namespace {

using namespace linnet;
using train::Encoder;

constexpr int64_t kMaxLength = 64;

/// Of the options that a digit chooses: bit 0 skip_long, bit 1 prompts_as_chat, and the turns.
std::vector<Encoder> make_encoders() {
  const auto folder = std::filesystem::path(LINNET_TEST_DATA) / "../../assets/builtin";
  const auto tokenizer = text::Tokenizer::load(folder);
  const auto chat_template = text::ChatTemplate::load(folder);
  std::vector<Encoder> encoders;
  for (int i = 0; i < 10; ++i)
    encoders.emplace_back(tokenizer, chat_template,
                          train::EncodeOptions{.max_length = kMaxLength,
                                               .skip_long = (i & 1) != 0,
                                               .prompts_as_chat = (i & 2) != 0,
                                               .turns = static_cast<train::Turns>(i / 4)});
  return encoders;
}

void check_record(const train::Record& record) {
  fuzz::check(record.messages.size() == record.learned.size(), "each message is learned or not");
  fuzz::check((record.kind == train::Record::Kind::chat) == !record.messages.empty(),
              "a chat has messages, and nothing else has");
  for (size_t i = 0; i < record.messages.size(); ++i)
    fuzz::check(!record.learned[i] || train::role_of(record.messages[i]) == "assistant",
                "what is learned is the assistant's");
  for (const auto& [role, bytes] : record.role_bytes)
    fuzz::check(bytes >= 0 && text::is_valid_utf8(role), "bytes are counted by role");
}

void check_examples(const train::Encoded& encoded) {
  for (const train::Example& example : encoded.examples) {
    fuzz::check(example.ids.size() == example.weights.size(), "each token has a weight");
    fuzz::check(static_cast<int64_t>(example.ids.size()) <= kMaxLength, "examples are cut");
    fuzz::check(train::count_targets(example) > 0, "an example teaches something");
    fuzz::check(example.weights.front() == 0, "nothing predicts the first token");
    for (const float weight : example.weights)
      fuzz::check(weight == 0 || weight == 1, "a weight is 0 or 1");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Encoder> encoders = make_encoders();
  std::string_view line(reinterpret_cast<const char*>(data), size);
  size_t which = 0;
  if (!line.empty() && line.front() >= '0' && line.front() <= '9') {
    which = static_cast<size_t>(line.front() - '0');
    line.remove_prefix(1);
  }
  try {
    const train::Record record = train::Record::parse(line, "line");
    check_record(record);
    const train::Encoded encoded = encoders[which].encode(record);
    check_examples(encoded);
    fuzz::check(encoders[which].encode(record).examples == encoded.examples,
                "a record gives the same examples each time");
  } catch (const Error& error) {
    fuzz::check(text::is_valid_utf8(error.what()), "a message is UTF-8");
  }
  return 0;
}
