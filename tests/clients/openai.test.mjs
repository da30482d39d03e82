// OpenAI's official client against linnet serve with the built-in model.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { startServer } from './server.mjs';
import { makeTooledModel } from './tooled_model.mjs';

const model = 'builtin';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const user = (content) => [{ role: 'user', content }];
const clientOf = (server, options = {}) =>
  new OpenAI({ baseURL: server.url + '/v1', apiKey: 'none', maxRetries: 0, ...options });

let tooled;  // a model with a template for tools; the built-in one has none
let server;
let client;
before(async () => {
  tooled = makeTooledModel();
  server = await startServer(['--api-key', 'first', '--api-key', 'second', '--model', model,
    '--model', `tooled=${tooled.folder}`]);
  client = clientOf(server, { apiKey: 'second' });
});
after(async () => {
  tooled.remove();
  assert.equal(await server?.stop(), 0);
});

/// A route that the client has no function for.
async function post(path, body) {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: 'Bearer first', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}
const tokenize = async (text) =>
  (await post('/tokenize', { text, add_special_tokens: false })).json.tokens;
const stats = async (of = server) =>
  (await fetch(of.url + '/v1/stats', { headers: { authorization: 'Bearer first' } })).json();

/// All of a stream: texts and reasons by choice, tool calls, log probabilities, usage.
async function read(stream) {
  const all = { texts: [], reasons: [], calls: [], logprobs: [], usage: null, chunks: 0 };
  for await (const chunk of stream) {
    ++all.chunks;
    if (chunk.usage) all.usage = chunk.usage;
    for (const choice of chunk.choices) {
      const delta = choice.delta ?? { content: choice.text };
      all.texts[choice.index] = (all.texts[choice.index] ?? '') + (delta.content ?? '');
      if (choice.finish_reason) all.reasons[choice.index] = choice.finish_reason;
      if (choice.logprobs?.content) all.logprobs.push(...choice.logprobs.content);
      for (const call of delta.tool_calls ?? []) {
        all.calls[call.index] ??= { id: call.id, name: call.function.name, arguments: '' };
        all.calls[call.index].arguments += call.function.arguments;
      }
    }
  }
  return all;
}

// How much more time a slow build (sanitizers) or machine gets.
const slack = Number(process.env.LINNET_SLACK ?? 1);

/// Polls until a condition holds, and gives the milliseconds that it took.
async function until(condition, limit, what) {
  const limitMs = limit * slack;
  const started = performance.now();
  while (!(await condition())) {
    const ms = performance.now() - started;
    assert.ok(ms < limitMs, `${what}: not within ${limitMs} ms`);
    await sleep(2);
  }
  return performance.now() - started;
}

async function rejects(promise, type, check = {}) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof type, `${error.constructor.name} (${error}), expected ${type.name}`);
    for (const [name, value] of Object.entries(check))
      assert.equal(error[name], value, `${name} of ${error}`);
    return true;
  });
}

