// Anthropic's official client against linnet serve with the built-in model.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { startServer } from './server.mjs';
import { makeTooledModel } from './tooled_model.mjs';

const model = 'builtin';
const user = (content) => [{ role: 'user', content }];
// How much more time a slow build (sanitizers) or machine gets.
const slack = Number(process.env.LINNET_SLACK ?? 1);
const clientOf = (server, options = {}) =>
  new Anthropic({ baseURL: server.url, apiKey: 'first', maxRetries: 0, ...options });

// As long as the context, whatever the model would rather say.
const endless = { output_config: { format: { type: 'json_schema', schema: { type: 'string', minLength: 100_000 } } } };

const weather = {
  name: 'weather',
  description: 'The weather of a town',
  input_schema: {
    type: 'object',
    properties: { town: { enum: ['Oslo', 'Bergen'] }, days: { type: 'integer', minimum: 1, maximum: 3 } },
    required: ['town', 'days'],
    additionalProperties: false,
  },
};
const clock = { name: 'clock', input_schema: { type: 'object', properties: {}, additionalProperties: false } };

function checkWeather(input) {
  assert.deepEqual(Object.keys(input).sort(), ['days', 'town']);
  assert.ok(['Oslo', 'Bergen'].includes(input.town));
  assert.ok([1, 2, 3].includes(input.days));
}

let tooled;  // a model with a template for tools; the built-in one has none
let thinker;  // one that knows enable_thinking
let server;
let client;
before(async () => {
  tooled = makeTooledModel();
  thinker = makeTooledModel('{%- if enable_thinking %}{{ "<think>\\n" }}{% endif %}');
  server = await startServer(['--api-key', 'first', '--model', model, 
    '--model', `tooled=${tooled.folder}`, '--model', `thinker=${thinker.folder}`]);
  client = clientOf(server);
});
after(async () => {
  tooled.remove();
  thinker.remove();
  assert.equal(await server?.stop(), 0);
});

/// The events of a stream as they are on the wire: [{event, data}].
async function events(body, of = server) {
  const response = await fetch(of.url + '/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'first', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: JSON.stringify({ stream: true, ...body }),
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const text = await response.text();
  assert.ok(text.endsWith('\n\n'));
  return text.trimEnd().split('\n\n').map((event) => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event);
    return { event: name, data: JSON.parse(data) };
  });
}

async function refused(body, type, message, to = client.messages.create.bind(client.messages)) {
  await assert.rejects(to({ model, max_tokens: 5, messages: user('Hello'), ...body }), (error) => {
    assert.ok(error instanceof type, `${error.constructor.name} (${error}), expected ${type.name}`);
    assert.equal(error.error.type, 'error');
    assert.match(error.error.error.message, message);
    return true;
  });
}
const { BadRequestError, UnprocessableEntityError, NotFoundError, AuthenticationError } = Anthropic;

