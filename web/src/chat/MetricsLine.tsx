import { formatCount, formatDuration, formatRate } from "../format";
import type { Metrics } from "./types";

/** Speed, time to first token and context use of an answer. */
export function MetricsLine({ metrics }: { metrics: Metrics }) {
  const { promptTokens, cachedTokens, completionTokens, contextLength } = metrics;
  const used = promptTokens !== undefined ? promptTokens + (completionTokens ?? 0) : undefined;
  return (
    <dl class="metrics" data-testid="metrics">
      {metrics.tokensPerSecond !== undefined && (
        <Item name="Speed" title={metrics.fromServer ? "Measured by the server" : "Measured by this page"}>
          {formatRate(metrics.tokensPerSecond)} tokens/s
        </Item>
      )}
      {metrics.timeToFirstToken_ms !== undefined && (
        <Item name="Time to first token" visible="first token">{formatDuration(metrics.timeToFirstToken_ms)}</Item>
      )}
      {completionTokens !== undefined && <Item name="Answer">{formatCount(completionTokens)} tokens</Item>}
      {promptTokens !== undefined && (
        <Item name="Prompt" visible="prompt">
          {formatCount(promptTokens)}{cachedTokens ? ` (${formatCount(cachedTokens)} cached)` : ""}
        </Item>
      )}
      {used !== undefined && contextLength !== undefined && (
        <Item name="Context" visible="context">
          {formatCount(used)} / {formatCount(contextLength)}
          <meter min={0} max={contextLength} value={used} high={contextLength * 0.85} aria-label="Context used" />
        </Item>
      )}
      {metrics.seed !== undefined && <Item name="Seed" visible="seed">{metrics.seed}</Item>}
    </dl>
  );
}

function Item(props: { name: string; visible?: string; title?: string; children: preact.ComponentChildren }) {
  return (
    <div title={props.title ?? props.name}>
      <dt class={props.visible ? "" : "visually-hidden"}>{props.visible ?? props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
