import { useEffect } from "preact/hooks";
import { announce } from "../state/announce";
import { chooseModel, defaultModel } from "../state/models";
import { drawerOpen } from "../ui/drawer";
import { ModelPicker } from "../ui/ModelPicker";
import { Icon } from "../ui/icons";
import { Composer } from "./Composer";
import { EmptyState } from "./EmptyState";
import { generations, stopAll } from "./generation";
import { AssistantMessage, UserMessage } from "./MessageView";
import * as store from "./store";
import { useStickyScroll } from "./sticky";
import { pathOf } from "./tree";

/** The model that the next answer comes from, of this conversation or of the one not yet begun. */
function currentModel(): string {
  return store.current.value?.model || store.draft.value.model || defaultModel.value;
}

function pickModel(id: string): void {
  chooseModel(id);
  const conversation = store.current.value;
  if (conversation) store.change(conversation.id, (before) => ({ ...before, model: id }));
  else store.draft.value = { ...store.draft.value, model: id };
}

export function ChatView() {
  const conversation = store.current.value;
  const path = conversation ? pathOf(conversation) : [];
  const last = path[path.length - 1];
  const streaming = last !== undefined && generations.value.has(last.id);
  const { scroller, content, atEnd, jump } = useStickyScroll();

  // Another conversation is read from its end.
  useEffect(() => jump(), [conversation?.id]);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
      if (conversation && !drawerOpen.value) stopAll(conversation.id);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [conversation?.id]);

  return (
    <section class="chat" aria-label="Conversation" inert={drawerOpen.value && matchMedia("(max-width: 800px)").matches}>
      <div class="chat-bar">
        <h2 class="chat-title">{conversation?.title ?? "New conversation"}</h2>
        <ModelPicker value={currentModel()} onChange={pickModel} label="Model" />
      </div>
      <div class="log" ref={scroller} tabIndex={0} role="region" aria-label="Messages">
        <div class="log-content" ref={content}>
          {path.length === 0 && <EmptyState />}
          {conversation && path.map((message) => message.role === "user"
            ? <UserMessage key={message.id} conversation={conversation} message={message} />
            : <AssistantMessage key={message.id} conversation={conversation} message={message} />)}
        </div>
      </div>
      {!atEnd && (
        <button type="button" class="button jump" onClick={() => { jump(); announce("At the latest message."); }}>
          <Icon name="down" /> Jump to latest
        </button>
      )}
      <Composer parent={last?.id ?? null} streaming={streaming} onSent={jump}
                onStop={() => conversation && stopAll(conversation.id)} />
    </section>
  );
}