describe('chat', () => {
  test('a stream says what the whole answer says', async () => {
    for (const options of [{ temperature: 0 }, { temperature: 1, seed: 7 },
      { temperature: 1.3, top_p: 0.9, seed: -3, frequency_penalty: 0.5, presence_penalty: 0.2 }]) {
      const request = { model, messages: user('Tell me a story.'), max_tokens: 60, ...options };
      const whole = await client.chat.completions.create(request);
      const streamed = await read(await client.chat.completions.create(
        { ...request, stream: true, stream_options: { include_usage: true } }));
      const { message, finish_reason } = whole.choices[0];
      assert.equal(whole.object, 'chat.completion');
      assert.equal(whole.model, model);
      assert.equal(message.role, 'assistant');
      assert.ok(message.content.length > 0);
      assert.equal(streamed.texts[0], message.content);
      assert.equal(streamed.reasons[0], finish_reason);
      assert.ok(streamed.chunks > 3);
      for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'])
        assert.equal(streamed.usage[name], whole.usage[name], name);
      assert.equal(whole.usage.total_tokens,
        whole.usage.prompt_tokens + whole.usage.completion_tokens);
    }
  });

  test('usage comes in a stream only if it is asked for', async () => {
    const streamed = await read(await client.chat.completions.create(
      { model, messages: user('Hello'), max_tokens: 5, stream: true }));
    assert.equal(streamed.usage, null);
  });

  test('finish_reason is stop at the end of a turn, and length at the limit', async () => {
    const stopped = await client.chat.completions.create(
      { model, messages: user('Hello'), temperature: 0, max_completion_tokens: 200 });
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    assert.ok(stopped.usage.completion_tokens < 200);
    const cut = await client.chat.completions.create(
      { model, messages: user('Hello'), temperature: 0, max_completion_tokens: 3 });
    assert.equal(cut.choices[0].finish_reason, 'length');
    assert.equal(cut.usage.completion_tokens, 3);
    assert.ok(stopped.choices[0].message.content.startsWith(cut.choices[0].message.content));
  });

  test('ignore_eos goes on after the end of a turn', async () => {
    const whole = await client.chat.completions.create(
      { model, messages: user('Hello'), temperature: 0, max_tokens: 100, ignore_eos: true });
    assert.equal(whole.usage.completion_tokens, 100);
    assert.equal(whole.choices[0].finish_reason, 'length');
  });

  test('the client\'s own gathering of a stream', async () => {
    const stream = client.chat.completions.stream(
      { model, messages: user('Who are you?'), temperature: 0, max_tokens: 40 });
    let text = '';
    stream.on('content', (delta) => { text += delta; });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].message.content, text);
    const whole = await client.chat.completions.create(
      { model, messages: user('Who are you?'), temperature: 0, max_tokens: 40 });
    assert.equal(text, whole.choices[0].message.content);
  });

  test('n answers, which differ and are reproducible', async () => {
    const request = { model, messages: user('A story, please.'), n: 2, seed: 5, max_tokens: 40, temperature: 1 };
    const whole = await client.chat.completions.create(request);
    assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1]);
    const texts = whole.choices.map((choice) => choice.message.content);
    assert.notEqual(texts[0], texts[1]);
    const streamed = await read(await client.chat.completions.create({ ...request, stream: true }));
    assert.deepEqual(streamed.texts, texts);
    assert.deepEqual(streamed.reasons, whole.choices.map((choice) => choice.finish_reason));
    const first = await client.chat.completions.create({ ...request, n: 1 });
    assert.equal(first.choices[0].message.content, texts[0]);
  });

  test('a seed gives the same text, and another one another', async () => {
    const ask = async (seed) => (await client.chat.completions.create(
      { model, messages: user('Once'), seed, temperature: 1, max_tokens: 40 })).choices[0].message.content;
    const [a, again, other] = [await ask(11), await ask(11), await ask(12)];
    assert.equal(a, again);
    assert.notEqual(a, other);
  });

  test('stop strings end an answer before themselves', async () => {
    const request = { model, messages: user('Hello'), temperature: 0, max_tokens: 60 };
    const text = (await client.chat.completions.create(request)).choices[0].message.content;
    const words = text.split(' ');
    assert.ok(words.length >= 3, text);
    // A string that begins within a token and ends within another.
    const stop = `${words[1].slice(-1)} ${words[2].slice(0, 1)}`;
    const expected = text.slice(0, text.indexOf(stop));
    for (const stops of [stop, ['never said', stop]]) {
      const cut = await client.chat.completions.create({ ...request, stop: stops });
      assert.equal(cut.choices[0].message.content, expected);
      assert.equal(cut.choices[0].finish_reason, 'stop');
      const streamed = await read(await client.chat.completions.create(
        { ...request, stop: stops, stream: true }));
      assert.equal(streamed.texts[0], expected);
    }
    const none = await client.chat.completions.create({ ...request, stop: [] });
    assert.equal(none.choices[0].message.content, text);
  });

  test('log probabilities: one a token, the likeliest first', async () => {
    const request = { model, messages: user('Hello'), temperature: 0, max_tokens: 8, logprobs: true, top_logprobs: 3 };
    const whole = await client.chat.completions.create(request);
    const { content } = whole.choices[0].logprobs;
    assert.equal(content.length, whole.usage.completion_tokens);
    assert.equal(content.map((token) => token.token).join(''), whole.choices[0].message.content);
    for (const token of content) {
      assert.ok(token.logprob <= 0);
      assert.equal(Buffer.from(token.bytes).toString(), token.token);
      assert.equal(token.top_logprobs.length, 3);
      assert.equal(token.top_logprobs[0].token, token.token);  // temperature 0
      assert.equal(token.top_logprobs[0].logprob, token.logprob);
      const sorted = token.top_logprobs.map((other) => other.logprob);
      assert.deepEqual(sorted, [...sorted].sort((a, b) => b - a));
      const sum = sorted.reduce((total, logprob) => total + Math.exp(logprob), 0);
      assert.ok(sum <= 1.0001, `${sum}`);
    }
    const streamed = await read(await client.chat.completions.create({ ...request, stream: true }));
    assert.deepEqual(streamed.logprobs, content);
    const plain = await client.chat.completions.create({ ...request, logprobs: false, top_logprobs: undefined });
    assert.equal(plain.choices[0].logprobs, null);
  });

  test('logit_bias forces and forbids tokens', async () => {
    const [id] = await tokenize(' the');
    const request = { model, messages: user('Hello'), temperature: 0, max_tokens: 5 };
    const forced = await client.chat.completions.create({ ...request, logit_bias: { [id]: 100 } });
    assert.equal(forced.choices[0].message.content.trim(), 'the the the the the');
    const free = await client.chat.completions.create({ ...request, logprobs: true });
    const [first] = free.choices[0].logprobs.content;
    const [banned] = await tokenize(first.token);
    const other = await client.chat.completions.create(
      { ...request, logprobs: true, logit_bias: { [banned]: -100 } });
    for (const token of other.choices[0].logprobs.content) assert.notEqual(token.token, first.token);
  });

  test('parts of text, system and developer roles, a conversation', async () => {
    const base = { model, temperature: 0, max_tokens: 20 };
    const whole = await client.chat.completions.create({ ...base, messages: user('Hello there') });
    const parts = await client.chat.completions.create({ ...base,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello ' }, { type: 'text', text: 'there' }] }] });
    assert.equal(parts.choices[0].message.content, whole.choices[0].message.content);
    const [system, developer] = await Promise.all(['system', 'developer'].map((role) =>
      client.chat.completions.create({ ...base, messages: [{ role, content: 'Be kind.' }, ...user('Hello')] })));
    assert.equal(system.choices[0].message.content, developer.choices[0].message.content);
    const later = await client.chat.completions.create({ ...base, messages:
      [...user('Hello'), { role: 'assistant', content: 'Hi!' }, ...user('Tell me a story.')] });
    assert.ok(later.usage.prompt_tokens > whole.usage.prompt_tokens);
  });
});

