import { signal } from "@preact/signals";
import { useEffect, useId, useState } from "preact/hooks";
import { apiKey, setKey } from "../state/auth";
import { findModel, defaultModel } from "../state/models";
import { setTheme, theme, type Theme } from "../state/theme";
import { toast } from "../state/toasts";
import { describeModel } from "../ui/ModelPicker";
import { Dialog } from "../ui/Dialog";
import { helpOpen } from "../ui/Help";
import { formatCount } from "../format";
import * as store from "./store";
import { defaultSampling, type Sampling } from "./types";

export const settingsOpen = signal(false);

interface NumberField {
  name: "temperature" | "top_p" | "top_k" | "min_p" | "repetition_penalty" | "max_tokens" | "seed";
  label: string;
  min: number;
  max: number;
  step: number | "any";
  hint: string;
}

const fields: NumberField[] = [
  { name: "temperature", label: "Temperature", min: 0, max: 2, step: "any", hint: "0 always takes the likeliest token" },
  { name: "top_p", label: "Top p", min: 0, max: 1, step: "any", hint: "the likeliest tokens of this share" },
  { name: "top_k", label: "Top k", min: 0, max: 1e6, step: 1, hint: "at most this many tokens; 0 is all" },
  { name: "min_p", label: "Min p", min: 0, max: 1, step: "any", hint: "a share of the likeliest token's chance" },
  { name: "repetition_penalty", label: "Repetition penalty", min: 0.1, max: 10, step: "any", hint: "above 1 repeats less" },
  { name: "max_tokens", label: "Max tokens", min: 1, max: 1e7, step: 1, hint: "length of an answer" },
  { name: "seed", label: "Seed", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, hint: "the same seed, the same answer" },
];

/** System prompt and sampling of this conversation (or of the next one), key and theme of the page. */
export function Settings() {
  const conversation = store.current.value;
  const { system, sampling } = conversation ?? store.draft.value;
  const apply = (next: { system?: string; sampling?: Sampling }) => {
    if (conversation) store.change(conversation.id, (before) => ({ ...before, ...next }));
    else store.draft.value = { ...store.draft.value, ...next };
  };
  const set = (name: keyof Sampling, value: unknown) => {
    const next: Record<string, unknown> = { ...sampling };
    if (value === undefined) delete next[name];
    else next[name] = value;
    apply({ sampling: next as Sampling });
  };
  const keep = () => {
    store.saveDefaults(system, sampling);
    toast("New conversations will begin with these settings.");
  };
  const close = () => (settingsOpen.value = false);
  return (
    <Dialog title="Settings" class="sheet" open={settingsOpen.value} onClose={close}>
      <section class="form" aria-labelledby="settings-conversation">
        <h3 id="settings-conversation">{conversation ? "This conversation" : "The next conversation"}</h3>
        <ModelFacts id={conversation?.model || store.draft.value.model || defaultModel.value} />
        <label class="field">
          <span>System prompt</span>
          <textarea rows={4} value={system} placeholder="None" onInput={(event) => apply({ system: event.currentTarget.value })} />
        </label>
        <Thinking value={sampling.enable_thinking} onChange={(value) => set("enable_thinking", value)} />
        <div class="field-grid">
          {fields.map((field) => (
            <NumberInput key={`${conversation?.id}-${field.name}`} field={field} value={sampling[field.name]}
                         onChange={(value) => set(field.name, value)} />
          ))}
        </div>
        <label class="field">
          <span>Stop at</span>
          <textarea rows={2} placeholder="One text per line" value={(sampling.stop ?? []).join("\n")}
                    onInput={(event) => {
                      const lines = event.currentTarget.value.split("\n");
                      set("stop", lines.some(Boolean) ? lines : undefined);
                    }}
                    onBlur={() => set("stop", sampling.stop?.filter(Boolean))} />
        </label>
        <p class="hint">An empty field is not sent: the server's own default holds.</p>
        <div class="form-actions">
          <button type="button" class="button" onClick={() => apply({ sampling: { ...defaultSampling } })}>Reset</button>
          <button type="button" class="button" onClick={keep}>Use for new conversations</button>
        </div>
      </section>
      <PageSettings />
    </Dialog>
  );
}

function ModelFacts({ id }: { id: string }) {
  const model = findModel(id);
  if (!model) return null;
  const facts = [model.meta?.architecture, describeModel(model),
    model.meta?.context_length && `context of ${formatCount(model.meta.context_length)} tokens`];
  return <p class="hint">{model.id}: {facts.filter(Boolean).join(", ")}.</p>;
}

/** Says what is wrong with a number beside it, and passes on only what the server can take. */
function NumberInput(props: { field: NumberField; value: number | undefined; onChange: (value: number | undefined) => void }) {
  const { field } = props;
  const [problem, setProblem] = useState("");
  const [text, setText] = useState(String(props.value ?? ""));
  const id = useId();
  // "0." is 0 and stays as it was typed; a reset or another conversation changes what is shown.
  useEffect(() => {
    if (problem || (text === "" ? undefined : Number(text)) === props.value) return;
    setText(String(props.value ?? ""));
  }, [props.value]);
  const onInput = (event: { currentTarget: HTMLInputElement }) => {
    const input = event.currentTarget;
    setText(input.value);
    if (!input.validity.valid) {
      const whole = input.validity.stepMismatch ? "a whole number " : "";
      const range = field.max < 100 ? `between ${field.min} and ${field.max}` : `of at least ${field.min}`;
      setProblem(input.validity.badInput ? "Not a number" : `Must be ${whole}${range}`);
      return;
    }
    setProblem("");
    props.onChange(input.value === "" ? undefined : input.valueAsNumber);
  };
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <input id={id} type="number" inputMode="decimal" min={field.min} max={field.max} step={field.step} placeholder="not sent"
             aria-describedby={`${id}-hint`} aria-invalid={problem !== ""} value={text} onInput={onInput} />
      <span id={`${id}-hint`} class={problem ? "field-error" : "hint"}>{problem || field.hint}</span>
    </div>
  );
}

function Thinking(props: { value: boolean | undefined; onChange: (value: boolean | undefined) => void }) {
  const text = props.value === undefined ? "" : String(props.value);
  return (
    <label class="field">
      <span>Thinking</span>
      <select value={text} onChange={(event) => {
        const chosen = event.currentTarget.value;
        props.onChange(chosen === "" ? undefined : chosen === "true");
      }}>
        <option value="">As the model does by itself</option>
        <option value="true">On</option>
        <option value="false">Off</option>
      </select>
    </label>
  );
}

function PageSettings() {
  return (
    <form class="form" aria-labelledby="settings-page" onSubmit={(event) => event.preventDefault()}>
      <h3 id="settings-page">This page</h3>
      <label class="field">
        <span>Theme</span>
        <select value={theme.value} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          <option value="system">Like the system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <label class="field">
        <span>API key</span>
        <input type="password" autocomplete="off" placeholder="None" value={apiKey.value}
               onChange={(event) => setKey(event.currentTarget.value)} />
      </label>
      <p class="hint">Kept in this browser, and sent to this server only.</p>
      <div class="form-actions">
        <button type="button" class="button" onClick={() => { settingsOpen.value = false; helpOpen.value = true; }}>
          Help and shortcuts
        </button>
      </div>
    </form>
  );
}
