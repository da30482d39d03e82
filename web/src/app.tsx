import { useEffect } from "preact/hooks";
import { ChatView } from "./chat/ChatView";
import { focusComposer, focusSearch } from "./chat/focus";
import { Settings } from "./chat/Settings";
import { Sidebar } from "./chat/Sidebar";
import { select } from "./chat/store";
import { ClassifyView } from "./classify/ClassifyView";
import { StatusView } from "./status/StatusView";
import { closeDrawer, drawerOpen } from "./ui/drawer";
import { Header } from "./ui/Header";
import { Help, helpOpen } from "./ui/Help";
import { ConnectionBanner, KeyDialog, LiveRegion, Toasts } from "./ui/Notices";
import { showTab, tab } from "./ui/tabs";

function onShortcut(event: KeyboardEvent): void {
  if (event.key === "Escape" && drawerOpen.value && !document.querySelector("dialog[open], :popover-open")) {
    closeDrawer();
    event.preventDefault();
    return;
  }
  if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (key === "k" && !event.shiftKey) {
    showTab("chat");
    drawerOpen.value = true;
    requestAnimationFrame(focusSearch);
  } else if (key === "o" && event.shiftKey) {
    showTab("chat");
    select(null);
    requestAnimationFrame(focusComposer);
  } else if (key === "/") {
    helpOpen.value = true;
  } else {
    return;
  }
  event.preventDefault();
}

export function App() {
  useEffect(() => {
    document.addEventListener("keydown", onShortcut);
    return () => document.removeEventListener("keydown", onShortcut);
  }, []);
  const shown = tab.value;
  const panel = (id: typeof shown) => ({
    id: `panel-${id}`, role: "tabpanel" as const, "aria-labelledby": `tab-${id}`, hidden: shown !== id,
  });
  return (
    <>
      <a class="skip-link" href="#main">Skip to the content</a>
      <Header />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <div {...panel("chat")} class="panel panel-chat">
          <Sidebar />
          <ChatView />
        </div>
        <div {...panel("classify")} class="panel panel-page"><ClassifyView /></div>
        <div {...panel("status")} class="panel panel-page">{shown === "status" && <StatusView />}</div>
      </main>
      <Settings />
      <Help />
      <KeyDialog />
      <Toasts />
      <LiveRegion />
    </>
  );
}
