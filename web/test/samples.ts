import type { Conversation, Message } from "../src/chat/types";

export function message(id: string, parent: string | null, role: Message["role"], content = id): Message {
  return { id, parent, role, content, status: "done", createdAt: 1 };
}

export function conversation(messages: Message[], more: Partial<Conversation> = {}): Conversation {
  return {
    id: "c", title: "Title", titled: false, createdAt: 1, updatedAt: 2, model: "builtin", system: "", sampling: {},
    messages, selected: {}, ...more,
  };
}
