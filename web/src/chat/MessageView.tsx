import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { copyText } from "../ui/clipboard";
import { Icon, IconButton } from "../ui/icons";
import { grow, isSendKey } from "./Composer";
import { focusComposer } from "./focus";
import { answer, generations, retry, send } from "./generation";
import { MetricsLine } from "./MetricsLine";
import { MarkdownView } from "./render";
import * as store from "./store";
import { selectSibling, siblingsOf } from "./tree";
import type { Conversation, Message } from "./types";

interface Props {
  conversation: Conversation;
  message: Message;
}

export function UserMessage({ conversation, message }: Props) {
  const [editing, setEditing] = useState(false);
  return (
    <article class="message message-user" aria-label="You" data-testid="user-message">
      {editing ? <Editor message={message} onEnd={() => setEditing(false)} /> : (
        <>
          <div class="bubble">{message.content}</div>
          <div class="actions">
            <Siblings conversation={conversation} message={message} what="version of this message" />
            <IconButton icon="edit" label="Edit message" onClick={() => setEditing(true)} />
            <IconButton icon="copy" label="Copy message" onClick={() => void copyText(message.content)} />
          </div>
        </>
      )}
    </article>
  );
}

/** An edit is a new branch: the old words and all that followed stay. */
function Editor({ message, onEnd }: { message: Message; onEnd: () => void }) {
  const [text, setText] = useState(message.content);
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    area.current!.focus();
    area.current!.setSelectionRange(text.length, text.length);
  }, []);
  useEffect(() => grow(area.current!), [text]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    onEnd();
    send(text.trim(), message.parent);
    focusComposer();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isSendKey(event)) submit(event);
    if (event.key === "Escape") {
      event.preventDefault();
      onEnd();
      focusComposer();
    }
  };
  return (
    <form class="editor" onSubmit={submit}>
      <textarea ref={area} aria-label="Edit the message" value={text} rows={2}
                onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} />
      <div class="form-actions">
        <button type="button" class="button" onClick={onEnd}>Cancel</button>
        <button type="submit" class="button button-primary" disabled={!text.trim()}>Send as new branch</button>
      </div>
    </form>
  );
}

export function AssistantMessage({ conversation, message }: Props) {
  const generation = generations.value.get(message.id);
  const content = generation ? generation.content.value : message.content;
  const reasoning = (generation ? generation.reasoning.value : message.reasoning) ?? "";
  const model = message.model || "Assistant";
  return (
    <article class="message message-assistant" aria-label={`Answer of ${model}`} aria-busy={generation !== undefined}
             data-testid="assistant-message" data-status={generation ? "streaming" : message.status}>
      {conversation.model !== message.model && message.model && <p class="message-model">{model}</p>}
      {reasoning && <Reasoning text={reasoning} live={generation !== undefined && content === ""} />}
      {generation && content === "" && reasoning === "" && <Waiting />}
      <Markdown text={content} />
      {!generation && <Outcome conversation={conversation} message={message} />}
      {!generation && (
        <div class="message-foot">
          {message.metrics && <MetricsLine metrics={message.metrics} />}
          <div class="actions">
            <Siblings conversation={conversation} message={message} what="answer" />
            {message.content && <IconButton icon="copy" label="Copy answer" onClick={() => void copyText(message.content)} />}
            <IconButton icon="again" label="Regenerate" onClick={() => answer(conversation.id, message.parent!)} />
          </div>
        </div>
      )}
    </article>
  );
}

function Waiting() {
  return <p class="waiting"><span class="typing" aria-hidden="true"><i /><i /><i /></span> <span class="visually-hidden">Waiting for the answer</span></p>;
}

function Markdown({ text }: { text: string }) {
  const element = useRef<HTMLDivElement>(null);
  const view = useRef<MarkdownView>();
  useEffect(() => {
    view.current ??= new MarkdownView(element.current!);
    view.current.show(text);
  }, [text]);
  return <div class="markdown" ref={element} />;
}

/** Open while it is all there is, closed once the answer begins, and the reader's from the first touch on. */
function Reasoning({ text, live }: { text: string; live: boolean }) {
  const [chosen, setChosen] = useState<boolean>();
  const open = chosen ?? live;
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (live && body.current) body.current.scrollTop = body.current.scrollHeight;
  }, [text, live]);
  const onClick = (event: MouseEvent) => {
    event.preventDefault();
    setChosen(!open);
  };
  return (
    <details class="reasoning" open={open}>
      <summary onClick={onClick}>{live ? "Thinking…" : "Reasoning"}</summary>
      <div class="reasoning-text" ref={body} tabIndex={0} role="group" aria-label="Reasoning">{text}</div>
    </details>
  );
}

/** How an answer ended, where that needs a word; a failure comes with a way on. */
function Outcome({ conversation, message }: Props) {
  const again = () => retry(conversation.id, message);
  if (message.status === "error") {
    return (
      <div class="outcome outcome-error" role="group" aria-label="The answer failed" data-testid="message-error">
        <Icon name="warn" />
        <span>{message.error}</span>
        <button type="button" class="button" onClick={again}>Retry</button>
      </div>
    );
  }
  if (message.status === "interrupted") {
    return (
      <div class="outcome" data-testid="message-interrupted">
        <span>Interrupted: the page was closed while this was being written.</span>
        <button type="button" class="button" onClick={again}>Retry</button>
      </div>
    );
  }
  if (message.status === "stopped") return <p class="outcome">Stopped.</p>;
  if (message.finishReason === "length") return <p class="outcome">Ended at the limit of tokens (Settings, max_tokens) or of the context.</p>;
  if (message.content === "") return <p class="outcome">The model ended its answer at once.</p>;
  return null;
}

function Siblings({ conversation, message, what }: Props & { what: string }) {
  const { index, ids } = siblingsOf(conversation, message);
  if (ids.length < 2) return null;
  const move = (offset: number) => store.change(conversation.id, (before) => selectSibling(before, message, offset));
  return (
    <span class="siblings" role="group" aria-label={`${what} ${index + 1} of ${ids.length}`}>
      <IconButton icon="left" label={`Previous ${what}`} disabled={index === 0} onClick={() => move(-1)} />
      <span>{index + 1}/{ids.length}</span>
      <IconButton icon="right" label={`Next ${what}`} disabled={index === ids.length - 1} onClick={() => move(1)} />
    </span>
  );
}
