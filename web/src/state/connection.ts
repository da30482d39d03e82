import { signal } from "@preact/signals";
import { checkHealth, type Health } from "../api/server";
import { announce } from "./announce";

/** Whether the server is there. It is asked every few seconds while the page is visible. */
export const connection = signal<Health | "unknown">("unknown");
export const checking = signal(false);
/** Grows each time the server becomes ready: lists that it gives are then read again. */
export const readyVersion = signal(0);

const interval_ms = { up: 5000, loading: 1000, down: 2000, unknown: 0 };
let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks now. Also what the "Try now" button does. */
export async function checkNow(): Promise<void> {
  if (checking.value) return;
  clearTimeout(timer);
  checking.value = true;
  const before = connection.value;
  const now = await checkHealth();
  checking.value = false;
  connection.value = now;
  if (now !== before) tell(before, now);
  if (now === "up" && before !== "up") readyVersion.value += 1;
  if (!document.hidden) timer = setTimeout(() => void checkNow(), interval_ms[now]);
}

function tell(before: Health | "unknown", now: Health): void {
  if (now === "down") announce("The server is not answering.");
  if (now === "up" && before !== "unknown") announce("The server is back.");
}

/** Called by a request that got no answer: don't wait for the next round to say so. */
export function reportUnreachable(): void {
  void checkNow();
}

export function watchConnection(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else void checkNow();
  });
  window.addEventListener("online", () => void checkNow());
  void checkNow();
}
