import { defaultSampling, newId, type Conversation, type Message, type Metrics, type Sampling } from "./types";
import { pathOf } from "./tree";

/**
 * Conversations as files. JSON keeps everything, all branches too:
 *   {"format": "linnet.conversations", "version": 1, "exported_at": "...", "conversations": [...]}
 * Markdown keeps what is shown, for people; comments mark the turns, so that it can be read back.
 * A file may come from anywhere: all that is taken from it is checked, and errors name the place.
 */

const format = "linnet.conversations";

export function toJson(conversations: Conversation[], now = new Date()): string {
  return JSON.stringify({ format, version: 1, exported_at: now.toISOString(), conversations }, null, 2) + "\n";
}

export class ImportError extends Error {}

/** Conversations with fresh ids, so that importing a file twice overwrites nothing. */
export function fromJson(text: string): Conversation[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new ImportError(`This is not JSON: ${(error as Error).message}`);
  }
  const top = object(file, "the file");
  if (top.format !== format) {
    throw new ImportError(`This is not an export of linnet: "format" is ${JSON.stringify(top.format)}, expected "${format}".`);
  }
  if (top.version !== 1) {
    throw new ImportError(`Version ${JSON.stringify(top.version)} of the format is not known; this page reads version 1.`);
  }
  return array(top.conversations, "conversations").map((one, index) => conversationFrom(one, `conversations[${index}]`));
}

function conversationFrom(value: unknown, at: string): Conversation {
  const from = object(value, at);
  const messages: Message[] = [];
  const ids = new Map<string, string>();
  const roles = new Map<string, string>();
  array(from.messages, `${at}.messages`).forEach((one, index) => {
    const where = `${at}.messages[${index}]`;
    const message = messageFrom(one, where);
    // A parent comes before its children, which also keeps cycles out.
    if (message.parent !== null && !ids.has(message.parent)) {
      throw new ImportError(`${where}.parent names no earlier message.`);
    }
    if (ids.has(message.id)) throw new ImportError(`${where}.id is there twice.`);
    const before = message.parent === null ? "assistant" : roles.get(message.parent);
    if (before === message.role) throw new ImportError(`${where}: a message of "${message.role}" follows another one.`);
    ids.set(message.id, newId());
    roles.set(message.id, message.role);
    messages.push({ ...message, id: ids.get(message.id)!, parent: message.parent === null ? null : ids.get(message.parent)! });
  });
  const selected: Record<string, string> = {};
  for (const [key, child] of Object.entries(object(from.selected ?? {}, `${at}.selected`))) {
    const parent = key === "" ? "" : ids.get(key);
    const to = ids.get(String(child));
    if (parent !== undefined && to !== undefined) selected[parent] = to;
  }
  return {
    id: newId(),
    title: string(from.title, `${at}.title`),
    titled: from.titled === true,
    createdAt: number(from.createdAt, `${at}.createdAt`),
    updatedAt: number(from.updatedAt, `${at}.updatedAt`),
    model: string(from.model ?? "", `${at}.model`),
    system: string(from.system ?? "", `${at}.system`),
    sampling: samplingFrom(from.sampling ?? {}, `${at}.sampling`),
    messages,
    selected,
  };
}

function messageFrom(value: unknown, at: string): Message {
  const from = object(value, at);
  const role = from.role;
  if (role !== "user" && role !== "assistant") {
    throw new ImportError(`${at}.role is ${JSON.stringify(role)}, expected "user" or "assistant".`);
  }
  const message: Message = {
    id: string(from.id, `${at}.id`),
    parent: from.parent === null ? null : string(from.parent, `${at}.parent`),
    role,
    content: string(from.content, `${at}.content`),
    status: from.status === "stopped" || from.status === "error" || from.status === "interrupted" ? from.status
      : from.status === "streaming" ? "interrupted" : "done",
    createdAt: number(from.createdAt, `${at}.createdAt`),
  };
  for (const name of ["reasoning", "error", "finishReason", "model"] as const) {
    if (from[name] !== undefined) message[name] = string(from[name], `${at}.${name}`);
  }
  if (from.metrics !== undefined) message.metrics = metricsFrom(from.metrics, `${at}.metrics`);
  return message;
}

function metricsFrom(value: unknown, at: string): Metrics {
  const from = object(value, at);
  const metrics: Metrics = { fromServer: from.fromServer === true };
  for (const name of ["promptTokens", "cachedTokens", "completionTokens", "timeToFirstToken_ms", "tokensPerSecond",
                      "contextLength", "seed"] as const) {
    if (from[name] !== undefined) metrics[name] = number(from[name], `${at}.${name}`);
  }
  return metrics;
}

