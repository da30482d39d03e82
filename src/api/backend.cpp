#include <linnet/backend.hpp>

#include <algorithm>

#include "api/state.hpp"
#include "array/device.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/proc_file.hpp"
#include "base/thread_pool.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet {
namespace {

BackendInfo cpu_info() {
  BackendInfo info{.description = proc_entry("/proc/cpuinfo", "model name").value_or(""),
                   .total_memory_bytes = physical_memory(),
                   .cores = physical_cores()};
  info.available_memory_bytes =
      std::min(proc_bytes("/proc/meminfo", "MemAvailable").value_or(0), info.total_memory_bytes);
  if (info.description.empty()) info.description = "the processor";
  // An instruction set may be asked for that is not here.
  try {
    info.instruction_set = to_string(kernels::cpu::isa_from_environment());
    info.available = true;
  } catch (const Error& error) {
    info.reason = error.what();
  }
  return info;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

BackendInfo info_of(const std::string& name, const Backend& backend) {
  BackendInfo info;
  try {
    info = backend.info();
  } catch (const Error& error) {
    info.reason = error.what();
  }
  info.name = name;
  return info;
}

}  // namespace

BackendRegistry::BackendRegistry() : default_(kCpuBackend) {
  register_backend(default_,
                   {.info = cpu_info, .load = [](const auto& folder, const auto& options) {
                      return load_model(folder, options);
                    }});
}

void BackendRegistry::register_backend(const std::string& name, Backend backend) {
  require(is_name(name), "\"{}\" is no name for a backend: 1 to 64 of a-z 0-9 . _ -",
          printable(name));
  require(backend.info && backend.load, "the backend \"{}\" needs both info and load", name);
  require(backends_.try_emplace(name, std::move(backend)).second,
          "a backend \"{}\" is registered already", name);
}

void BackendRegistry::set_default(std::string_view name) {
  (void)require_backend(name);
  default_ = name;
}

BackendInfo BackendRegistry::get(std::string_view name) const {
  return info_of(std::string(name), require_backend(name));
}

std::vector<BackendInfo> BackendRegistry::list() const {
  std::vector<BackendInfo> result;
  for (const auto& [name, backend] : backends_) result.push_back(info_of(name, backend));
  return result;
}

TextModel BackendRegistry::load(std::string_view name, const std::filesystem::path& folder,
                                const LoadOptions& options) const {
  require(name.empty() || options.device.empty() || options.device == name,
          "the backend is \"{}\", but device is \"{}\"", printable(name),
          printable(options.device));
  const std::string chosen(!name.empty()             ? name
                           : !options.device.empty() ? std::string_view(options.device)
                                                     : std::string_view(default_));
  const Backend& backend = require_backend(chosen);
  if (const BackendInfo info = info_of(chosen, backend); !info.available)
    fail(ErrorCode::device, "the backend \"{}\" is not available: {}", chosen, info.reason);
  LoadOptions rest = options;
  rest.device.clear();
  return backend.load(folder, rest);
}

const Backend& BackendRegistry::require_backend(std::string_view name) const {
  if (const auto found = backends_.find(name); found != backends_.end()) return found->second;
  std::string known;
  for (const auto& [other, backend] : backends_)
    known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", other);
  fail(ErrorCode::invalid_argument, "there is no backend \"{}\": there is {}", printable(name),
       known);
}

}  // namespace linnet