describe('completions', () => {
  const prompt = 'Once upon a time';
  const request = { model, prompt, temperature: 0, max_tokens: 12 };

  test('a stream says what the whole answer says', async () => {
    const whole = await client.completions.create(request);
    assert.equal(whole.object, 'text_completion');
    assert.equal(whole.usage.completion_tokens, 12);
    assert.equal(whole.choices[0].finish_reason, 'length');
    const streamed = await read(await client.completions.create(
      { ...request, stream: true, stream_options: { include_usage: true } }));
    assert.equal(streamed.texts[0], whole.choices[0].text);
    assert.equal(streamed.usage.total_tokens, whole.usage.total_tokens);
  });

  test('echo repeats the prompt', async () => {
    const { text } = (await client.completions.create(request)).choices[0];
    const echoed = await client.completions.create({ ...request, echo: true });
    assert.equal(echoed.choices[0].text, prompt + text);
    const streamed = await read(await client.completions.create({ ...request, echo: true, stream: true }));
    assert.equal(streamed.texts[0], prompt + text);
  });

  test('several prompts, several answers to each', async () => {
    const prompts = [prompt, 'The dog', 'A bird'];
    const alone = [];
    for (const one of prompts)
      alone.push((await client.completions.create({ ...request, prompt: one })).choices[0].text);
    const together = await client.completions.create({ ...request, prompt: prompts });
    assert.deepEqual(together.choices.map((choice) => choice.text), alone);
    assert.deepEqual(together.choices.map((choice) => choice.index), [0, 1, 2]);
    const streamed = await read(await client.completions.create({ ...request, prompt: prompts, stream: true }));
    assert.deepEqual(streamed.texts, alone);
    const twice = await client.completions.create({ ...request, prompt: prompts, n: 2, echo: true });
    assert.deepEqual(twice.choices.map((choice) => choice.text),
      prompts.flatMap((one, i) => [one + alone[i], one + alone[i]]));
  });

  test('token ids as a prompt', async () => {
    const ids = (await post('/tokenize', { text: prompt })).json.tokens;
    const { text } = (await client.completions.create(request)).choices[0];
    const one = await client.completions.create({ ...request, prompt: ids });
    assert.equal(one.choices[0].text, text);
    assert.equal(one.usage.prompt_tokens, ids.length);
    const two = await client.completions.create({ ...request, prompt: [ids, ids] });
    assert.deepEqual(two.choices.map((choice) => choice.text), [text, text]);
    assert.equal((await post('/detokenize', { tokens: ids })).json.text, prompt);
  });

  test('log probabilities', async () => {
    for (const echo of [false, true]) {
      const whole = await client.completions.create({ ...request, echo, logprobs: 2 });
      const [{ text, logprobs }] = whole.choices;
      const count = whole.usage.completion_tokens;
      const generated = logprobs.tokens.slice(-count);
      assert.equal(generated.length, count);
      assert.ok(text.endsWith(generated.join('')));
      for (const name of ['token_logprobs', 'top_logprobs', 'text_offset'])
        assert.equal(logprobs[name].length, logprobs.tokens.length, name);
      for (let i = logprobs.tokens.length - count; i < logprobs.tokens.length; ++i) {
        assert.ok(logprobs.token_logprobs[i] <= 0);
        assert.equal(logprobs.top_logprobs[i][logprobs.tokens[i]], logprobs.token_logprobs[i]);
        const offset = logprobs.text_offset[i];
        assert.equal(text.slice(offset, offset + logprobs.tokens[i].length), logprobs.tokens[i]);
      }
    }
  });

  test('offsets of log probabilities go on through a stream', async () => {
    const offsets = [];
    let text = '';
    for await (const chunk of await client.completions.create(
      { ...request, echo: true, logprobs: 0, stream: true })) {
      const [choice] = chunk.choices;
      text += choice.text;
      choice.logprobs?.tokens.forEach((token, i) => offsets.push([choice.logprobs.text_offset[i], token]));
    }
    assert.ok(offsets.length >= request.max_tokens);
    for (const [offset, token] of offsets) assert.equal(text.slice(offset, offset + token.length), token);
  });

  test('regular expressions and grammars, an extension', async () => {
    const dated = await client.completions.create({ ...request, max_tokens: 40, regex: '[0-9]{4}-[0-9]{2}' });
    assert.match(dated.choices[0].text, /^[0-9]{4}-[0-9]{2}$/);
    const chosen = await client.completions.create({ ...request, grammar: 'root ::= "left" | "right"' });
    assert.match(chosen.choices[0].text, /^(left|right)$/);
  });
});