describe('messages', () => {
  test('an answer has the form of the interface', async () => {
    const message = await client.messages.create({ model, max_tokens: 200, messages: user('Hello'), temperature: 0 });
    assert.match(message.id, /^msg_/);
    assert.equal(message.type, 'message');
    assert.equal(message.role, 'assistant');
    assert.equal(message.model, model);
    assert.equal(message.content.length, 1);
    assert.equal(message.content[0].type, 'text');
    assert.ok(message.content[0].text.length > 0);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.stop_sequence, null);
    assert.ok(message.usage.output_tokens > 0 && message.usage.output_tokens < 200);
    assert.ok(message.usage.input_tokens + message.usage.cache_read_input_tokens > 0);
    assert.equal(message.usage.cache_creation_input_tokens, 0);
  });

  test('a stream says what the whole answer says', async () => {
    for (const options of [{ temperature: 0 }, { temperature: 1 }, { temperature: 1, top_p: 0.8, top_k: 20 }]) {
      const request = { model, max_tokens: 60, messages: user('Tell me a story.'), ...options };
      const whole = await client.messages.create(request);
      let text = '';
      const stream = client.messages.stream(request).on('text', (piece) => { text += piece; });
      const streamed = await stream.finalMessage();
      assert.deepEqual(streamed.content, whole.content);
      assert.equal(text, whole.content[0].text);
      assert.equal(streamed.stop_reason, whole.stop_reason);
      assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
      const input = ({ usage }) => usage.input_tokens + usage.cache_read_input_tokens;
      assert.equal(input(streamed), input(whole));
    }
  });

  test('the events of a stream come in their order', async () => {
    const all = await events({ model, max_tokens: 5, messages: user('Hello'), temperature: 0 });
    for (const { event, data } of all) assert.equal(data.type, event);
    const names = all.map(({ event }) => event);
    assert.deepEqual(names.slice(0, 4),
      ['message_start', 'content_block_start', 'ping', 'content_block_delta']);
    assert.deepEqual(names.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
    assert.ok(names.slice(3, -3).every((name) => name === 'content_block_delta'));
    const { message } = all[0].data;
    assert.deepEqual(message.content, []);
    assert.equal(message.stop_reason, null);
    assert.ok(message.usage.input_tokens > 0);
    assert.deepEqual(all[1].data, { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    assert.equal(all[3].data.delta.type, 'text_delta');
    const end = all.at(-2).data;
    assert.deepEqual(end.delta, { stop_reason: 'max_tokens', stop_sequence: null });
    assert.equal(end.usage.output_tokens, 5);
  });

  test('the stop sequence that ended a text is told', async () => {
    const request = { model, max_tokens: 100, messages: user('Tell me a story.'), temperature: 0 };
    const whole = (await client.messages.create(request)).content[0].text;
    const stop = whole.slice(20, 26);
    const cut = await client.messages.create({ ...request, stop_sequences: ['never said', stop] });
    assert.equal(cut.stop_reason, 'stop_sequence');
    assert.equal(cut.stop_sequence, stop);
    assert.equal(cut.content[0].text, whole.slice(0, whole.indexOf(stop)));
    const streamed = await client.messages.stream({ ...request, stop_sequences: ['never said', stop] }).finalMessage();
    assert.equal(streamed.stop_reason, 'stop_sequence');
    assert.equal(streamed.stop_sequence, stop);
    assert.deepEqual(streamed.content, cut.content);
    const ended = await client.messages.create({ ...request, max_tokens: 1000, stop_sequences: ['never said'] });
    assert.equal(ended.stop_reason, 'end_turn');
    assert.equal(ended.stop_sequence, null);
    // Nothing is said before it.
    const nothing = await client.messages.create({ ...request, stop_sequences: [whole.slice(0, 2)] });
    assert.deepEqual(nothing.content, []);
    assert.equal(nothing.stop_reason, 'stop_sequence');
  });

  test('max_tokens and the context are told apart', async () => {
    const request = { model, messages: user('Hello'), temperature: 0 };
    const cut = await client.messages.create({ ...request, max_tokens: 3 });
    assert.equal(cut.stop_reason, 'max_tokens');
    assert.equal(cut.usage.output_tokens, 3);
    const full = await client.messages.create({ ...request, ...endless, max_tokens: 100_000, stream: false },
      { timeout: 120_000 * slack });
    assert.equal(full.stop_reason, 'model_context_window_exceeded');
  });

  test('blocks, notes and system prompts are read', async () => {
    const request = { model, max_tokens: 20, temperature: 0 };
    const cache_control = { type: 'ephemeral' };
    const text = (words) => ({ type: 'text', text: words, cache_control });
    const plain = await client.messages.create({ ...request, system: 'Be brief.', messages: user('Why is the sky blue?') });
    const blocks = await client.messages.create({
      ...request, system: [text('Be '), text('brief.')], messages: user([text('Why is '), text('the sky blue?')]),
      metadata: { user_id: 'somebody' }, service_tier: 'auto', cache_control,
    });
    assert.deepEqual(blocks.content, plain.content);
    const without = await client.messages.create({ ...request, messages: user('Why is the sky blue?') });
    assert.ok(without.usage.input_tokens + without.usage.cache_read_input_tokens <
      plain.usage.input_tokens + plain.usage.cache_read_input_tokens);
    // Two turns of one role are one.
    const turns = await client.messages.create({ ...request, messages: [...user('One.'), ...user('Two.')] });
    const joined = await client.messages.create({ ...request, messages: user('One.\n\nTwo.') });
    assert.deepEqual(turns.content, joined.content);
  });

  test('a last turn of the assistant is continued', async () => {
    const request = { model, max_tokens: 40, temperature: 0 };
    const question = user('Tell me a story.');
    const whole = (await client.messages.create({ ...request, messages: question })).content[0].text;
    const begun = whole.slice(0, whole.indexOf(' ', 30));
    const rest = await client.messages.create(
      { ...request, messages: [...question, { role: 'assistant', content: begun }] });
    assert.ok(whole.startsWith(begun + rest.content[0].text.slice(0, 5)), rest.content[0].text);
  });

  test('what the cache had is told', async () => {
    const request = { model, max_tokens: 2, temperature: 0, messages: user('Once there was a dog. '.repeat(30)) };
    const first = await client.messages.create(request);
    const second = await client.messages.create(request);
    assert.ok(second.usage.cache_read_input_tokens > 0);
    const input = ({ usage }) => usage.input_tokens + usage.cache_read_input_tokens;
    assert.equal(input(second), input(first));
    const streamed = await client.messages.stream(request).finalMessage();
    assert.deepEqual(streamed.usage.cache_read_input_tokens, second.usage.cache_read_input_tokens);
  });

  test('a form is kept to', async () => {
    const schema = { type: 'object', properties: { mood: { enum: ['good', 'bad'] } }, required: ['mood'], additionalProperties: false };
    const message = await client.messages.create({
      model, max_tokens: 100, messages: user('Hello'),
      output_config: { format: { type: 'json_schema', schema } },
    });
    assert.ok(['good', 'bad'].includes(JSON.parse(message.content[0].text).mood));
  });

  test('the beta client works', async () => {
    const message = await client.beta.messages.create({ model, max_tokens: 5, messages: user('Hello'), temperature: 0 });
    const plain = await client.messages.create({ model, max_tokens: 5, messages: user('Hello'), temperature: 0 });
    assert.deepEqual(message.content, plain.content);
  });

  test('tokens are counted without an answer', async () => {
    const request = { model, system: 'Be brief.', messages: user('Why is the sky blue?') };
    const { input_tokens } = await client.messages.countTokens(request);
    const { usage } = await client.messages.create({ ...request, max_tokens: 1 });
    assert.equal(input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
    const tools = await client.messages.countTokens({ ...request, model: 'tooled', tools: [weather] });
    assert.ok(tools.input_tokens > input_tokens + 20);
    const none = await client.messages.countTokens(
      { ...request, model: 'tooled', tools: [weather], tool_choice: { type: 'none' } });
    assert.ok(none.input_tokens < tools.input_tokens);
  });
});

describe('thinking', () => {
  // The built-in model does not think by itself; a turn that begins with the mark makes it.
  const request = { model, max_tokens: 12, temperature: 0, messages: [...user('Hello'), { role: 'assistant', content: '<think>' }] };

  test('comes as a block of its own', async () => {
    const message = await client.messages.create(request);
    assert.equal(message.content.length, 1);
    assert.equal(message.content[0].type, 'thinking');
    assert.ok(message.content[0].thinking.length > 0);
    assert.equal(message.content[0].signature, '');
    const streamed = await client.messages.stream(request).finalMessage();
    assert.deepEqual(streamed.content, message.content);
    const deltas = (await events(request)).filter(({ event }) => event === 'content_block_delta');
    assert.ok(deltas.every(({ data }) => data.delta.type === 'thinking_delta'));
  });

  test('is asked for where the model knows it', async () => {
    const ask = async (thinking) =>
      (await client.messages.create({ model: 'thinker', max_tokens: 20, messages: user('Hello'), thinking })).content[0].type;
    assert.equal(await ask({ type: 'enabled', budget_tokens: 10 }), 'thinking');
    assert.equal(await ask({ type: 'disabled' }), 'text');
    assert.equal(await ask(undefined), 'text');
  });

  test('is given back', async () => {
    const message = await client.messages.create({
      model, max_tokens: 5,
      messages: [...user('Hello'), { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: '' }, { type: 'text', text: 'Yes?' }] }, ...user('Tell me a story.')],
    });
    assert.ok(message.content.length > 0);
  });

  test('is refused where the model knows none', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    await refused({ max_tokens: 2000, thinking }, UnprocessableEntityError, /builtin cannot think/);
    await refused({ max_tokens: 1000, thinking }, BadRequestError, /budget_tokens is 1024/);
    await client.messages.create({ model, max_tokens: 5, messages: user('Hello'), thinking: { type: 'disabled' } });
    await client.messages.create({ model, max_tokens: 5, messages: user('Hello'), thinking: { type: 'adaptive' } });
  });
});

