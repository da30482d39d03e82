import { connection } from "../state/connection";
import { isDark, setTheme } from "../state/theme";
import { settingsOpen } from "../chat/Settings";
import { closeDrawer, drawerOpen, openDrawer } from "./drawer";
import { helpOpen } from "./Help";
import { IconButton } from "./icons";
import { showTab, tab, tabs } from "./tabs";

const stateWords = {
  up: "Server ready", loading: "Server loading", down: "Server not answering", unknown: "Looking for the server",
};

export function Header() {
  const dark = isDark.value;
  return (
    <header class="topbar">
      {tab.value === "chat" && (
        <IconButton icon="menu" label="Conversations" id="drawer-button" class="drawer-button" expanded={drawerOpen.value}
                    onClick={() => (drawerOpen.value ? closeDrawer() : openDrawer())} />
      )}
      <span class="brand">
        <img src="favicon.svg" alt="" width="28" height="28" />
        <h1 class="brand-name">linnet</h1>
      </span>
      <TabList />
      <span class="topbar-end">
        <span class={`connection connection-${connection.value}`} title={stateWords[connection.value]} data-testid="connection">
          <span class="dot" aria-hidden="true" />
          <span class="connection-words">{stateWords[connection.value]}</span>
        </span>
        <IconButton icon={dark ? "sun" : "moon"} label={dark ? "Light theme" : "Dark theme"} class="theme-button"
                    onClick={() => setTheme(dark ? "light" : "dark")} />
        <IconButton icon="help" label="Help and shortcuts" class="help-button" onClick={() => (helpOpen.value = true)} />
        <IconButton icon="sliders" label="Settings" onClick={() => (settingsOpen.value = true)} />
      </span>
    </header>
  );
}

function TabList() {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === tab.value);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length]!;
    showTab(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={onKeyDown}>
      {tabs.map(({ id, label }) => (
        <button key={id} type="button" role="tab" id={`tab-${id}`} aria-controls={`panel-${id}`}
                aria-selected={tab.value === id} tabIndex={tab.value === id ? 0 : -1} onClick={() => showTab(id)}>
          {label}
        </button>
      ))}
    </div>
  );
}