describe('tools', () => {
  const tools = [
    { type: 'function', function: { name: 'get_weather', description: 'The weather of a city',
      parameters: { type: 'object', additionalProperties: false, required: ['city', 'unit'],
        properties: { city: { type: 'string', maxLength: 12 }, unit: { enum: ['celsius', 'fahrenheit'] } } } } },
    { type: 'function', function: { name: 'add',
      parameters: { type: 'object', additionalProperties: false, required: ['a', 'exact'],
        properties: { a: { type: 'integer', minimum: 0, maximum: 99 }, exact: { type: 'boolean' } } } } },
  ];
  const basic = { model, messages: user('How warm is it in Rome?'), tools, max_tokens: 400, temperature: 1 };

  function checkCall({ name, arguments: text }) {
    const args = JSON.parse(text);
    if (name === 'get_weather') {
      assert.deepEqual(Object.keys(args).sort(), ['city', 'unit']);
      assert.equal(typeof args.city, 'string');
      assert.ok([...args.city].length <= 12);
      assert.ok(['celsius', 'fahrenheit'].includes(args.unit));
    } else {
      assert.equal(name, 'add');
      assert.deepEqual(Object.keys(args).sort(), ['a', 'exact']);
      assert.ok(Number.isInteger(args.a) && args.a >= 0 && args.a <= 99);
      assert.equal(typeof args.exact, 'boolean');
    }
  }

  test('tool_choice required: a call of a tool, with arguments that fit', async () => {
    for (const [seed, model] of [...Array(6).keys()].flatMap((i) => [[i, 'builtin'], [i, 'tooled']])) {
      const request = { ...basic, model };
      const whole = await client.chat.completions.create({ ...request, seed, tool_choice: 'required' });
      const [{ message, finish_reason }] = whole.choices;
      assert.equal(finish_reason, 'tool_calls');
      assert.equal(message.content, null);
      assert.ok(message.tool_calls.length >= 1);
      for (const call of message.tool_calls) {
        assert.equal(call.type, 'function');
        assert.ok(call.id.length > 5);
        checkCall(call.function);
      }
      const streamed = await read(await client.chat.completions.create(
        { ...request, seed, tool_choice: 'required', stream: true }));
      assert.equal(streamed.reasons[0], 'tool_calls');
      assert.deepEqual(streamed.calls.map((call) => [call.name, call.arguments]),
        message.tool_calls.map((call) => [call.function.name, call.function.arguments]));
      assert.equal(streamed.texts[0], '');
    }
  });

  test('tool_choice names a function', async () => {
    for (const name of ['get_weather', 'add']) {
      const whole = await client.chat.completions.create(
        { ...basic, seed: 1, tool_choice: { type: 'function', function: { name } } });
      const [call] = whole.choices[0].message.tool_calls;
      assert.equal(call.function.name, name);
      checkCall(call.function);
    }
    await rejects(client.chat.completions.create(
      { ...basic, tool_choice: { type: 'function', function: { name: 'other' } } }),
    OpenAI.BadRequestError, { param: 'tool_choice' });
    await rejects(client.chat.completions.create(
      { ...basic, tools: undefined, tool_choice: 'required' }), OpenAI.BadRequestError, { param: 'tool_choice' });
  });

  test('tool_choice none: a text', async () => {
    const none = await client.chat.completions.create({ ...basic, seed: 1, temperature: 0, tool_choice: 'none', max_tokens: 20 });
    assert.equal(none.choices[0].message.tool_calls, undefined);
    assert.ok(none.choices[0].message.content.length > 0);
  });

  test('a conversation with calls and their results', async () => {
    const request = { ...basic, model: 'tooled', seed: 2 };
    const first = await client.chat.completions.create({ ...request, tool_choice: 'required' });
    const { message } = first.choices[0];
    const next = await client.chat.completions.create({ ...request, max_tokens: 30, messages: [
      ...basic.messages, message,
      ...message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: '21 degrees' }))] });
    assert.ok(next.usage.prompt_tokens > first.usage.prompt_tokens);
    assert.ok(['stop', 'length', 'tool_calls'].includes(next.choices[0].finish_reason));
  });

  test('the client\'s own loop runs a function', async () => {
    const seen = [];
    const runner = client.chat.completions.runTools({ model, messages: basic.messages, max_tokens: 400, seed: 3,
      tool_choice: { type: 'function', function: { name: 'add' } },
      tools: [{ type: 'function', function: { ...tools[1].function, parse: JSON.parse,
        function: (args) => { seen.push(args); return 'done'; } } }] });
    await runner.done();
    assert.equal(seen.length, 1);
    assert.equal(typeof seen[0].exact, 'boolean');
  });
});

