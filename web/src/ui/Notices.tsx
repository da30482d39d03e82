import { useEffect, useState } from "preact/hooks";
import { announcement } from "../state/announce";
import { keyWanted, setKey, apiKey } from "../state/auth";
import { checking, checkNow, connection } from "../state/connection";
import { loadModels, modelsError } from "../state/models";
import { dismissToast, toasts } from "../state/toasts";
import { Dialog } from "./Dialog";
import { Icon, IconButton } from "./icons";

/** One line under the header while the server is away or not ready. */
export function ConnectionBanner() {
  const state = connection.value;
  if (state === "down") {
    return (
      <div class="banner banner-error" data-testid="connection-banner">
        <Icon name="warn" />
        <span>The server is not answering. Your conversations are safe in this browser; the page looks for the server every 2 seconds.</span>
        <button type="button" class="button" disabled={checking.value} onClick={() => void checkNow()}>
          Try now
        </button>
      </div>
    );
  }
  if (state === "loading") {
    return (
      <div class="banner" data-testid="connection-banner">
        <span class="spinner" aria-hidden="true" />
        <span>The server is loading its model.</span>
      </div>
    );
  }
  if (state === "up" && modelsError.value !== null && !keyWanted.value) {
    return (
      <div class="banner banner-error">
        <Icon name="warn" />
        <span>The models could not be listed: {modelsError.value}</span>
        <button type="button" class="button" onClick={() => void loadModels()}>Retry</button>
      </div>
    );
  }
  return null;
}

/** Short messages at the edge; the live region speaks for them too. */
export function Toasts() {
  return (
    <div class="toasts">
      {toasts.value.map((one) => (
        <div key={one.id} class={`toast toast-${one.kind}`}>
          <span>{one.text}</span>
          {one.action && (
            <button type="button" class="button" onClick={() => { one.action!.run(); dismissToast(one.id); }}>
              {one.action.label}
            </button>
          )}
          <IconButton icon="close" label="Dismiss" onClick={() => dismissToast(one.id)} />
        </div>
      ))}
    </div>
  );
}

export function LiveRegion() {
  return <div class="visually-hidden" role="status" aria-live="polite" data-testid="live">{announcement.value}</div>;
}

/** Asked for when a call was refused for want of a key. */
export function KeyDialog() {
  const [key, setKeyText] = useState("");
  useEffect(() => setKeyText(apiKey.value), [keyWanted.value]);
  const submit = (event: Event) => {
    event.preventDefault();
    setKey(key);
  };
  return (
    <Dialog title="This server wants an API key" open={keyWanted.value} onClose={() => (keyWanted.value = false)}>
      <form class="form" onSubmit={submit}>
        <p class="hint">
          It is the one given to <code>linnet serve --api-key</code>. It is kept in this browser and sent to this server only.
        </p>
        {apiKey.value && <p class="field-error">The key that was sent was refused.</p>}
        <label class="field">
          <span>API key</span>
          <input type="password" autocomplete="off" value={key} autofocus
                 onInput={(event) => setKeyText(event.currentTarget.value)} />
        </label>
        <div class="form-actions">
          <button type="submit" class="button button-primary" disabled={!key.trim()}>Use this key</button>
        </div>
      </form>
    </Dialog>
  );
}
