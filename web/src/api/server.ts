import { post, requestJson } from "./http";
import type { ClassifyAnswer, Model, Stats } from "./types";

export async function fetchModels(): Promise<Model[]> {
  return (await requestJson<{ data: Model[] }>("/v1/models")).data;
}

export function fetchStats(signal?: AbortSignal): Promise<Stats> {
  return requestJson<Stats>("/v1/stats", { signal });
}

export function classify(body: object, signal: AbortSignal): Promise<ClassifyAnswer> {
  return requestJson<ClassifyAnswer>("/v1/classify", post(body, signal));
}

export type Health = "up" | "loading" | "down";

/** Whether the server is there, and whether it has its model. Sends no key and never throws. */
export async function checkHealth(timeout_ms = 4000): Promise<Health> {
  const get = (path: string) =>
    fetch(path, { cache: "no-store", signal: AbortSignal.timeout(timeout_ms) });
  try {
    if (!(await get("/healthz")).ok) return "down";
    return (await get("/readyz")).status === 503 ? "loading" : "up";
  } catch {
    return "down";
  }
}