describe('response_format', () => {
  const request = { model, messages: user('Describe a cat.'), max_tokens: 1000, temperature: 1 };

  test('json_object', async () => {
    for (let seed = 0; seed < 4; ++seed) {
      const whole = await client.chat.completions.create({ ...request, seed, response_format: { type: 'json_object' } });
      if (whole.choices[0].finish_reason === 'length') continue;  // a small model may ramble
      const value = JSON.parse(whole.choices[0].message.content);
      assert.ok(value !== null && typeof value === 'object');
    }
  });

  test('json_schema, parsed by the client', async () => {
    const schema = { type: 'object', additionalProperties: false, required: ['name', 'legs', 'tags'],
      properties: { name: { type: 'string', maxLength: 20 }, legs: { type: 'integer', minimum: 0, maximum: 8 },
        tags: { type: 'array', items: { enum: ['soft', 'loud', 'fast'] }, maxItems: 3 } } };
    const response_format = { type: 'json_schema', json_schema: { name: 'cat', strict: true, schema } };
    for (let seed = 0; seed < 4; ++seed) {
      const whole = await client.chat.completions.parse({ ...request, seed, response_format });
      const { content, parsed } = whole.choices[0].message;
      assert.deepEqual(parsed, JSON.parse(content));
      assert.deepEqual(Object.keys(parsed).sort(), ['legs', 'name', 'tags']);
      assert.ok(Number.isInteger(parsed.legs) && parsed.legs >= 0 && parsed.legs <= 8);
      assert.ok(parsed.tags.every((tag) => ['soft', 'loud', 'fast'].includes(tag)));
      const streamed = await read(await client.chat.completions.create({ ...request, seed, response_format, stream: true }));
      assert.equal(streamed.texts[0], content);
    }
  });

  test('a schema outside the supported set is refused', async () => {
    const schema = { type: 'object', properties: { a: { not: { type: 'string' } } } };
    await rejects(client.chat.completions.create(
      { ...request, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }),
    OpenAI.UnprocessableEntityError, { status: 422, param: 'response_format' });
  });
});

