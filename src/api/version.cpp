#include <linnet/version.hpp>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet {

std::string_view version() noexcept { return LINNET_VERSION; }

std::string runtime_description() {
  return fmt::format("{}, {} cores", kernels::cpu::to_string(kernels::cpu::isa_from_environment()),
                     physical_cores());
}

}  // namespace linnet
