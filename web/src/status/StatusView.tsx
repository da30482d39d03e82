import { useEffect } from "preact/hooks";
import type { Stats } from "../api/types";
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate, formatUptime } from "../format";
import { Icon } from "../ui/icons";
import { samples, statsError, watchStats } from "./history";
import { LineChart } from "./LineChart";

/** What the server is doing, second by second. */
export function StatusView() {
  useEffect(watchStats, []);
  const all = samples.value;
  const now = all[all.length - 1]?.stats;
  const times = all.map((sample) => sample.time);
  const values = (read: (stats: Stats) => number | null | undefined) => all.map((sample) => read(sample.stats) ?? null);
  return (
    <div class="page" data-testid="status">
      <header class="page-head">
        <h2>Status</h2>
        {now && <p class="hint">linnet {now.version}, up for {formatUptime(now.uptime_seconds)}, {formatCount(now.connections)} {now.connections === 1 ? "connection" : "connections"}</p>}
      </header>
      {statsError.value !== null && (
        <div class="outcome outcome-error" role="status">
          <Icon name="warn" />
          <span>{statsError.value} Asking again every second.</span>
        </div>
      )}
      {!now && statsError.value === null && <p class="hint">Waiting for the first figures…</p>}
      {now && (
        <>
          <Tiles stats={now} />
          <div class="charts">
            <LineChart title="Throughput, tokens per second" times={times} format={formatRate} series={[
              { name: "generated", values: values((stats) => stats.rates.generated_tokens_per_second) },
              { name: "prompt", values: values((stats) => stats.rates.prompt_tokens_per_second) },
            ]} />
            <LineChart title="Time to first token" times={times} format={axisDuration} series={[
              { name: "half of the requests", values: values((stats) => stats.latency_ms.time_to_first_token.p50) },
              { name: "95 %", values: values((stats) => stats.latency_ms.time_to_first_token.p95) },
            ]} />
            <LineChart title="Time between tokens" times={times} format={axisDuration} series={[
              { name: "half of the tokens", values: values((stats) => stats.latency_ms.inter_token.p50) },
              { name: "95 %", values: values((stats) => stats.latency_ms.inter_token.p95) },
            ]} />
            <LineChart title="Memory" times={times} format={formatBytes} series={[
              { name: "resident", values: values((stats) => stats.memory.resident_bytes) },
              { name: "active", values: values((stats) => stats.memory.active_bytes) },
              { name: "cached", values: values((stats) => stats.memory.cached_bytes) },
            ]} />
            <LineChart title="Requests" times={times} format={formatRate} series={[
              { name: "running", values: values((stats) => stats.requests.running) },
              { name: "queued", values: values((stats) => stats.requests.queued) },
            ]} />
          </div>
          <Models stats={now} />
        </>
      )}
    </div>
  );
}

function axisDuration(ms: number): string {
  return ms === 0 ? "0" : formatDuration(ms);
}

function Tiles({ stats }: { stats: Stats }) {
  const { requests, tokens, memory } = stats;
  const tiles: [string, string][] = [
    ["Running, queued", `${formatCount(requests.running)}, ${formatCount(requests.queued)}`],
    ["Completed", formatCount(requests.completed)],
    ["Failed", formatCount(requests.failed)],
    ["Cancelled", formatCount(requests.cancelled)],
    ["Tokens generated", formatCount(tokens.generated)],
    ["Prompt tokens", formatCount(tokens.prompt)],
    ["Of them cached", tokens.prompt > 0 ? formatPercent(tokens.cached_prompt / tokens.prompt) : "–"],
    [memory.ceiling_bytes ? `Memory of ${formatBytes(memory.ceiling_bytes)}` : "Memory", formatBytes(memory.resident_bytes)],
  ];
  return (
    <dl class="tiles">
      {tiles.map(([name, value]) => <div key={name} class="card"><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function Models({ stats }: { stats: Stats }) {
  const bytes = (value: number | null) => (value ? formatBytes(value) : "–");
  return (
    <div class="card">
      <h3>Models</h3>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Models">
        <table class="data">
          <thead>
            <tr>
              {["Model", "State", "Active", "Cached", "Peak", "Limit", "Context"].map((name) => <th key={name} scope="col">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {stats.models.map((model) => (
              <tr key={model.id}>
                <th scope="row">{model.id}</th>
                <td>{model.loaded ? (model.in_use ? "in use" : "loaded") : "not loaded"}</td>
                <td>{bytes(model.active_bytes)}</td>
                <td>{bytes(model.cached_bytes)}</td>
                <td>{bytes(model.peak_bytes)}</td>
                <td>{bytes(model.limit_bytes)}</td>
                <td>{formatCount(model.context_length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
