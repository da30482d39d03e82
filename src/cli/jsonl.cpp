#include "cli/jsonl.hpp"

#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/json_line.hpp"
#include "cli/line_reader.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

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
      require(!too_long, "the line has more than {} bytes", LineReader::kMaxLine);
      result = answer(line);
    } catch (const nlohmann::json::exception& error) {
      result = {{"error", fmt::format("the line is not valid JSON: {}", error.what())}};
    } catch (const Error& error) {
      result = {{"error", error.what()}};
    }
    pending += json_line(result);
    pending += '\n';
    if (pending.size() < kWriteBytes) return;
    write_out(pending);
    pending.clear();
  };

  LineReader reader(STDIN_FILENO, "standard input");
  while (true) {
    if (!reader.ready()) {
      write_out(pending);
      pending.clear();
    }
    const std::optional<InputLine> line = reader.next();
    if (!line) break;
    reply(line->text, line->too_long);
  }
  write_out(pending);
}

}  // namespace linnet::cli