describe('embeddings', () => {
  const input = ['A cat sat.', 'The sun is warm.'];
  test('floats and base64 agree and have length 1', async () => {
    // Without encoding_format the client asks for base64 and decodes it.
    const [decoded, floats] = await Promise.all([
      client.embeddings.create({ model, input }),
      client.embeddings.create({ model, input, encoding_format: 'float' })]);
    assert.deepEqual(floats.data.map((entry) => entry.index), [0, 1]);
    for (let i = 0; i < input.length; ++i) {
      assert.deepEqual(Array.from(new Float32Array(floats.data[i].embedding)), Array.from(decoded.data[i].embedding));
      const length = Math.hypot(...floats.data[i].embedding);
      assert.ok(Math.abs(length - 1) < 1e-5, `${length}`);
    }
    assert.ok(floats.usage.prompt_tokens > 2);
    const alone = await client.embeddings.create({ model, input: input[1], encoding_format: 'float' });
    assert.deepEqual(alone.data[0].embedding, floats.data[1].embedding);
  });
  test('what is not supported is refused', async () => {
    await rejects(client.embeddings.create({ model, input, dimensions: 8 }), OpenAI.BadRequestError, { param: 'dimensions' });
    await rejects(client.embeddings.create({ model, input: [] }), OpenAI.BadRequestError, { param: 'input' });
  });
});

