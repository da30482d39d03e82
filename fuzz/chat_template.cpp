// Any bytes as a chat template, for a conversation with a bit of everything: an Error of a kind
// that a template may have, or a text that is UTF-8, the same each time. What stands behind a zero
// byte is the conversation instead, in JSON.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "check.hpp"
#include "text/chat_template.hpp"
#include "text/unicode.hpp"

namespace {

using namespace linnet;

constexpr std::string_view kConversation = R"({
  "messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Wie geht's? \u706f \n"},
    {"role": "assistant", "content": null, "reasoning_content": "r", "tool_calls": [
      {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, true]}}}]},
    {"role": "tool", "content": "5", "name": "f", "tool_call_id": "a"},
    {"role": "user", "content": [{"type": "text", "text": "<think>a</think>"}, {"type": "image"}]},
    {"role": "assistant", "content": "Five.", "tool_calls": []}],
  "tools": [{"type": "function", "function": {"name": "f", "parameters": {"x": {"type": "list"}}}}],
  "documents": [{"title": "t", "text": "d"}],
  "add_generation_prompt": true, "enable_thinking": false,
  "n": 3, "f": 2.5, "s": "Hello, World", "l": [3, 1, 2], "d": {"b": 1, "a": {"x": [1, 2]}}
})";

// Small enough that no input is slow: what is looked for does not need more.
constexpr text::jinja::Limits kLimits{
    .steps = 200'000, .value_bytes = 16 << 20, .output_bytes = 4 << 20, .depth = 700};

std::optional<std::string> render(const text::ChatTemplate& chat,
                                  const text::ChatRequest& request) {
  try {
    const std::string text = chat.render(request);
    fuzz::check(text::is_valid_utf8(text), "a rendered text is UTF-8");
    return text;
  } catch (const Error& error) {
    fuzz::check(error.code() == ErrorCode::invalid_argument ||
                    error.code() == ErrorCode::unsupported || request.chat_template,
                "a rendering fails by the request or a limit");
    fuzz::check(text::is_valid_utf8(error.what()), "a message is UTF-8");
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  try {
    const auto chat =
        text::ChatTemplate::parse({.chat_template_jinja = std::string(input.substr(0, end))});
    const std::string_view conversation =
        end == std::string_view::npos ? kConversation : input.substr(end + 1);
    auto request = text::ChatRequest::from_json(Json::parse(conversation, "the conversation"));
    request.options.limits = kLimits;
    request.options.now = std::chrono::local_days(std::chrono::year(2024) / 7 / 9);
    const auto text = render(chat, request);
    fuzz::check(render(chat, request) == text, "a rendering is the same each time");
    if (request.continue_final_message) return 0;
    request.add_generation_prompt = false;
    request.continue_final_message = "content";
    (void)render(chat, request);
  } catch (const Error& error) {
    fuzz::check(text::is_valid_utf8(error.what()), "a message is UTF-8");
  }
  return 0;
}
