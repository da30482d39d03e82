import { useEffect, useRef, useState } from "preact/hooks";
import { connection } from "../state/connection";
import { Icon } from "../ui/icons";
import { send } from "./generation";
import * as store from "./store";

/** Grows a field with its text, up to what the style sheet allows. */
export function grow(area: HTMLTextAreaElement): void {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

/** Enter sends, Shift+Enter and composing (Chinese, Japanese) don't. */
export function isSendKey(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing;
}

export function Composer(props: {
  parent: string | null;
  streaming: boolean;
  onSent: () => void;
  onStop: () => void;
}) {
  const [text, setText] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => grow(area.current!), [text]);
  // What was being written belongs to the conversation it was written in.
  const drafts = useRef(new Map<string | null, string>());
  const id = store.currentId.value;
  const lastId = useRef(id);
  useEffect(() => {
    if (lastId.current === id) return;
    drafts.current.set(lastId.current, text);
    lastId.current = id;
    setText(drafts.current.get(id) ?? "");
  }, [id]);

  const submit = (event?: Event) => {
    event?.preventDefault();
    if (!text.trim() || props.streaming) return;
    setText("");
    // The first message begins a conversation, which then is the same one.
    if (id === null) {
      send(text.trim(), props.parent);
      lastId.current = store.currentId.value;
    } else {
      send(text.trim(), props.parent);
    }
    props.onSent();
    area.current!.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isSendKey(event)) submit(event);
  };
  return (
    <form class="composer" onSubmit={submit}>
      <div class="composer-box">
        <label class="visually-hidden" for="composer">Message</label>
        <textarea id="composer" ref={area} rows={1} placeholder="Write a message" value={text}
                  onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} />
        {props.streaming ? (
          <button type="button" class="send" aria-label="Stop" title="Stop (Escape)" onClick={props.onStop}>
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={!text.trim()}>
            <Icon name="send" />
          </button>
        )}
      </div>
      <p class="composer-hint">
        {connection.value === "down" ? "The server is not answering; a message can be retried when it is back."
          : "Enter sends, Shift+Enter makes a new line. Models make mistakes."}
      </p>
    </form>
  );
}
