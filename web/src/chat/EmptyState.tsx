import { defaultModel, findModel } from "../state/models";
import { send } from "./generation";

const examples = [
  "Tell me a story about a fox.",
  "Why is the sky blue?",
  "Write a poem about the sea.",
  "What is the capital of France?",
];

/** What a conversation shows before it has begun. */
export function EmptyState() {
  const meta = findModel(defaultModel.value)?.meta;
  return (
    <div class="empty">
      <img src="favicon.svg" alt="" width="64" height="64" />
      <h2>A language model, on this machine</h2>
      <p>
        linnet runs the model where this page comes from; nothing you write leaves it for anywhere else. Conversations are kept in
        this browser.
      </p>
      {meta?.parameters !== undefined && meta.parameters < 5e7 && (
        <p class="hint">This is a very small model: it tells little stories and answers small questions.</p>
      )}
      {meta?.has_chat_template === false && (
        <p class="hint">This model has no chat template, so it may refuse conversations.</p>
      )}
      <ul class="examples" aria-label="Examples">
        {examples.map((example) => (
          <li key={example}><button type="button" onClick={() => send(example, null)}>{example}</button></li>
        ))}
      </ul>
    </div>
  );
}