describe('tools', () => {
  test('a call that is asked for fits its schema', async () => {
    for (const name of [model, 'tooled'])
      for (const tool_choice of [{ type: 'tool', name: 'weather' }, { type: 'tool', name: 'weather', disable_parallel_tool_use: true }]) {
        const message = await client.messages.create(
          { model: name, max_tokens: 200, messages: user('How is Oslo?'), tools: [clock, weather], tool_choice });
        assert.equal(message.stop_reason, 'tool_use');
        assert.equal(message.content.length, 1);
        const [call] = message.content;
        assert.equal(call.type, 'tool_use');
        assert.match(call.id, /^toolu_/);
        assert.equal(call.name, 'weather');
        checkWeather(call.input);
      }
  });

  test('any calls one of them', async () => {
    const message = await client.messages.create(
      { model: 'tooled', max_tokens: 200, messages: user('How is Oslo?'), tools: [clock, weather], tool_choice: { type: 'any' } });
    assert.equal(message.stop_reason, 'tool_use');
    assert.ok(['weather', 'clock'].includes(message.content[0].name));
  });

  test('auto and none may answer with text', async () => {
    for (const tool_choice of [{ type: 'auto' }, { type: 'auto', disable_parallel_tool_use: true }, { type: 'none' }]) {
      const message = await client.messages.create(
        { model: 'tooled', max_tokens: 20, temperature: 0, messages: user('Hello'), tools: [weather], tool_choice });
      assert.equal(message.content[0].type, 'text');
    }
  });

  test('a call is streamed, and its answer goes back', async () => {
    const request = { model: 'tooled', max_tokens: 200, tools: [weather] };
    const question = user('How is Oslo?');
    const choice = { tool_choice: { type: 'tool', name: 'weather' } };
    const call = await client.messages.stream({ ...request, ...choice, messages: question }).finalMessage();
    assert.equal(call.stop_reason, 'tool_use');
    checkWeather(call.content[0].input);
    const raw = await events({ ...request, ...choice, messages: question });
    const block = raw.find(({ event }) => event === 'content_block_start').data.content_block;
    assert.deepEqual(block.input, {});
    const pieces = raw.filter(({ data }) => data.delta?.type === 'input_json_delta');
    assert.deepEqual(JSON.parse(pieces.map(({ data }) => data.delta.partial_json).join('')), call.content[0].input);

    const result = (content, more = {}) => ({ type: 'tool_result', tool_use_id: call.content[0].id, content, ...more });
    const talk = [...question, { role: 'assistant', content: call.content }];
    for (const content of ['Rain.', [{ type: 'text', text: 'Rain.' }]]) {
      const answer = await client.messages.create(
        { ...request, messages: [...talk, ...user([result(content), { type: 'text', text: 'So?' }])] });
      assert.ok(answer.usage.output_tokens > 0);
    }
    const count = async (block) => (await client.messages.countTokens(
      { model: 'tooled', tools: [weather], messages: [...talk, ...user([block])] })).input_tokens;
    assert.ok(await count(result('Rain.', { is_error: true })) > await count(result('Rain.')), 'an error is told');
    await refused({ model: 'tooled', messages: user([{ type: 'tool_result', tool_use_id: 'toolu_other', content: 'x' }]) },
      BadRequestError, /toolu_other/);
  });
});

