// The built-in model with a chat template that knows tools, as a checkpoint in a folder of its own.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILTIN = fileURLToPath(new URL('../../assets/builtin/', import.meta.url));

// Calls in the form of Hermes, which Qwen's models use.
const TEMPLATE = `{{ bos_token }}
{%- if tools %}{{ '<start_of_turn>system\\n' }}
{%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}
{{- 'Call them as <tool_call>{"name": "f", "arguments": {}}</tool_call><end_of_turn>\\n' }}{% endif %}
{%- for message in messages %}
  {{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' }}
  {{- message.content or '' }}
  {%- for call in message.tool_calls or [] %}
    {{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
    {{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}
  {%- endfor %}
  {{- '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}`;

/// {folder, remove()}; `more` goes behind the template.
export function makeTooledModel(more = '') {
  const folder = mkdtempSync(join(tmpdir(), 'linnet-tooled-'));
  for (const name of ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'])
    copyFileSync(BUILTIN + name, join(folder, name));
  const config = JSON.parse(readFileSync(BUILTIN + 'tokenizer_config.json'));
  config.chat_template = TEMPLATE + more;
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
