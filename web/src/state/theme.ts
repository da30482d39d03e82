import { computed, signal } from "@preact/signals";
import { readLocal, writeLocal } from "./local";

export type Theme = "system" | "light" | "dark";
export const theme = signal<Theme>(readLocal<Theme>("theme", "system"));

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener("change", () => (systemIsDark.value = systemDark.matches));

export const isDark = computed(() => theme.value === "dark" || (theme.value === "system" && systemIsDark.value));

/** theme.ts beside main.tsx does the same before the first paint. */
export function setTheme(next: Theme): void {
  theme.value = next;
  writeLocal("theme", next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
}