describe('models', () => {
  test('list and retrieve', async () => {
    const ids = [];
    for await (const found of client.models.list()) ids.push(found.id);
    assert.deepEqual(ids, [model, 'tooled']);
    const found = await client.models.retrieve(model);
    assert.equal(found.object, 'model');
    assert.equal(found.meta.loaded, true);
    await rejects(client.models.retrieve('other'), OpenAI.NotFoundError);
  });
});

describe('errors', () => {
  const chat = (fields, of = client) =>
    of.chat.completions.create({ model, messages: user('Hello'), max_tokens: 5, ...fields });

  test('keys', async () => {
    for (const apiKey of ['bad', 'firs', 'first ', 'firstt'])
      if (apiKey.trim() === apiKey)
        await rejects(chat({}, clientOf(server, { apiKey })), OpenAI.AuthenticationError, { status: 401 });
    assert.ok(await chat({}, clientOf(server, { apiKey: 'first' })));
    const response = await fetch(server.url + '/v1/models');
    assert.equal(response.status, 401);
    assert.equal((await response.json()).error.type, 'authentication_error');
    // What needs no key.
    for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(server.url + path)).status, 200);
  });

  test('fields by name', async () => {
    const cases = {
      frobnicate: 1, max_tokens: 0, max_completion_tokens: -1, temperature: -1, n: 1000, top_p: 2, top_k: 1.5,
      min_p: -0.1, seed: 'x', stop: [1], logit_bias: { x: 1 }, frequency_penalty: 'a', presence_penalty: {},
      repetition_penalty: 0, messages: 'Hello', stream: 'yes', stream_options: { other: true }, tools: {},
      tool_choice: 'perhaps', response_format: { type: 'xml' }, logprobs: 1, top_logprobs: 21, user: 3,
    };
    for (const [param, value] of Object.entries(cases))
      await rejects(chat({ [param]: value }), OpenAI.BadRequestError, { param });
  });

  test('a model that is not there', async () => {
    await rejects(chat({ model: 'gpt-4o' }), OpenAI.NotFoundError, { status: 404 });
    await rejects(client.completions.create({ model: 'other', prompt: 'x' }), OpenAI.NotFoundError);
    await rejects(client.embeddings.create({ model: 'other', input: 'x' }), OpenAI.NotFoundError);
  });

  test('a prompt that is longer than the context', async () => {
    await rejects(chat({ messages: user('word '.repeat(5000)) }), OpenAI.BadRequestError);
  });

  test('an error of a stream that has not begun has its status', async () => {
    await rejects(chat({ stream: true, temperature: -1 }), OpenAI.BadRequestError, { param: 'temperature' });
  });

  test('images are not supported', async () => {
    await rejects(chat({ messages: [{ role: 'user', content: [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }] }),
    OpenAI.UnprocessableEntityError, { param: 'messages' });
  });
});

/// Runs a server of a test's own.
async function withServer(args, body) {
  const own = await startServer(args);
  try {
    await body(own, clientOf(own));
  } finally {
    await own.kill();
  }
}
// Texts that do not end by themselves. One takes some tenths of a second.
const one = { model, prompt: 'Once upon a time', temperature: 1, seed: 99, stream: true, max_tokens: 1500, ignore_eos: true };
const many = { ...one, seed: 1, n: 16 };

