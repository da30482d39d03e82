#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/error.hpp"

namespace linnet::cli {

void write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      throw ClosedPipe();
    } else if (errno != EINTR) {
      fail(ErrorCode::device, "writing to standard output: {}",
           std::generic_category().message(errno));
    }
  }
}

void write_status(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void write_error(std::string_view message) noexcept {
  std::fprintf(stderr, "linnet: error: %.*s\n", static_cast<int>(message.size()), message.data());
}

}  // namespace linnet::cli
