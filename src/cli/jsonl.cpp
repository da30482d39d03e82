#include "cli/jsonl.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kMaxLine = size_t{64} << 20;
constexpr size_t kReadBytes = size_t{1} << 16;
constexpr size_t kWriteBytes = size_t{1} << 20;

/// 0 at the end of the input.
size_t read_some(std::vector<char>& buffer) {
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR)
      fail(ErrorCode::device, "reading standard input: {}", std::generic_category().message(errno));
  }
}

}  // namespace

const std::string& jsonl_string(const nlohmann::json& request, const char* key) {
  const auto at = request.find(key);
  require(at != request.end(), "there is no \"{}\"", key);
  require(at->is_string(), "\"{}\" is no string", key);
  return at->get_ref<const std::string&>();
}

bool jsonl_bool(const nlohmann::json& request, const char* key, bool fallback) {
  const auto at = request.find(key);
  if (at == request.end()) return fallback;
  require(at->is_boolean(), "\"{}\" is neither true nor false", key);
  return at->get<bool>();
}

void serve_jsonl(const std::function<nlohmann::ordered_json(const nlohmann::json&)>& answer) {
  serve_lines([&](std::string_view line) {
    const nlohmann::json request = nlohmann::json::parse(line);
    require(request.is_object(), "the line is no JSON object");
    return answer(request);
  });
}

void serve_lines(const std::function<nlohmann::ordered_json(std::string_view)>& answer) {
  std::string pending;  // answers that were not written yet
  const auto reply = [&](std::string_view line, bool too_long) {
    nlohmann::ordered_json result;
    try {
      require(!too_long, "the line has more than {} bytes", kMaxLine);
      result = answer(line);
    } catch (const nlohmann::json::exception& error) {
      result = {{"error", fmt::format("the line is not valid JSON: {}", error.what())}};
    } catch (const Error& error) {
      result = {{"error", error.what()}};
    }
    // Messages may quote bytes that are not UTF-8.
    pending += result.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    pending += '\n';
    if (pending.size() < kWriteBytes) return;
    write_out(pending);
    pending.clear();
  };

  std::vector<char> buffer(kReadBytes);
  std::string begun;  // the beginning of a line
  bool too_long = false;
  const auto add = [&](std::string_view part) {
    too_long = too_long || begun.size() + part.size() > kMaxLine;
    if (too_long)
      begun.clear();
    else
      begun += part;
  };
  const auto end_line = [&] {
    reply(begun, too_long);
    begun.clear();
    too_long = false;
  };
  while (const size_t count = read_some(buffer)) {
    std::string_view rest(buffer.data(), count);
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      add(rest.substr(0, end));
      end_line();
      rest.remove_prefix(end + 1);
    }
    add(rest);
    write_out(pending);
    pending.clear();
  }
  if (!begun.empty() || too_long) end_line();
  write_out(pending);
}

}  // namespace linnet::cli
