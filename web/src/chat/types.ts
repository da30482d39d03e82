/** A conversation, as the page keeps it. Everything here is plain data: it goes to IndexedDB and into exports. */

export type Role = "user" | "assistant";

/**
 * streaming    being written by this page
 * done         complete
 * stopped      the reader stopped it
 * error        the server failed; `error` says how, and what had come is kept
 * interrupted  the page was closed, or the browser killed, while it was being written
 */
export type Status = "streaming" | "done" | "stopped" | "error" | "interrupted";

export interface Metrics {
  promptTokens?: number;
  cachedTokens?: number;
  completionTokens?: number;
  timeToFirstToken_ms?: number;
  tokensPerSecond?: number;
  contextLength?: number;
  /** What was sent, if any was: with it the answer can be had again. */
  seed?: number;
  /** False where the server said nothing and the figures are from the page's own clock. */
  fromServer: boolean;
}

export interface Message {
  id: string;
  /** The message that this one answers; null for the first of a conversation. */
  parent: string | null;
  role: Role;
  content: string;
  reasoning?: string;
  status: Status;
  error?: string;
  finishReason?: string;
  model?: string;
  metrics?: Metrics;
  createdAt: number;
}

/** What goes into a request as it is; an absent member is not sent, so that the server's default holds. */
export interface Sampling {
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  max_tokens?: number;
  seed?: number;
  stop?: string[];
  enable_thinking?: boolean;
}

export interface Conversation {
  id: string;
  title: string;
  /** Set once the reader has named it: then the first words no longer do. */
  titled: boolean;
  createdAt: number;
  updatedAt: number;
  model: string;
  system: string;
  sampling: Sampling;
  /** All branches, in the order in which they were made: siblings keep that order. */
  messages: Message[];
  /** For a message that has several answers: which one is shown. "" stands for the root. */
  selected: Record<string, string>;
}

export const defaultSampling: Sampling = { temperature: 0.7, top_p: 0.95, max_tokens: 512 };

export function newId(): string {
  // Not crypto.randomUUID(): that one is missing where the page comes over plain HTTP from another machine.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
