import { signal } from "@preact/signals";

/** The list of conversations where there is no room for it beside the chat: it lies over it, on demand. */
export const drawerOpen = signal(false);

export function openDrawer(): void {
  drawerOpen.value = true;
  requestAnimationFrame(() => document.getElementById("new-chat")?.focus());
}

/** Gives the focus back to the button that opened it, unless it is already elsewhere on purpose. */
export function closeDrawer(refocus = true): void {
  if (!drawerOpen.value) return;
  drawerOpen.value = false;
  if (refocus) document.getElementById("drawer-button")?.focus();
}
