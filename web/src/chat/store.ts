import { computed, signal } from "@preact/signals";
import { defaultModel } from "../state/models";
import { readLocal, writeLocal } from "../state/local";
import { toast } from "../state/toasts";
import * as database from "./database";
import { defaultSampling, newId, type Conversation, type Message, type Sampling } from "./types";

/**
 * The conversations in memory, and what happens to them. IndexedDB is written behind: `change` puts the
 * record, and other tabs of the page hear of it and read it again.
 */

export const conversations = signal<ReadonlyMap<string, Conversation>>(new Map());
export const loaded = signal(false);
export const currentId = signal<string | null>(null);
export const current = computed(() => (currentId.value === null ? undefined : conversations.value.get(currentId.value)));
/** Settings of the conversation that has not begun yet; they become the next one's. */
export const draft = signal<{ system: string; sampling: Sampling; model: string | null }>(freshDraft());

/** What a new conversation begins with. */
export function freshDraft(): { system: string; sampling: Sampling; model: string | null } {
  return { ...readLocal("defaults", { system: "", sampling: defaultSampling }), model: null };
}

export function saveDefaults(system: string, sampling: Sampling): void {
  writeLocal("defaults", { system, sampling });
}

// Answers that this tab is writing: what other tabs say of their conversations is older.
const busy = new Set<string>();
const channel = new BroadcastChannel("linnet");
let storageFailed = false;

function failed(error: unknown): void {
  if (storageFailed) return;
  storageFailed = true;
  const why = error instanceof Error ? error.message : String(error);
  toast(`Conversations cannot be saved in this browser: ${why}`, { kind: "error" });
}

/** A page that was closed while an answer came has left it unfinished. */
export function settle(conversation: Conversation): Conversation {
  if (!conversation.messages.some((message) => message.status === "streaming")) return conversation;
  const done = (message: Message): Message =>
    message.status === "streaming" ? { ...message, status: "interrupted" } : message;
  return { ...conversation, messages: conversation.messages.map(done) };
}

export async function loadConversations(): Promise<void> {
  try {
    const all = (await database.readAll()).map(settle);
    conversations.value = new Map([...all.map((one) => [one.id, one] as const), ...conversations.value]);
    const last = readLocal<string | null>("current", null);
    if (currentId.value === null && last !== null && conversations.value.has(last)) currentId.value = last;
  } catch (error) {
    failed(error);
  }
  loaded.value = true;
  channel.addEventListener("message", (event: MessageEvent<string>) => void reread(event.data));
}

async function reread(id: string): Promise<void> {
  if (busy.has(id)) return;
  const found = await database.readOne(id).catch(() => undefined);
  const next = new Map(conversations.value);
  if (found) next.set(id, found);
  else next.delete(id);
  conversations.value = next;
}

function put(conversation: Conversation): void {
  conversations.value = new Map(conversations.value).set(conversation.id, conversation);
}

async function save(conversation: Conversation): Promise<void> {
  try {
    await database.write(conversation);
    channel.postMessage(conversation.id);
  } catch (error) {
    failed(error);
  }
}

/** Changes a conversation that is there, in memory and in the database. */
export function change(id: string, edit: (conversation: Conversation) => Conversation): void {
  const before = conversations.value.get(id);
  if (!before) return;
  const after = edit(before);
  if (after === before) return;
  put(after);
  void save(after);
}

/** Writes a state that is newer than the one in memory: a partial answer, which memory has elsewhere. */
export function savePartial(id: string, edit: (conversation: Conversation) => Conversation): void {
  const before = conversations.value.get(id);
  if (before) void save(edit(before));
}

export function setBusy(id: string, value: boolean): void {
  if (value) busy.add(id);
  else busy.delete(id);
}

export function select(id: string | null): void {
  currentId.value = id;
  writeLocal("current", id);
  if (id === null) draft.value = freshDraft();
}

export function create(title: string): Conversation {
  const now = Date.now();
  const { system, sampling, model } = draft.value;
  const conversation: Conversation = {
    id: newId(), title, titled: false, createdAt: now, updatedAt: now,
    model: model ?? defaultModel.value, system, sampling, messages: [], selected: {},
  };
  put(conversation);
  select(conversation.id);
  return conversation;
}

export function add(conversation: Conversation): void {
  put(conversation);
  void save(conversation);
}

export function remove(id: string): void {
  const removed = conversations.value.get(id);
  if (!removed) return;
  const next = new Map(conversations.value);
  next.delete(id);
  conversations.value = next;
  if (currentId.value === id) select(null);
  database.remove(id).then(() => channel.postMessage(id), failed);
  toast(`Deleted “${removed.title}”.`, { action: { label: "Undo", run: () => add(settle(removed)) } });
}
