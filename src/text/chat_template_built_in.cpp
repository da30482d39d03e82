// Templates for checkpoints that bring none: the turns of each family, in our own words. They know
// tools and thinking as far as the family's plain format goes.
#include <array>

#include "text/chat_template.hpp"

namespace linnet::text {
namespace {

// The system prompt stands in the first user turn; the assistant is called "model".
constexpr const char* kGemma3 = R"jinja(
{{- bos_token | default('<bos>') -}}
{%- macro text_of(content) -%}
  {%- if content is string -%}
    {{ content | trim }}
  {%- else -%}
    {%- for part in content -%}
      {{ part.text | trim if part.type == 'text' else raise_exception('Only text can be sent to this model, not ' ~ part.type) }}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- set chat = namespace(system='', turns=messages) -%}
{%- if messages and messages[0].role in ['system', 'developer'] -%}
  {%- set chat.system = text_of(messages[0].content) ~ '\n\n' -%}
  {%- set chat.turns = messages[1:] -%}
{%- endif -%}
{%- for message in chat.turns -%}
  {%- if message.role not in ['user', 'assistant'] or (message.role == 'user') != (loop.index0 % 2 == 0) -%}
    {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
  {%- endif -%}
  {{- '<start_of_turn>' ~ ('model' if message.role == 'assistant' else 'user') ~ '\n' -}}
  {{- chat.system if loop.first -}}
  {{- text_of(message.content) ~ '<end_of_turn>\n' -}}
{%- endfor -%}
{{- '<start_of_turn>model\n' if add_generation_prompt -}}
)jinja";

constexpr const char* kChatml = R"jinja(
{%- macro text_of(content) -%}
  {%- if content is string -%}
    {{ content }}
  {%- elif content -%}
    {%- for part in content -%}
      {{ part.text if part.type == 'text' else raise_exception('Only text can be sent to this model, not ' ~ part.type) }}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- set has_system = messages and messages[0].role == 'system' -%}
{%- if tools -%}
  {{- '<|im_start|>system\n' -}}
  {{- text_of(messages[0].content) ~ '\n\n' if has_system -}}
  {{- '# Tools\n\nYou may call one or more functions. Their signatures stand within <tools></tools>:\n<tools>' -}}
  {%- for tool in tools -%}
    {{- '\n' ~ tool | tojson -}}
  {%- endfor -%}
  {{- '\n</tools>\n\nFor each call, return a JSON object with the name and the arguments within <tool_call></tool_call>:\n<tool_call>\n{"name": <name>, "arguments": <object>}\n</tool_call><|im_end|>\n' -}}
{%- elif has_system -%}
  {{- '<|im_start|>system\n' ~ text_of(messages[0].content) ~ '<|im_end|>\n' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'tool' -%}
    {{- '<|im_start|>user' if loop.first or loop.previtem.role != 'tool' -}}
    {{- '\n<tool_response>\n' ~ text_of(message.content) ~ '\n</tool_response>' -}}
    {{- '<|im_end|>\n' if loop.last or loop.nextitem.role != 'tool' -}}
  {%- elif message.role == 'assistant' -%}
    {%- set content = text_of(message.content).split('</think>')[-1].lstrip('\n') -%}
    {{- '<|im_start|>assistant\n' ~ content -}}
    {%- for call in message.tool_calls or [] -%}
      {%- set call = call.function or call -%}
      {{- '\n' if content or not loop.first -}}
      {{- '<tool_call>\n{"name": "' ~ call.name ~ '", "arguments": ' -}}
      {{- call.arguments if call.arguments is string else call.arguments | tojson -}}
      {{- '}\n</tool_call>' -}}
    {%- endfor -%}
    {{- '<|im_end|>\n' -}}
  {%- elif message.role in ['user', 'system'] -%}
    {%- if not (loop.first and has_system) -%}
      {{- '<|im_start|>' ~ message.role ~ '\n' ~ text_of(message.content) ~ '<|im_end|>\n' -}}
    {%- endif -%}
  {%- else -%}
    {{- raise_exception('A message has the role ' ~ message.role ~ '; there are system, user, assistant and tool') -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\n' -}}
  {{- '<think>\n\n</think>\n\n' if enable_thinking is defined and enable_thinking is false -}}
{%- endif -%}
)jinja";

constexpr const char* kLlama3 = R"jinja(
{{- bos_token | default('<|begin_of_text|>') -}}
{%- macro turn(role, text) -%}
  {{ '<|start_header_id|>' ~ role ~ '<|end_header_id|>\n\n' ~ text ~ '<|eot_id|>' }}
{%- endmacro -%}
{%- macro text_of(content) -%}
  {%- if content is string -%}
    {{ content | trim }}
  {%- elif content -%}
    {%- for part in content -%}
      {{ part.text | trim if part.type == 'text' else raise_exception('Only text can be sent to this model, not ' ~ part.type) }}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- if tools -%}
  {%- set signatures -%}
    {%- for tool in tools -%}
      {{- tool | tojson(indent=4) ~ '\n\n' -}}
    {%- endfor -%}
  {%- endset -%}
  {{- turn('system', 'You can call these functions. To call one, answer with a JSON object {"name": function name, "parameters": object}.\n\n' ~ signatures | trim) -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.tool_calls -%}
    {%- if message.tool_calls | length != 1 -%}
      {{- raise_exception('This model only supports single tool-calls at once!') -}}
    {%- endif -%}
    {%- set call = message.tool_calls[0].function or message.tool_calls[0] -%}
    {{- turn('assistant', '{"name": "' ~ call.name ~ '", "parameters": ' ~ (call.arguments if call.arguments is string else call.arguments | tojson) ~ '}') -}}
  {%- else -%}
    {{- turn('ipython' if message.role == 'tool' else message.role, text_of(message.content)) -}}
  {%- endif -%}
{%- endfor -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' if add_generation_prompt -}}
)jinja";

struct BuiltIn {
  std::string_view name;
  std::string_view marker;  // a token of its turns
  const char* source;
};

constexpr std::array<BuiltIn, 3> kBuiltIn{{{"gemma3", "\"<start_of_turn>\"", kGemma3},
                                           {"chatml", "\"<|im_start|>\"", kChatml},
                                           {"llama3", "\"<|start_header_id|>\"", kLlama3}}};

}  // namespace

const char* built_in_chat_template(std::string_view name) {
  for (const BuiltIn& entry : kBuiltIn)
    if (entry.name == name) return entry.source;
  return nullptr;
}

std::string_view find_built_in_template(std::string_view tokenizer_json) {
  for (const BuiltIn& entry : kBuiltIn)
    if (tokenizer_json.find(entry.marker) != std::string_view::npos) return entry.name;
  return {};
}

}  // namespace linnet::text
