// Standard output and standard error. Nothing is buffered: a token is seen when it is there.
#pragma once

#include <exception>
#include <string_view>

namespace linnet::cli {

/// Thrown by write_out when nobody reads standard output any more (`linnet ... | head`): the
/// program ends quietly and successfully. SIGPIPE must be ignored.
class ClosedPipe : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "standard output is closed"; }
};

/// Writes all of `text` to standard output. Errors: ClosedPipe; device for any other failure (disk
/// full).
void write_out(std::string_view text);

/// Writes what is only of interest now to standard error; failures are ignored.
void write_status(std::string_view text) noexcept;

/// Writes "linnet: error: MESSAGE" and a newline to standard error; failures are ignored.
void write_error(std::string_view message) noexcept;

}  // namespace linnet::cli
