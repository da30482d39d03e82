import { useMemo, useState } from "preact/hooks";
import { formatCount } from "../format";
import { chooseModel, defaultModel } from "../state/models";
import { readLocal, writeLocal } from "../state/local";
import { ModelPicker } from "../ui/ModelPicker";
import { Icon } from "../ui/icons";
import { job, start } from "./job";
import { Results } from "./Results";
import { parseInput, parseLabels, rowsOf } from "./rows";

const exampleTexts = [
  "How do I reverse a linked list in place?",
  "Write a haiku about the first snow.",
  "Is it ever right to lie to a friend?",
  "hey, what's up, had lunch yet?",
].join("\n");

interface Choices {
  labels: string;
  template: string;
  mode: "score" | "greedy";
  length_normalize: boolean;
  calibrate: boolean;
  chat: boolean;
}
const usual: Choices = {
  labels: "technical, creative, ethical, casual", template: "", mode: "score", length_normalize: false, calibrate: false, chat: false,
};

/** Many short texts, each put under the likeliest of some labels. */
export function ClassifyView() {
  const [source, setSource] = useState("");
  const [fileName, setFileName] = useState("");
  const [field, setField] = useState("");
  const [choices, setChoices] = useState<Choices>({ ...usual, ...readLocal("classify", {}) });
  const [dragging, setDragging] = useState(false);
  const [problem, setProblem] = useState("");

  const input = useMemo(() => parseInput(source), [source]);
  const chosenField = input.textFields.includes(field) ? field : (input.textFields[0] ?? "");
  const count = input.kind === "lines" ? input.lines.length : input.objects.length;
  const labels = parseLabels(choices.labels);
  const running = job.value?.state === "running";

  const change = (next: Partial<Choices>) => {
    const all = { ...choices, ...next };
    setChoices(all);
    writeLocal("classify", all);
  };
  const readFile = async (file: File | undefined) => {
    if (!file) return;
    setSource(await file.text());
    setFileName(file.name);
    setProblem("");
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (labels.length === 0) return setProblem("Give at least one label.");
    if (count === 0) return setProblem("There is no text to classify: paste some lines or choose a file.");
    if (input.kind === "jsonl" && !chosenField) return setProblem("No member of these objects holds text.");
    setProblem("");
    start({ ...choices, labels, model: defaultModel.value }, rowsOf(input, chosenField));
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setDragging(false);
    void readFile(event.dataTransfer?.files[0]);
  };

  return (
    <div class="page">
      <header class="page-head">
        <h2>Classify</h2>
        <p class="hint">Every text gets the label that is likeliest to follow it. Nothing is generated, so it is quick.</p>
      </header>
      <form class="classify-form" onSubmit={submit}>
        <div class={`card form drop ${dragging ? "dragging" : ""}`} onDrop={onDrop} onDragLeave={() => setDragging(false)}
             onDragOver={(event) => { event.preventDefault(); setDragging(true); }}>
          <label class="field">
            <span>Texts</span>
            <textarea rows={9} value={source} data-testid="classify-texts" spellcheck={false}
                      placeholder="One text per line, or JSONL. A file can be dropped here."
                      onInput={(event) => { setSource(event.currentTarget.value); setFileName(""); }} />
          </label>
          <div class="row">
            <label class="button file-button">
              <Icon name="upload" /> Choose a file
              <input type="file" class="visually-hidden" accept=".jsonl,.ndjson,.txt,.json,text/plain" data-testid="classify-file"
                     onChange={(event) => { void readFile(event.currentTarget.files?.[0]); event.currentTarget.value = ""; }} />
            </label>
            {source === "" && (
              <button type="button" class="button" onClick={() => setSource(exampleTexts)}>Use an example</button>
            )}
            <span class="hint" data-testid="classify-count">
              {fileName && `${fileName}: `}{formatCount(count)} {input.kind === "jsonl" ? "objects" : count === 1 ? "line" : "lines"}
            </span>
          </div>
          {input.kind === "jsonl" && input.textFields.length > 0 && (
            <label class="field">
              <span>Member with the text</span>
              <select value={chosenField} onChange={(event) => setField(event.currentTarget.value)}>
                {input.textFields.map((name) => <option key={name} value={name}>{name}</option>)}
              </select>
            </label>
          )}
        </div>
        <div class="card form">
          <div class="field">
            <span>Model</span>
            <ModelPicker value={defaultModel.value} onChange={chooseModel} label="Model for classifying" />
          </div>
          <label class="field">
            <span>Labels</span>
            <input value={choices.labels} data-testid="classify-labels" placeholder="spam, ham"
                   onInput={(event) => change({ labels: event.currentTarget.value })} />
          </label>
          <ul class="chips" aria-label="Labels as they will be used">
            {labels.map((label) => <li key={label}>{label}</li>)}
          </ul>
          <label class="field">
            <span>Template</span>
            <textarea rows={3} value={choices.template} spellcheck={false}
                      placeholder="The usual question. Your own says {text} where the text goes."
                      onInput={(event) => change({ template: event.currentTarget.value })} />
          </label>
          <label class="field">
            <span>Mode</span>
            <select value={choices.mode} onChange={(event) => change({ mode: event.currentTarget.value as Choices["mode"] })}>
              <option value="score">Score every label</option>
              <option value="greedy">Let the model write the label</option>
            </select>
          </label>
          <div class="checks">
            <Check label="Mean per token of a label" value={choices.length_normalize} disabled={choices.mode === "greedy"}
                   onChange={(length_normalize) => change({ length_normalize })} />
            <Check label="Take away the model's bias" value={choices.calibrate} disabled={choices.mode === "greedy"}
                   onChange={(calibrate) => change({ calibrate })} />
            <Check label="Ask in a chat turn" value={choices.chat} onChange={(chat) => change({ chat })} />
          </div>
          {problem && <p class="field-error" role="alert">{problem}</p>}
          <div class="form-actions">
            <button type="submit" class="button button-primary" disabled={running}>Classify</button>
          </div>
        </div>
      </form>
      {job.value && <Results job={job.value} />}
    </div>
  );
}

function Check(props: { label: string; value: boolean; disabled?: boolean; onChange: (value: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.value} disabled={props.disabled}
             onChange={(event) => props.onChange(event.currentTarget.checked)} />
      {props.label}
    </label>
  );
}
