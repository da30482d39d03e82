import { signal } from "@preact/signals";
import { fetchStats } from "../api/server";
import type { Stats } from "../api/types";

/** The last minutes of the server's statistics: one sample per second while somebody looks. */

export interface Sample {
  time: number;
  stats: Stats;
}

const kept = 300;
const interval_ms = 1000;

export const samples = signal<Sample[]>([]);
export const statsError = signal<string | null>(null);

/** Asks until the returned function is called; a slow server is not asked again before it has answered. */
export function watchStats(): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async () => {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        const stats = await fetchStats(AbortSignal.timeout(5000));
        samples.value = append(samples.value, { time: Date.now(), stats });
        statsError.value = null;
      } catch (error) {
        statsError.value = (error as Error).message;
      }
    }
    if (!stopped) timer = setTimeout(() => void ask(), interval_ms);
  };
  void ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** A server that was started anew has a new history. */
export function append(before: Sample[], next: Sample): Sample[] {
  const last = before[before.length - 1];
  const restarted = last !== undefined && next.stats.uptime_seconds < last.stats.uptime_seconds - 1;
  return [...(restarted ? [] : before), next].slice(-kept);
}
