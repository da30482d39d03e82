// Errors as clients get them: a status and a body in the form of the interface that they speak.
#pragma once

#include <linnet/error.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace linnet::serve {

/// The interface whose form an answer has.
enum class Dialect { openai, anthropic, ollama };

/// Ends a request with that status. `param` names the field that is wrong.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, const std::string& message, std::string code = {}, std::string param = {})
      : std::runtime_error(message),
        status_(status),
        code_(std::move(code)),
        param_(std::move(param)) {}

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] const std::string& param() const noexcept { return param_; }

 private:
  int status_;
  std::string code_;
  std::string param_;
};

/// What a client is told of an exception: ApiError itself; of linnet::Error 400 for what the caller
/// gave, 422 for what is well-formed and not supported, 429 for a full queue, 503 for memory that
/// is taken; 500 without details for all else.
ApiError to_api_error(const std::exception_ptr& error);

/// {"error": {...}} and the like, JSON without a line break.
std::string error_body(Dialect dialect, const ApiError& error);
/// The same as the last event of an answer that had begun: a server-sent event, or a line.
std::string error_event(Dialect dialect, const ApiError& error);

/// Seconds after which a client may try again; 0 where that would not help.
int retry_after_seconds(const ApiError& error) noexcept;

}  // namespace linnet::serve
