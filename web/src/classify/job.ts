import { signal } from "@preact/signals";
import { isAbort } from "../api/http";
import { classify } from "../api/server";
import type { Classification } from "../api/types";
import { announce } from "../state/announce";
import type { Result } from "./output";
import type { Row } from "./rows";

/** A run over many texts. It goes on while other tabs are looked at, and from where it stopped after a failure. */

export interface Options {
  model: string;
  labels: string[];
  template: string;
  mode: "score" | "greedy";
  length_normalize: boolean;
  calibrate: boolean;
  chat: boolean;
}

export interface Job {
  options: Options;
  rows: Row[];
  results: (Result | undefined)[];
  done: number;
  /** Time spent in requests, over all attempts. */
  elapsed_ms: number;
  promptTokens: number;
  state: "running" | "done" | "cancelled" | "failed";
  error?: string;
}

const chunk_size = 64;

export const job = signal<Job | null>(null);
let abort: AbortController | undefined;

export function start(options: Options, rows: Row[]): void {
  const results = rows.map((row): Result | undefined => (row.problem ? { label: null, error: row.problem } : undefined));
  job.value = {
    options, rows, results, done: results.filter(Boolean).length, elapsed_ms: 0, promptTokens: 0, state: "running",
  };
  void run();
}

/** Goes on with the rows that have no result yet. */
export function resume(): void {
  if (!job.value || job.value.state === "running") return;
  job.value = { ...job.value, state: "running", error: undefined };
  void run();
}

export function cancel(): void {
  abort?.abort();
}

/** What a request says; the server refuses what it does not know, so only what was asked for is in it. */
export function requestBody(options: Options, input: string[]): Record<string, unknown> {
  const body: Record<string, unknown> = { model: options.model, input, labels: options.labels };
  if (options.template.trim()) body.template = options.template;
  if (options.mode === "greedy") body.mode = "greedy";
  else {
    if (options.length_normalize) body.length_normalize = true;
    if (options.calibrate) body.calibrate = true;
  }
  if (options.chat) body.chat = true;
  return body;
}

async function run(): Promise<void> {
  abort?.abort();
  const mine = (abort = new AbortController());
  // Another run may have taken this one's place while a request was on its way.
  const update = (change: Partial<Job>) => {
    if (abort === mine && job.value) job.value = { ...job.value, ...change };
  };
  const { options, rows } = job.value!;
  const waiting = rows.map((_, index) => index).filter((index) => job.value!.results[index] === undefined);
  announce(`Classifying ${waiting.length} texts.`);
  try {
    for (let at = 0; at < waiting.length; at += chunk_size) {
      const chunk = waiting.slice(at, at + chunk_size);
      const begin = performance.now();
      const answer = await classify(requestBody(options, chunk.map((index) => rows[index]!.text)), mine.signal);
      if (abort !== mine) return;
      const before = job.value!;
      const results = before.results.slice();
      for (const one of answer.data) {
        const row = chunk[one.index];
        if (row !== undefined) results[row] = resultOf(one);
      }
      for (const index of chunk) results[index] ??= { label: null, error: "The server said nothing about this text." };
      update({
        results, done: before.done + chunk.length, elapsed_ms: before.elapsed_ms + performance.now() - begin,
        promptTokens: before.promptTokens + (answer.usage?.prompt_tokens ?? 0),
      });
    }
    update({ state: "done" });
    announce("Classification complete.");
  } catch (error) {
    if (isAbort(error)) {
      update({ state: "cancelled" });
      announce("Classification cancelled.");
    } else {
      update({ state: "failed", error: (error as Error).message });
      announce(`Classification failed: ${(error as Error).message}`);
    }
  }
}

function resultOf(one: Classification): Result {
  return {
    label: one.label,
    ...(one.probabilities ? { probabilities: one.probabilities } : {}),
    ...(one.text !== undefined ? { text: one.text } : {}),
    ...(one.error ? { error: one.error.message } : {}),
  };
}
