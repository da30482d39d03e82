import { signal, type Signal } from "@preact/signals";
import { streamChat } from "../api/chat";
import { isAbort } from "../api/http";
import { announce } from "../state/announce";
import { findModel } from "../state/models";
import { Collected } from "./collected";
import * as store from "./store";
import { addMessage, changeMessage, pathTo, titleFrom, wireMessages } from "./tree";
import { newId, type Conversation, type Message } from "./types";

/**
 * Answers that are being written. What has come is in signals, set once per frame; the conversation itself
 * changes when the answer begins and ends, and the database gets the partial answer twice a second, so that
 * a crash of server, page or machine costs half a second of text.
 */
export interface Generation {
  content: Signal<string>;
  reasoning: Signal<string>;
  stop(): void;
}

const save_interval_ms = 500;

/** By the id of the answer's message. */
export const generations = signal<ReadonlyMap<string, Generation>>(new Map());

/** Adds the reader's words to the shown branch, begins a conversation where there is none, and answers. */
export function send(text: string, parent: string | null): void {
  const conversation = store.current.value ?? store.create(titleFrom(text));
  const message: Message = { id: newId(), parent, role: "user", content: text, status: "done", createdAt: Date.now() };
  store.change(conversation.id, (before) => {
    const after = addMessage(before, message);
    return before.titled || parent !== null ? after : { ...after, title: titleFrom(text) };
  });
  answer(conversation.id, message.id);
}

/** Asks for a (further) answer to a message of the reader's. */
export function answer(conversationId: string, userMessageId: string): void {
  const conversation = store.conversations.value.get(conversationId);
  if (!conversation) return;
  const message: Message = {
    id: newId(), parent: userMessageId, role: "assistant", content: "", status: "streaming",
    model: conversation.model, createdAt: Date.now(),
  };
  store.change(conversationId, (before) => addMessage(before, message));
  void run(conversation, userMessageId, message.id, seedFor(conversation, userMessageId));
}

/**
 * The reader's seed, or none for a first answer. The same request gives linnet's same answer, so that asking again
 * without a seed would be in vain: further answers get one by chance, which is shown under them.
 */
function seedFor({ messages, sampling }: Conversation, userMessageId: string): number | undefined {
  if (sampling.seed !== undefined) return sampling.seed;
  return messages.some((message) => message.parent === userMessageId) ? Math.floor(Math.random() * 2 ** 31) : undefined;
}

/** Asks again where an answer failed: that one goes, since it says nothing, unless some text had come. */
export function retry(conversationId: string, failed: Message): void {
  if (failed.parent === null) return;
  if (failed.content === "" && !failed.reasoning) {
    store.change(conversationId, (before) => ({
      ...before,
      messages: before.messages.filter((message) => message.id !== failed.id),
    }));
  }
  answer(conversationId, failed.parent);
}

export function stopAll(conversationId: string): boolean {
  const running = store.conversations.value.get(conversationId)?.messages
    .map((message) => generations.value.get(message.id)).filter((one) => one !== undefined) ?? [];
  for (const generation of running) generation.stop();
  return running.length > 0;
}

async function run(conversation: Conversation, userMessageId: string, id: string, seed: number | undefined): Promise<void> {
  const abort = new AbortController();
  const generation: Generation = { content: signal(""), reasoning: signal(""), stop: () => abort.abort() };
  generations.value = new Map(generations.value).set(id, generation);
  store.setBusy(conversation.id, true);

  const collected = new Collected();
  const publish = () => {
    generation.content.value = collected.content;
    generation.reasoning.value = collected.reasoning;
  };
  let frame = 0;
  const onFrame = () => {
    frame = 0;
    publish();
  };
  const savePartial = () =>
    store.savePartial(conversation.id, (before) => changeMessage(before, id, collected.parts()));
  const saver = setInterval(savePartial, save_interval_ms);
  window.addEventListener("pagehide", savePartial);

  let end: Partial<Message>;
  announce("Waiting for the answer.");
  try {
    const { model, sampling, system } = conversation;
    const messages = wireMessages(pathTo(conversation, userMessageId), system);
    const stop = sampling.stop?.filter(Boolean);
    for await (const chunk of streamChat({ model, messages, ...sampling, stop, seed }, abort.signal)) {
      collected.take(chunk);
      if (frame === 0) frame = requestAnimationFrame(onFrame);
    }
    end = { status: "done", finishReason: collected.finishReason };
    announce("Answer complete.");
  } catch (error) {
    if (isAbort(error)) {
      end = { status: "stopped" };
      announce("Stopped.");
    } else {
      end = { status: "error", error: error instanceof Error ? error.message : String(error) };
      announce(`The answer failed: ${end.error}`);
    }
  }
  clearInterval(saver);
  cancelAnimationFrame(frame);
  window.removeEventListener("pagehide", savePartial);
  const measured = collected.metrics(findModel(conversation.model)?.meta?.context_length);
  const metrics = measured && { ...measured, seed };
  store.change(conversation.id, (before) => changeMessage(before, id, { ...collected.parts(), ...end, metrics }));
  const rest = new Map(generations.value);
  rest.delete(id);
  generations.value = rest;
  const more = store.conversations.value.get(conversation.id)?.messages.some((message) => rest.has(message.id));
  if (!more) store.setBusy(conversation.id, false);
}
