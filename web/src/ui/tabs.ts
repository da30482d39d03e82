import { signal } from "@preact/signals";

export const tabs = [
  { id: "chat", label: "Chat" },
  { id: "classify", label: "Classify" },
  { id: "status", label: "Status" },
] as const;
export type TabId = (typeof tabs)[number]["id"];

const fromHash = (): TabId => tabs.find((tab) => `#${tab.id}` === location.hash)?.id ?? "chat";

/** The tab that is shown; its name is in the address, so that it can be linked to and survives a reload. */
export const tab = signal<TabId>(fromHash());
window.addEventListener("hashchange", () => (tab.value = fromHash()));

export function showTab(id: TabId): void {
  tab.value = id;
  history.replaceState(null, "", id === "chat" ? location.pathname : `#${id}`);
}
