// Errors of linnet: one exception type, raised where the fault is found.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace linnet {

/// What kind of fault an Error reports; the message names the thing and the numbers.
enum class ErrorCode {
  invalid_argument,  ///< the caller passed something that cannot be right
  not_found,         ///< a file, tensor, model or name does not exist
  malformed_file,    ///< a file contradicts its own format
  unsupported,       ///< well formed, but linnet does not implement it
  out_of_memory,     ///< a memory budget would be passed
  cancelled,         ///< the caller asked for the work to stop
  busy,              ///< too many requests wait, or one has waited too long: try again later
  device,            ///< the processor or accelerator cannot do what was asked
  internal,          ///< a fault of linnet itself: please report it
};

/// The code's name as it is written above, such as "malformed_file".
std::string_view to_string(ErrorCode code) noexcept;

/// The only exception that linnet throws (beside std::bad_alloc when the system has no memory
/// left).
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace linnet