function samplingFrom(value: unknown, at: string): Sampling {
  const from = object(value, at);
  const sampling: Sampling = {};
  for (const name of ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", "seed"] as const) {
    if (from[name] !== undefined) sampling[name] = number(from[name], `${at}.${name}`);
  }
  if (from.stop !== undefined) {
    sampling.stop = array(from.stop, `${at}.stop`).map((one, index) => string(one, `${at}.stop[${index}]`));
  }
  if (from.enable_thinking !== undefined) sampling.enable_thinking = from.enable_thinking === true;
  return sampling;
}

function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ImportError(`${at} is not an object.`);
}

function array(value: unknown, at: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new ImportError(`${at} is not a list.`);
}

function string(value: unknown, at: string): string {
  if (typeof value === "string") return value;
  throw new ImportError(`${at} is not a string.`);
}

function number(value: unknown, at: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new ImportError(`${at} is not a number.`);
}

const turn = /^<!-- linnet:(system|user|assistant) -->$/;
// Text that looks like one of our marks gets a backslash more on the way out, and loses it on the way in.
const escapeMarks = (text: string) => text.replace(/^<!-- (\\*)linnet:/gm, "<!-- $1\\linnet:");
const unescapeMarks = (text: string) => text.replace(/^<!-- (\\*)\\linnet:/gm, "<!-- $1linnet:");

/** The shown branch of each conversation. */
export function toMarkdown(conversations: Conversation[]): string {
  return conversations.map((conversation) => {
    const parts = [`# ${conversation.title.replace(/\s+/g, " ")}`];
    if (conversation.system) parts.push(`<!-- linnet:system -->\n## System\n\n${escapeMarks(conversation.system)}`);
    for (const message of pathOf(conversation)) {
      const heading = message.role === "user" ? "You" : message.model || "Assistant";
      parts.push(`<!-- linnet:${message.role} -->\n## ${heading}\n\n${escapeMarks(message.content)}`);
    }
    return parts.join("\n\n") + "\n";
  }).join("\n");
}

/** Reads what toMarkdown wrote. */
export function fromMarkdown(text: string, now = Date.now()): Conversation[] {
  const conversations: Conversation[] = [];
  let conversation: Conversation | undefined;
  let part: { role: string; model: string; lines: string[] } | undefined;
  const finish = () => {
    if (conversation && part) addTurn(conversation, part, now);
    part = undefined;
  };
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const role = turn.exec(line)?.[1];
    if (role) {
      if (!conversation) throw new ImportError(`Line ${at + 1}: a turn before any title (“# …”).`);
      finish();
      const model = /^## (.*)$/.exec(lines[at + 1] ?? "")?.[1];
      part = { role, model: model ?? "", lines: [] };
      if (model !== undefined) at += 1;
    } else if (line.startsWith("# ") && startsConversation(lines, at)) {
      finish();
      conversation = {
        id: newId(), title: line.slice(2).trim(), titled: true, createdAt: now, updatedAt: now,
        model: "", system: "", sampling: { ...defaultSampling }, messages: [], selected: {},
      };
      conversations.push(conversation);
    } else {
      part?.lines.push(line);
    }
  }
  finish();
  if (!conversations.some((one) => one.messages.length > 0)) {
    throw new ImportError("This Markdown has no turns marked by linnet (<!-- linnet:user -->).");
  }
  return conversations;
}

/** A heading is a title where the next line that is not empty marks a turn; in an answer it is text. */
function startsConversation(lines: string[], at: number): boolean {
  const next = lines.slice(at + 1).find((line) => line.trim() !== "");
  return next !== undefined && /^<!-- linnet:(system|user) -->$/.test(next);
}

function addTurn(conversation: Conversation, part: { role: string; model: string; lines: string[] }, now: number): void {
  const content = unescapeMarks(part.lines.join("\n").trim());
  if (part.role === "system") {
    conversation.system = content;
    return;
  }
  const last = conversation.messages[conversation.messages.length - 1];
  if ((last?.role ?? "assistant") === part.role) throw new ImportError(`Two turns of “${part.role}” follow each other.`);
  const role = part.role as Message["role"];
  if (role === "assistant") conversation.model = part.model;
  conversation.messages.push({
    id: newId(), parent: last?.id ?? null, role, content, status: "done", createdAt: now,
    ...(role === "assistant" ? { model: part.model } : {}),
  });
}
