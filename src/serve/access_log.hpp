// A line of the log for each request.
#pragma once

#include <spdlog/logger.h>
#include <cstdint>
#include <memory>

#include "serve/http.hpp"

namespace linnet::serve {

enum class LogFormat { text, json };

/// Writes to standard error. Level: spdlog's own names.
std::shared_ptr<spdlog::logger> make_logger(LogFormat format, const std::string& level);

struct ServedRequest {
  const HttpRequest& request;
  const RequestNotes& notes;
  int status = 0;
  bool cancelled = false;
  uint64_t bytes = 0;
  double milliseconds = 0;
};

/// Who asked for what, what was answered and how long it took; never keys, and prompts only if the
/// notes have them.
void log_request(spdlog::logger& log, const ServedRequest& served);

}  // namespace linnet::serve
