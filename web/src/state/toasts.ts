import { signal } from "@preact/signals";
import { announce } from "./announce";

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
  action?: { label: string; run: () => void };
}

export const toasts = signal<Toast[]>([]);
let next = 1;

/** Shows a short message at the edge of the window; one with an action stays longer. */
export function toast(text: string, options: { kind?: Toast["kind"]; action?: Toast["action"] } = {}): void {
  const id = next++;
  toasts.value = [...toasts.value, { id, text, kind: options.kind ?? "info", action: options.action }].slice(-3);
  announce(options.action ? `${text} ${options.action.label} is available.` : text);
  setTimeout(() => dismissToast(id), options.action || options.kind === "error" ? 10000 : 4000);
}

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}
