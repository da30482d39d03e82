import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { toast } from "../state/toasts";
import { download, fileName } from "../ui/files";
import { closeDrawer, drawerOpen } from "../ui/drawer";
import { Icon, IconButton } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { focusComposer } from "./focus";
import { generations, stopAll } from "./generation";
import * as store from "./store";
import { fromJson, fromMarkdown, toJson, toMarkdown } from "./transfer";
import { dayGroup, matches } from "./tree";
import type { Conversation } from "./types";

const query = signal("");

function exportAs(kind: "json" | "md", conversations: Conversation[], title: string): void {
  if (kind === "json") download(fileName(title, "json"), "application/json", toJson(conversations));
  else download(fileName(title, "md"), "text/markdown", toMarkdown(conversations));
}

async function importFile(file: File): Promise<void> {
  try {
    const text = await file.text();
    const imported = text.trimStart().startsWith("{") ? fromJson(text) : fromMarkdown(text);
    imported.forEach(store.add);
    if (imported.length === 1) store.select(imported[0]!.id);
    toast(`Imported ${imported.length === 1 ? `“${imported[0]!.title}”` : `${imported.length} conversations`}.`);
  } catch (error) {
    toast(`${file.name} was not imported. ${(error as Error).message}`, { kind: "error" });
  }
}

/** The list of conversations: beside the chat, or over it where the window is narrow. */
export function Sidebar() {
  const fileInput = useRef<HTMLInputElement>(null);
  const newest = [...store.conversations.value.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  const found = newest.filter((conversation) => matches(conversation, query.value));
  const groups: { name: string; members: Conversation[] }[] = [];
  for (const conversation of found) {
    const name = dayGroup(conversation.updatedAt, Date.now());
    const last = groups[groups.length - 1];
    if (last?.name === name) last.members.push(conversation);
    else groups.push({ name, members: [conversation] });
  }
  const close = () => closeDrawer();
  const begin = () => {
    store.select(null);
    closeDrawer(false);
    requestAnimationFrame(focusComposer);
  };
  return (
    <>
      <div class={`backdrop ${drawerOpen.value ? "open" : ""}`} onClick={close} />
      <nav class={`sidebar ${drawerOpen.value ? "open" : ""}`} aria-label="Conversations">
        <div class="sidebar-head">
          <button type="button" id="new-chat" class="button new-chat" onClick={begin}><Icon name="plus" /> New chat</button>
          <Menu label="Export and import" items={[
            { label: "Export all as JSON", run: () => exportAs("json", newest, "linnet-conversations") },
            { label: "Export all as Markdown", run: () => exportAs("md", newest, "linnet-conversations") },
            { label: "Import a file…", run: () => fileInput.current!.click() },
          ]} />
          <IconButton icon="close" label="Close the list" class="drawer-close" onClick={close} />
        </div>
        <input ref={fileInput} type="file" class="visually-hidden" tabIndex={-1} aria-label="File to import"
               accept=".json,.md,application/json,text/markdown" data-testid="import"
               onChange={(event) => {
                 const file = event.currentTarget.files?.[0];
                 if (file) void importFile(file);
                 event.currentTarget.value = "";
               }} />
        <div class="search">
          <Icon name="search" />
          <input id="conversation-search" type="search" placeholder="Search" aria-label="Search conversations" value={query.value}
                 onInput={(event) => (query.value = event.currentTarget.value)} />
        </div>
        <div class="conversation-list">
          {groups.map(({ name, members }) => (
            <section key={name}>
              <h2>{name}</h2>
              <ul>
                {members.map((conversation) => <Entry key={conversation.id} conversation={conversation} onSelect={close} />)}
              </ul>
            </section>
          ))}
          {store.loaded.value && found.length === 0 && (
            <p class="hint">{query.value ? "No conversation has these words." : "No conversations yet."}</p>
          )}
        </div>
      </nav>
    </>
  );
}

function Entry({ conversation, onSelect }: { conversation: Conversation; onSelect: () => void }) {
  const [renaming, setRenaming] = useState(false);
  if (renaming) return <li><Rename conversation={conversation} onEnd={() => setRenaming(false)} /></li>;
  const isCurrent = store.currentId.value === conversation.id;
  const writing = conversation.messages.some((message) => generations.value.has(message.id));
  const select = () => {
    store.select(conversation.id);
    onSelect();
  };
  const removeIt = () => {
    stopAll(conversation.id);
    store.remove(conversation.id);
  };
  return (
    <li class={`entry ${isCurrent ? "current" : ""}`}>
      <button type="button" class="entry-title" aria-current={isCurrent ? "true" : undefined} onClick={select}
              onDblClick={() => setRenaming(true)} title={conversation.title}>
        {writing && <span class="spinner" role="img" aria-label="An answer is being written" />}
        <span>{conversation.title}</span>
      </button>
      <Menu label={`Actions for ${conversation.title}`} items={[
        { label: "Rename", run: () => setRenaming(true) },
        { label: "Export as JSON", run: () => exportAs("json", [conversation], conversation.title) },
        { label: "Export as Markdown", run: () => exportAs("md", [conversation], conversation.title) },
        { label: "Delete", run: removeIt, danger: true },
      ]} />
    </li>
  );
}

function Rename({ conversation, onEnd }: { conversation: Conversation; onEnd: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.select(), []);
  const cancelled = useRef(false);
  const finish = () => {
    const title = input.current!.value.trim();
    if (!cancelled.current && title) {
      store.change(conversation.id, (before) => ({ ...before, title, titled: true }));
    }
    onEnd();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") cancelled.current = true;
    if (event.key === "Enter" || event.key === "Escape") {
      event.stopPropagation();
      input.current!.blur();
    }
  };
  return (
    <input ref={input} class="rename" aria-label="Name of the conversation" defaultValue={conversation.title}
           onBlur={finish} onKeyDown={onKeyDown} />
  );
}
