#include "serve/access_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::serve {
namespace {

using OrderedJson = nlohmann::ordered_json;

// The logger's name tells log_request which form the lines have.
constexpr const char* kJsonName = "linnet-json";
constexpr const char* kTextName = "linnet";

/// A message as JSON; messages that are JSON objects already are members of the line.
class JsonFormatter final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::string json =
        text.starts_with('{')
            ? std::string(text.substr(1, text.size() - 2))
            : "\"message\":" +
                  OrderedJson(text).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    out.append(json.data(), json.data() + json.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

std::shared_ptr<spdlog::logger> make_logger(LogFormat format, const std::string& level) {
  const bool json = format == LogFormat::json;
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(json ? kJsonName : kTextName, std::move(sink));
  const auto parsed = spdlog::level::from_str(level);
  require(parsed != spdlog::level::off || level == "off",
          "\"{}\" is no log level: trace, debug, info, warning, error, critical or off",
          printable(level));
  logger->set_level(parsed);
  if (json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonFormatter>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%*})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  }
  logger->flush_on(spdlog::level::info);
  return logger;
}

void log_request(spdlog::logger& log, const ServedRequest& served) {
  if (!log.should_log(spdlog::level::info)) return;
  const HttpRequest& request = served.request;
  const RequestNotes& notes = served.notes;
  if (log.name() == kJsonName) {
    OrderedJson line{{"id", request.id},         {"remote", request.remote},
                     {"method", request.method}, {"path", request.path},
                     {"status", served.status},  {"bytes", served.bytes},
                     {"ms", served.milliseconds}};
    if (!notes.model.empty())
      line.update({{"model", notes.model},
                   {"prompt_tokens", notes.prompt_tokens},
                   {"cached_tokens", notes.cached_tokens},
                   {"generated_tokens", notes.generated_tokens},
                   {"first_token_ms", notes.first_token_ms}});
    if (!notes.error.empty()) line["error"] = notes.error;
    if (served.cancelled) line["cancelled"] = true;
    if (!notes.prompt.empty()) line["prompt"] = notes.prompt;
    log.info("{}", line.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
    return;
  }
  std::string line = fmt::format("{} {} {} {} {} {} B {:.1f} ms", request.id, request.remote,
                                 printable(request.method), printable(request.path), served.status,
                                 served.bytes, served.milliseconds);
  if (!notes.model.empty())
    line += fmt::format(" model={} prompt={} cached={} generated={} first_token={:.1f}ms",
                        notes.model, notes.prompt_tokens, notes.cached_tokens,
                        notes.generated_tokens, notes.first_token_ms);
  if (served.cancelled) line += " cancelled";
  if (!notes.error.empty()) line += fmt::format(" error=\"{}\"", printable(notes.error));
  if (!notes.prompt.empty()) line += fmt::format(" prompt=\"{}\"", printable(notes.prompt));
  log.info("{}", line);
}

}  // namespace linnet::serve
