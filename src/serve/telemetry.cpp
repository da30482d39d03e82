#include "serve/telemetry.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <linnet/version.hpp>

#include <nlohmann/json.hpp>

#include "base/proc_file.hpp"
#include "serve/recent.hpp"

namespace linnet::serve {
namespace {

using Clock = std::chrono::steady_clock;
using OrderedJson = nlohmann::ordered_json;

// Seconds. Tokens of a small model come in a tenth of a millisecond, those of a large one in tenths
// of a second.
const prometheus::Histogram::BucketBoundaries kShort{0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                                     0.02,   0.05,   0.1,   0.2,   0.5,   1};
const prometheus::Histogram::BucketBoundaries kLong{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                    1,     2.5,  5,     10,   30,  60,   120};

double to_double(int64_t value) { return static_cast<double>(value); }

int64_t resident_bytes() { return proc_bytes("/proc/self/status", "VmRSS").value_or(0); }

OrderedJson to_json(const RecentValues& values) {
  const Quantiles quantiles = values.quantiles();
  const auto milliseconds = [](const std::optional<double>& seconds) {
    return seconds ? OrderedJson(*seconds * 1000) : OrderedJson(nullptr);
  };
  return {{"p50", milliseconds(quantiles.p50)},
          {"p95", milliseconds(quantiles.p95)},
          {"p99", milliseconds(quantiles.p99)}};
}

}  // namespace

struct Telemetry::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("linnet_http_requests_total")
          .Help("Requests answered, by route and status")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& tokens =
      prometheus::BuildCounter()
          .Name("linnet_tokens_total")
          .Help("Tokens of prompts, of these those found in the prefix cache, and generated ones")
          .Register(registry);
  prometheus::Counter& prompt_tokens = tokens.Add({{"kind", "prompt"}});
  prometheus::Counter& cached_tokens = tokens.Add({{"kind", "cached_prompt"}});
  prometheus::Counter& generated_tokens = tokens.Add({{"kind", "generated"}});
  prometheus::Family<prometheus::Counter>& prefix_family =
      prometheus::BuildCounter()
          .Name("linnet_prefix_cache_requests_total")
          .Help("Requests that found a part of their prompt in the prefix cache, or nothing")
          .Register(registry);
  prometheus::Counter& prefix_hits = prefix_family.Add({{"result", "hit"}});
  prometheus::Counter& prefix_misses = prefix_family.Add({{"result", "miss"}});
  prometheus::Family<prometheus::Counter>& preempted =
      prometheus::BuildCounter()
          .Name("linnet_preemptions_total")
          .Help("Times that a request gave its memory to others and was computed again")
          .Register(registry);
  prometheus::Counter& preemptions = preempted.Add({});
  prometheus::Histogram& queue =
      histogram("linnet_queue_seconds", "From a request's arrival to its admission", kLong);
  prometheus::Histogram& first_token = histogram(
      "linnet_time_to_first_token_seconds", "From a request's arrival to its first token", kLong);
  prometheus::Histogram& between =
      histogram("linnet_inter_token_seconds", "Between two tokens of an answer", kShort);
  prometheus::Histogram& end_to_end = histogram(
      "linnet_request_seconds", "From a request's header to the end of its answer", kLong);
  prometheus::Family<prometheus::Gauge>& server = gauge("linnet_server", "The server, by kind");
  prometheus::Family<prometheus::Gauge>& active =
      gauge("linnet_requests", "Requests of a model that run or wait");
  prometheus::Family<prometheus::Gauge>& blocks =
      gauge("linnet_kv_blocks", "Blocks of keys and values that are in use");
  prometheus::Family<prometheus::Gauge>& memory =
      gauge("linnet_memory_bytes", "Bytes by model and kind");