describe('refusals', () => {
  test('name the field', async () => {
    await refused({ context_management: {} }, BadRequestError, /context_management/);
    await refused({ top_k: 'all' }, BadRequestError, /top_k/);
    await refused({ temperature: -1 }, BadRequestError, /temperature/);
    await refused({ max_tokens: 0 }, BadRequestError, /max_tokens/);
    await refused({ max_tokens: undefined }, BadRequestError, /max_tokens/);
    await refused({ messages: [] }, BadRequestError, /messages/);
    await refused({ messages: [{ role: 'tool', content: 'x' }] }, BadRequestError, /role/);
    await refused({ messages: [{ role: 'user', content: 'x', name: 'Ann' }] }, BadRequestError, /name/);
    await refused({ stop_sequences: Array(17).fill('x') }, BadRequestError, /stop_sequences/);
    await refused({ stop_sequences: [''] }, BadRequestError, /stop_sequences/);
    await refused({ metadata: { age: 5 } }, BadRequestError, /age/);
    await refused({ service_tier: 'priority' }, BadRequestError, /service_tier/);
    await refused({ output_config: { effort: 'high' } }, BadRequestError, /effort/);
    await refused({ tool_choice: { type: 'any' } }, BadRequestError, /tool_choice/);
    await refused({ tools: [weather], tool_choice: { type: 'tool', name: 'other' } }, BadRequestError, /other/);
    await refused({ tools: [weather], ...endless }, BadRequestError, /output_config/);
    await refused({ tools: [{ name: 'x' }] }, BadRequestError, /input_schema/);
  });

  test('what is no text is 422', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
    await refused({ messages: user([image]) }, UnprocessableEntityError, /image/);
    await refused({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, UnprocessableEntityError, /web_search/);
    await refused({ tools: [{ ...weather, strict: true }] }, UnprocessableEntityError, /strict/);
  });

  test('other errors have their types', async () => {
    await refused({ model: 'other' }, NotFoundError, /other/);
    await assert.rejects(clientOf(server, { apiKey: 'wrong' }).messages.create({ model, max_tokens: 5, messages: user('x') }),
      (error) => error instanceof AuthenticationError && error.error.error.type === 'authentication_error');
  });

  test('an error inside a stream is an event', async () => {
    const own = await startServer(['--drain-timeout', '0.1', '--api-key', 'first']);
    const stream = await clientOf(own).messages.create(
      { model, max_tokens: 100_000, messages: user('Hello'), ...endless, stream: true });
    let error;
    try {
      let stopped;
      for await (const event of stream)
        if (event.type === 'content_block_delta') stopped ??= own.stop();
    } catch (thrown) {
      error = thrown;
    }
    assert.ok(error instanceof Anthropic.APIError, String(error));
    assert.match(String(error), /overloaded_error/);
    await own.exited;
  });

  test('a client that leaves ends its request', async () => {
    const stream = client.messages.stream({ model, max_tokens: 100_000, messages: user('Hello'), ...endless });
    stream.on('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    for (const end = Date.now() + 5000 * slack; ;) {
      const stats = await (await fetch(server.url + '/v1/stats', { headers: { 'x-api-key': 'first' } })).json();
      if (stats.requests.running === 0) break;
      assert.ok(Date.now() < end, 'it still runs');
    }
  });
});