describe('clients that leave', () => {
  test('an aborted stream stops at once, and another is not touched', async () => {
    await withServer([], async (own, its) => {
      const alone = await read(await its.completions.create(one));
      assert.equal(alone.reasons[0], 'length');
      for (let round = 0; round < 3; ++round) {
        const controller = new AbortController();
        const leaving = await its.completions.create({ ...many, n: 8, seed: round }, { signal: controller.signal });
        const other = its.completions.create(one).then(read);
        let chunks = 0;
        for await (const chunk of leaving) {
          assert.ok(chunk.choices.length === 1);
          if (++chunks === 40 + 30 * round) break;
        }
        controller.abort();
        await until(async () => (await stats(own)).requests.running <= 1, 250, 'running');
        assert.deepEqual((await other).texts, alone.texts);
        await until(async () => (await stats(own)).requests.running === 0, 250, 'running 0');
        assert.equal((await stats(own)).requests.cancelled, round + 1);
      }
    });
  });

  test('a request that is not streamed stops, too', async () => {
    await withServer([], async (own, its) => {
      const controller = new AbortController();
      const asked = its.completions.create({ ...many, stream: false }, { signal: controller.signal });
      asked.catch(() => {});
      await until(async () => (await stats(own)).requests.running > 0, 5000, 'running');
      controller.abort();
      await until(async () => {
        const { running, queued } = (await stats(own)).requests;
        return running + queued === 0;
      }, 250, 'running 0');
      await rejects(asked, OpenAI.APIUserAbortError);
    });
  });
});

describe('a full queue', () => {
  test('one more is told to come again, and comes', async () => {
    await withServer(['--max-batch', '1', '--max-queue', '1'], async (own, its) => {
      const running = await its.completions.create(one);
      const waiting = its.completions.create({ ...one, seed: 5 }).then(read);
      await until(async () => (await stats(own)).requests.queued === 1, 2000, 'queued');
      const refused = await Promise.allSettled([1, 2, 3].map((seed) =>
        its.completions.create({ ...one, seed })));
      for (const { status, reason } of refused) {
        assert.equal(status, 'rejected');
        assert.ok(reason instanceof OpenAI.RateLimitError, String(reason));
        assert.ok(Number(reason.headers.get('retry-after')) >= 1);
      }
      const patient = clientOf(own, { maxRetries: 10 }).completions.create({ ...one, max_tokens: 5 }).then(read);
      assert.equal((await read(running)).reasons[0], 'length');
      assert.equal((await waiting).reasons[0], 'length');
      assert.equal((await patient).reasons[0], 'length');
    });
  });
});

describe('the end of a server', () => {
  test('a killed server is an error of the client', async () => {
    const own = await startServer();
    const stream = await clientOf(own).completions.create(many);
    await assert.rejects(async () => {
      let chunks = 0;
      for await (const chunk of stream) {
        if (++chunks === 50) own.process.kill('SIGKILL');
        assert.ok(chunk);
      }
    }, (error) => error.name !== 'AssertionError');
    assert.equal((await own.exited).signal, 'SIGKILL');
  });

  test('SIGTERM lets a stream end whole and refuses what is new', async () => {
    const own = await startServer();
    const its = clientOf(own);
    const request = { ...many, n: 8 };
    const alone = await read(await its.completions.create(request));
    const port = Number(new URL(own.url).port);

    const stream = await its.completions.create(request);
    // A request whose header is on its way when the signal comes.
    const probe = connect(port, '127.0.0.1');
    await once(probe, 'connect');
    probe.write('GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n');
    await sleep(50);
    const reading = read(stream);
    own.process.kill('SIGTERM');

    await until(() => new Promise((resolve) => {
      const late = connect(port, '127.0.0.1');
      late.once('connect', () => { late.destroy(); resolve(false); });
      late.once('error', (error) => resolve(error.code === 'ECONNREFUSED'));
    }), 2000, 'connections are refused');
    probe.write('\r\n');
    let answer = '';
    for await (const bytes of probe) answer += bytes;
    assert.match(answer, /^HTTP\/1\.1 503 /);
    assert.match(answer, /"draining"/);
    assert.equal(own.process.exitCode, null, 'it still serves the stream');

    assert.deepEqual((await reading).texts, alone.texts);
    assert.deepEqual(await own.exited, { code: 0, signal: null });
  });
});
