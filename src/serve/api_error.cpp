#include "serve/api_error.hpp"

#include <fmt/format.h>

#include <new>
#include <nlohmann/json.hpp>

namespace linnet::serve {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string_view openai_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string_view anthropic_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

ApiError of_code(const Error& error) {
  const std::string message = error.what();
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed_file: return {400, message, "invalid_value"};
    case ErrorCode::unsupported: return {422, message, "unsupported"};
    case ErrorCode::not_found: return {404, message, "not_found"};
    case ErrorCode::busy: return {429, message, "queue_full"};
    case ErrorCode::out_of_memory: return {503, message, "out_of_memory"};
    case ErrorCode::cancelled: return {503, "the server is shutting down", "shutting_down"};
    case ErrorCode::device:
    case ErrorCode::internal: break;
  }
  return {500, message, "internal"};
}

/// For forms that have no place of their own for the field.
std::string message_with_field(const ApiError& error) {
  std::string message = error.what();
  if (message.find(error.param()) != std::string::npos) return message;
  return error.param() + ": " + message;
}

std::string dump(const OrderedJson& json) {
  // Messages may quote what a client sent, which need not be UTF-8.
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

ApiError to_api_error(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ApiError& known) {
    return known;
  } catch (const Error& known) {
    return of_code(known);
  } catch (const std::bad_alloc&) {
    return {503, "the server has no memory left", "out_of_memory"};
  } catch (const std::exception&) {
    return {500, "a fault of the server; its log says more", "internal"};
  }
}

std::string error_body(Dialect dialect, const ApiError& error) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
  };
  switch (dialect) {
    case Dialect::openai:
      return dump({{"error",
                    {{"message", error.what()},
                     {"type", openai_type(error.status())},
                     {"param", text_or_null(error.param())},
                     {"code", text_or_null(error.code())}}}});
    case Dialect::anthropic:
      return dump(
          {{"type", "error"},
           {"error",
            {{"type", anthropic_type(error.status())}, {"message", message_with_field(error)}}}});
    case Dialect::ollama: return dump({{"error", message_with_field(error)}});
  }
  return {};
}

std::string error_event(Dialect dialect, const ApiError& error) {
  const std::string body = error_body(dialect, error);
  switch (dialect) {
    case Dialect::openai: return fmt::format("data: {}\n\n", body);
    case Dialect::anthropic: return fmt::format("event: error\ndata: {}\n\n", body);
    case Dialect::ollama: return body + "\n";
  }
  return body;
}

int retry_after_seconds(const ApiError& error) noexcept {
  return error.status() == 429 || error.status() == 503 ? 1 : 0;
}

}  // namespace linnet::serve
