import { signal } from "@preact/signals";

/** What the live region says to a screen reader: whole events, never single tokens. */
export const announcement = signal("");

export function announce(text: string): void {
  // The same words twice in a row would not be spoken again; a no-break space makes them differ.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}
