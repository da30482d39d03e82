import assert from "node:assert/strict";
import { test } from "node:test";
import { Collected } from "../src/chat/collected";
import { formatBytes, formatDuration, formatShort, formatUptime } from "../src/format";
import { append } from "../src/status/history";
import { linePath, niceStep, ticks } from "../src/status/scale";
import type { Stats } from "../src/api/types";

const piece = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

test("the server's figures are taken where it gives them", () => {
  const collected = new Collected(() => 0);
  collected.take(piece("a"));
  collected.take({ choices: [{ index: 0, delta: {}, finish_reason: "length" }] });
  collected.take({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
                   timings: { time_to_first_token_ms: 7, tokens_per_second: 80 } });
  assert.equal(collected.finishReason, "length");
  assert.deepEqual(collected.metrics(2048), {
    promptTokens: 9, cachedTokens: 4, completionTokens: 5, timeToFirstToken_ms: 7, tokensPerSecond: 80, contextLength: 2048, fromServer: true,
  });
});

test("without them the page's clock counts pieces, from the first one", () => {
  let now = 100;
  const collected = new Collected(() => now);
  for (const content of ["a", "b", "c"]) {
    now += 50;
    collected.take(piece(content));
  }
  const metrics = collected.metrics(undefined)!;
  assert.equal(metrics.timeToFirstToken_ms, 50);
  assert.equal(metrics.tokensPerSecond, 20);
  assert.equal(metrics.completionTokens, 3);
  assert.equal(metrics.fromServer, false);
  assert.equal(new Collected(() => 0).metrics(1), undefined);
});

test("reasoning and answer are kept apart", () => {
  const collected = new Collected(() => 0);
  collected.take({ choices: [{ index: 0, delta: { reasoning_content: "hm" } }] });
  collected.take(piece("yes"));
  assert.deepEqual(collected.parts(), { content: "yes", reasoning: "hm" });
});

test("numbers are short", () => {
  assert.equal(formatShort(3_940_000), "3.9M");
  assert.equal(formatShort(596e6), "596M");
  assert.equal(formatBytes(7_900_000), "7.9 MB");
  assert.equal(formatBytes(12), "12 B");
  assert.equal(formatDuration(0.5), "0.50 ms");
  assert.equal(formatDuration(1234), "1.23 s");
  assert.equal(formatUptime(3725), "1 h 2 min");
});

test("axes have round steps and reach the largest value", () => {
  assert.equal(niceStep(3), 5);
  assert.equal(niceStep(0.2), 0.2);
  assert.deepEqual(ticks(0), [0, 1]);
  for (const max of [0.013, 1, 7, 99, 1234, 5e9]) {
    const marks = ticks(max);
    assert.ok(marks[marks.length - 1]! >= max * (1 - 1e-9) && marks.length <= 6, `${max}: ${marks}`);
  }
});

test("a line has a gap where there is no value", () => {
  assert.equal(linePath([[0, 0], [1, 2], null, [3, 4]]), "M0.0 0.0L1.0 2.0M3.0 4.0h0");
});

test("the history is bounded and begins anew with the server", () => {
  const sample = (uptime_seconds: number) => ({ time: uptime_seconds, stats: { uptime_seconds } as Stats });
  let all = [sample(0)];
  for (let second = 1; second < 400; second++) all = append(all, sample(second));
  assert.equal(all.length, 300);
  assert.equal(append(all, sample(2)).length, 1);
});
