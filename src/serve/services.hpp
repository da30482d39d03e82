// What routes work with.
#pragma once

#include <functional>

#include "serve/model_pool.hpp"
#include "serve/options.hpp"
#include "serve/telemetry.hpp"
#include "serve/workers.hpp"

namespace linnet::serve {

struct Services {
  const ServeOptions& options;
  Workers& workers;
  ModelPool& models;
  Telemetry& telemetry;
  std::function<int64_t()> connections;  ///< that are open
  std::function<bool()> draining;        ///< whether the server is ending

  [[nodiscard]] ServerGauges gauges() const {
    ServerGauges result{.connections = connections(), .readers = workers.reading()};
    models.measure(result);
    return result;
  }
};

}  // namespace linnet::serve
