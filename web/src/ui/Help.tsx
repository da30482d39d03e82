import { signal } from "@preact/signals";
import { Dialog } from "./Dialog";

export const helpOpen = signal(false);

const shortcuts: [string[], string][] = [
  [["Enter"], "send the message"],
  [["Shift", "Enter"], "a new line in the message"],
  [["Escape"], "stop the answer; leave an edit or a dialog"],
  [["Ctrl", "K"], "search the conversations"],
  [["Ctrl", "Shift", "O"], "a new conversation"],
  [["Ctrl", "/"], "this help"],
  [["←", "→"], "between the tabs, when one has the focus"],
];

export function Help() {
  return (
    <Dialog title="Help and shortcuts" open={helpOpen.value} onClose={() => (helpOpen.value = false)}>
      <dl class="shortcuts">
        {shortcuts.map(([keys, what]) => (
          <div key={what}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        Conversations are kept in this browser only, and the page asks nobody but this server. Editing a message or
        asking again keeps what was there: the arrows under a message lead to the other versions.
      </p>
      <p class="hint">
        <a href="openapi.json" target="_blank" rel="noopener">The server's interface</a>
        {" · "}
        <a href="licenses.txt" target="_blank" rel="noopener">Licences of what this page contains</a>
      </p>
    </Dialog>
  );
}