  const Clock::time_point started = Clock::now();
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  RecentValues recent_queue;
  RecentValues recent_first_token;
  RecentValues recent_between{10'000};
  RecentValues recent_end_to_end;
  RecentRate prompt_rate;
  RecentRate generated_rate;
  RecentRate request_rate;

  prometheus::Histogram& histogram(const char* name, const char* help,
                                   const prometheus::Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }
  prometheus::Family<prometheus::Gauge>& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
};

Telemetry::Telemetry() : state_(std::make_unique<State>()) {}
Telemetry::~Telemetry() = default;

void Telemetry::request(std::string_view route, int status, Outcome outcome, double seconds) {
  State& s = *state_;
  s.requests.Add({{"route", std::string(route)}, {"status", std::to_string(status)}}).Increment();
  s.end_to_end.Observe(seconds);
  s.recent_end_to_end.add(seconds);
  s.request_rate.add(1, Clock::now());
  switch (outcome) {
    case Outcome::completed: ++s.completed; break;
    case Outcome::failed: ++s.failed; break;
    case Outcome::cancelled: ++s.cancelled; break;
  }
}

void Telemetry::token(std::optional<double> seconds) {
  State& s = *state_;
  s.generated_tokens.Increment();
  s.generated_rate.add(1, Clock::now());
  if (!seconds) return;
  s.between.Observe(*seconds);
  s.recent_between.add(*seconds);
}

void Telemetry::generated(const Metrics& metrics) {
  State& s = *state_;
  read(metrics.prompt_tokens, metrics.cached_prompt_tokens);
  s.preemptions.Increment(to_double(metrics.preemptions));
  s.queue.Observe(metrics.queue_seconds);
  s.recent_queue.add(metrics.queue_seconds);
  if (metrics.generated_tokens == 0) return;
  s.first_token.Observe(metrics.time_to_first_token_seconds);
  s.recent_first_token.add(metrics.time_to_first_token_seconds);
}

void Telemetry::read(int64_t prompt_tokens, int64_t cached_tokens) {
  State& s = *state_;
  s.prompt_tokens.Increment(to_double(prompt_tokens));
  s.cached_tokens.Increment(to_double(cached_tokens));
  (cached_tokens > 0 ? s.prefix_hits : s.prefix_misses).Increment();
  s.prompt_rate.add(to_double(prompt_tokens), Clock::now());
}

std::string Telemetry::prometheus(const ServerGauges& gauges) {
  State& s = *state_;
  const auto set_server = [&](const char* kind, int64_t value) {
    s.server.Add({{"kind", kind}}).Set(to_double(value));
  };
  set_server("connections", gauges.connections);
  set_server("readers", gauges.readers);
  const auto set_memory = [&](const std::string& model, const char* kind, int64_t bytes) {
    s.memory.Add({{"model", model}, {"kind", kind}}).Set(to_double(bytes));
  };
  set_memory("", "resident", resident_bytes());
  set_memory("", "ceiling", gauges.ceiling_bytes);
  set_memory("", "reserved", gauges.reserved_bytes);
  for (const ModelGauges& model : gauges.models) {
    set_memory(model.name, "active", model.memory.active_bytes);
    set_memory(model.name, "cached", model.memory.cached_bytes);
    set_memory(model.name, "kv", model.kv_bytes);
    set_memory(model.name, "kv_budget", model.kv_budget_bytes);
    set_memory(model.name, "prefix_cache", model.prefix_cache_bytes);
    set_memory(model.name, "adapters", model.adapter_bytes);
    s.active.Add({{"model", model.name}, {"state", "running"}}).Set(to_double(model.running));
    s.active.Add({{"model", model.name}, {"state", "queued"}}).Set(to_double(model.queued));
    s.blocks.Add({{"model", model.name}}).Set(to_double(model.kv_blocks));
  }
  return prometheus::TextSerializer().Serialize(s.registry.Collect());
}

OrderedJson Telemetry::stats(const ServerGauges& gauges) const {
  const State& s = *state_;
  const Clock::time_point now = Clock::now();
  int64_t running = 0;
  int64_t queued = 0;
  int64_t active = 0;
  int64_t cached = 0;
  OrderedJson models = OrderedJson::array();
  for (const ModelGauges& model : gauges.models) {
    running += model.running;
    queued += model.queued;
    active += model.memory.active_bytes;
    cached += model.memory.cached_bytes;
    models.push_back({{"id", model.name},
                      {"loaded", model.loaded},
                      {"in_use", model.in_use},
                      {"active_bytes", model.memory.active_bytes},
                      {"cached_bytes", model.memory.cached_bytes},
                      {"peak_bytes", model.memory.peak_bytes},
                      {"limit_bytes", model.memory.limit_bytes},
                      {"kv_bytes", model.kv_bytes},
                      {"kv_budget_bytes", model.kv_budget_bytes},
                      {"prefix_cache_bytes", model.prefix_cache_bytes},
                      {"adapters", model.adapters},
                      {"adapter_bytes", model.adapter_bytes},
                      {"running", model.running},
                      {"queued", model.queued},
                      {"context_length", model.context_length}});
  }
  const auto count = [](const prometheus::Counter& counter) {
    return static_cast<int64_t>(counter.Value());
  };
  return {{"version", version()},
          {"uptime_seconds", std::chrono::duration<double>(now - s.started).count()},
          {"connections", gauges.connections},
          {"requests",
           {{"running", running},
            {"queued", queued},
            {"reading", gauges.readers},
            {"completed", s.completed},
            {"failed", s.failed},
            {"cancelled", s.cancelled}}},
          {"tokens",
           {{"prompt", count(s.prompt_tokens)},
            {"cached_prompt", count(s.cached_tokens)},
            {"generated", count(s.generated_tokens)}}},
          {"rates",
           {{"window_seconds", RecentRate::kWindowSeconds},
            {"prompt_tokens_per_second", s.prompt_rate.per_second(now)},
            {"generated_tokens_per_second", s.generated_rate.per_second(now)},
            {"requests_per_second", s.request_rate.per_second(now)}}},
          {"latency_ms",
           {{"window_requests", s.recent_end_to_end.size()},
            {"queue", to_json(s.recent_queue)},
            {"time_to_first_token", to_json(s.recent_first_token)},
            {"inter_token", to_json(s.recent_between)},
            {"end_to_end", to_json(s.recent_end_to_end)}}},
          {"memory",
           {{"resident_bytes", resident_bytes()},
            {"ceiling_bytes", gauges.ceiling_bytes},
            {"reserved_bytes", gauges.reserved_bytes},
            {"active_bytes", active},
            {"cached_bytes", cached}}},
          {"models", std::move(models)}};
}

}  // namespace linnet::serve
