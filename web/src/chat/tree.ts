import type { Conversation, Message } from "./types";

/**
 * A conversation is a tree: editing a message adds a sibling, asking again adds a sibling answer, and what
 * was there stays. The path that is shown follows `selected` from the root, and the newest child where
 * nothing was selected. All functions return new values and leave their arguments alone.
 */

const root = "";

export function childrenOf(conversation: Conversation, parent: string | null): Message[] {
  return conversation.messages.filter((message) => message.parent === parent);
}

/** The shown branch, first message first. */
export function pathOf(conversation: Conversation): Message[] {
  const children = new Map<string, Message[]>();
  for (const message of conversation.messages) {
    const key = message.parent ?? root;
    const list = children.get(key);
    if (list) list.push(message);
    else children.set(key, [message]);
  }
  const path: Message[] = [];
  for (let key = root; ;) {
    const list = children.get(key);
    if (!list) return path;
    const next = list.find((message) => message.id === conversation.selected[key]) ?? list[list.length - 1]!;
    path.push(next);
    key = next.id;
  }
}

/** The messages from the root to this one, whatever is shown. */
export function pathTo(conversation: Conversation, id: string): Message[] {
  const byId = new Map(conversation.messages.map((message) => [message.id, message]));
  const path: Message[] = [];
  for (let message = byId.get(id); message; message = message.parent === null ? undefined : byId.get(message.parent)) {
    path.unshift(message);
  }
  return path;
}

/** Adds a message and shows the branch that ends with it. */
export function addMessage(conversation: Conversation, message: Message): Conversation {
  return {
    ...conversation,
    messages: [...conversation.messages, message],
    selected: { ...conversation.selected, [message.parent ?? root]: message.id },
    updatedAt: message.createdAt,
  };
}

export function changeMessage(conversation: Conversation, id: string, change: Partial<Message>): Conversation {
  return {
    ...conversation,
    messages: conversation.messages.map((message) => (message.id === id ? { ...message, ...change } : message)),
  };
}

/** Where a message stands among those with the same parent: 1 of 3, and who is beside it. */
export function siblingsOf(conversation: Conversation, message: Message): { index: number; ids: string[] } {
  const ids = childrenOf(conversation, message.parent).map((sibling) => sibling.id);
  return { index: ids.indexOf(message.id), ids };
}

export function selectSibling(conversation: Conversation, message: Message, offset: number): Conversation {
  const { index, ids } = siblingsOf(conversation, message);
  const next = ids[index + offset];
  if (next === undefined) return conversation;
  return { ...conversation, selected: { ...conversation.selected, [message.parent ?? root]: next } };
}

/** A title from the first words of the first message. */
export function titleFrom(text: string): string {
  const words = text.trim().replace(/\s+/g, " ");
  if (words.length <= 48) return words || "New conversation";
  const cut = words.slice(0, 48);
  const space = cut.lastIndexOf(" ");
  return `${cut.slice(0, space > 24 ? space : 48)}…`;
}

export interface WireMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/**
 * What the model is sent for a path. Chat templates want turns to alternate: an answer that never came is
 * left out, and the questions on either side of it become one. Reasoning is not sent back.
 */
export function wireMessages(path: Message[], system: string): WireMessage[] {
  const messages: WireMessage[] = [];
  if (system.trim()) messages.push({ role: "system", content: system });
  for (const { role, content } of path) {
    if (role === "assistant" && content.trim() === "") continue;
    const last = messages[messages.length - 1];
    if (last?.role === role) last.content += `\n\n${content}`;
    else messages.push({ role, content });
  }
  return messages;
}

/** Does every word of the query occur in the title or in some message? */
export function matches(conversation: Conversation, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [conversation.title, ...conversation.messages.map((message) => message.content)].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** "Today", "Yesterday", "Earlier this week" or a month: the headings of the list. */
export function dayGroup(time: number, now: number): string {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const day = 24 * 3600 * 1000;
  if (time >= midnight.getTime()) return "Today";
  if (time >= midnight.getTime() - day) return "Yesterday";
  if (time >= midnight.getTime() - 6 * day) return "Previous 7 days";
  return new Date(time).toLocaleDateString("en", { month: "long", year: "numeric" });
}
