// What a server counts: Prometheus metrics for machines, and the same of the last minutes for
// people.
#pragma once

#include <linnet/model.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::serve {

/// A model at the moment that somebody asks.
struct ModelGauges {
  std::string name;
  bool loaded = false;
  bool in_use = false;
  MemoryUsage memory = {};
  int64_t context_length = 0;
  int64_t running = 0;
  int64_t queued = 0;
  int64_t kv_blocks = 0;
  int64_t kv_bytes = 0;
  int64_t adapters = 0;  ///< loaded beside it
  int64_t adapter_bytes = 0;
  int64_t kv_budget_bytes = 0;
  int64_t prefix_cache_bytes = 0;
};

/// The server at that moment.
struct ServerGauges {
  int64_t connections = 0;
  int64_t readers = 0;  ///< requests that classify, score or embed, those that wait too
  int64_t ceiling_bytes = 0;
  int64_t reserved_bytes = 0;
  std::vector<ModelGauges> models;
};

enum class Outcome { completed, failed, cancelled };

/// Not thread-safe: used on the network thread.
class Telemetry {
 public:
  Telemetry();
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  /// A request was answered. `route` is its pattern.
  void request(std::string_view route, int status, Outcome outcome, double seconds);
  /// A token came, so long after the one before it; the first one after none.
  void token(std::optional<double> seconds);
  /// A generation, or something else that read prompts, has ended.
  void generated(const Metrics& metrics);
  void read(int64_t prompt_tokens, int64_t cached_tokens);

  /// Prometheus' text format.
  [[nodiscard]] std::string prometheus(const ServerGauges& gauges);
  /// What GET /v1/stats answers.
  [[nodiscard]] nlohmann::ordered_json stats(const ServerGauges& gauges) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linnet::serve
