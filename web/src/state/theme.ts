import { signal } from "@preact/signals";
import { readLocal, writeLocal } from "./local";

export type Theme = "system" | "light" | "dark";
export const theme = signal<Theme>(readLocal<Theme>("theme", "system"));

/** theme.ts beside main.tsx does the same before the first paint. */
export function setTheme(next: Theme): void {
  theme.value = next;
  writeLocal("theme", next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
}
