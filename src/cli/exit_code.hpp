// What the process returns to the shell (docs/cli.md).
#pragma once

#include <string_view>

namespace linnet::cli {

enum class ExitCode : int {
  success = 0,
  error = 1,          ///< the work failed; standard error says why
  usage = 2,          ///< the command line is wrong; nothing was done
  interrupted = 130,  ///< Ctrl-C: what was written before it is whole (128 + SIGINT, as shells say)
};

/// The last lines of every --help.
inline constexpr std::string_view kExitCodeHelp =
    "Exit status: 0 success, 1 error, 2 wrong usage, 130 interrupted by Ctrl-C.";

}  // namespace linnet::cli
