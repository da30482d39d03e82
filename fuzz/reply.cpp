// A reply in the format that the first byte names, cut into pieces as the second byte says: the
// pieces change nothing, no text is lost or added, and a call's arguments are a JSON object.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "check.hpp"
#include "text/reply_parser.hpp"

namespace {

using namespace linnet;
using Kind = text::ReplyEvent::Kind;

// Adds events, joining the texts of one kind that follow each other.
void add(std::vector<text::ReplyEvent>& all, const std::vector<text::ReplyEvent>& events) {
  for (const text::ReplyEvent& event : events) {
    fuzz::check(!event.text.empty(), "no event is empty");
    if (!all.empty() && all.back().kind == event.kind && event.kind != Kind::tool_call)
      all.back().text += event.text;
    else
      all.push_back(event);
  }
}

std::vector<text::ReplyEvent> parse(const text::ReplyFormat& format, std::string_view reply,
                                    size_t first, size_t step) {
  text::ReplyParser parser(format);
  std::vector<text::ReplyEvent> events;
  add(events, parser.push(reply.substr(0, first)));
  for (size_t at = std::min(first, reply.size()); at < reply.size(); at += step)
    add(events, parser.push(reply.substr(at, step)));
  add(events, parser.finish());
  return events;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  text::ReplyFormat format{.tools = static_cast<text::ToolFormat>(data[0] % 5),
                           .begins_in_reasoning = (data[0] & 64) != 0};
  if ((data[0] & 128) != 0) format.reasoning_open.clear();
  const std::string_view reply(reinterpret_cast<const char*>(data) + 2, size - 2);

  const auto events = parse(format, reply, reply.size(), 1);
  fuzz::check(events == parse(format, reply, 0, 1), "bytes alone give the same");
  fuzz::check(events == parse(format, reply, data[1] / 8, 1 + data[1] % 8), "pieces give the same");

  size_t calls = 0;
  std::string visible;
  for (const text::ReplyEvent& event : events) {
    if (event.kind != Kind::tool_call) {
      visible += event.text;
      continue;
    }
    fuzz::check(event.index == calls++, "calls are counted");
    fuzz::check(!event.name.empty(), "a call has a name");
    fuzz::check(Json::parse(event.text, "arguments").is_object(), "arguments are an object");
  }
  fuzz::check(calls == 0 || format.tools != text::ToolFormat::none, "calls only where asked for");
  const bool reasoned = format.begins_in_reasoning || reply.find("<think>") != reply.npos;
  if (calls == 0 && (!reasoned || format.reasoning_open.empty()))
    fuzz::check(visible == reply, "without calls and reasoning all is content");
  // What comes out is the reply with parts left out, and these are marks, calls and white space.
  auto at = visible.begin();
  std::string left_out;
  for (const char c : reply) {
    if (at != visible.end() && *at == c)
      ++at;
    else if (!is_space(c))
      left_out += c;
  }
  fuzz::check(at == visible.end(), "nothing is added");
  if (calls == 0)
    fuzz::check(left_out.size() <= 2 * format.reasoning_open.size() + format.reasoning_close.size(),
                "only marks are left out");
  return 0;
}
