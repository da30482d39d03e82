// Ollama's official client against linnet serve with the built-in model.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama } from 'ollama';
import { startServer } from './server.mjs';
import { makeTooledModel } from './tooled_model.mjs';

const model = 'builtin';
const user = (content) => [{ role: 'user', content }];
// How much more time a slow build (sanitizers) or machine gets.
const slack = Number(process.env.LINNET_SLACK ?? 1);

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather of a town',
    parameters: { type: 'object', properties: { town: { type: 'string', enum: ['Oslo', 'Bergen'] } }, required: ['town'] },
  },
};

let tooled;  // a model with a template for tools; the built-in one has none
let thinker;  // one that knows enable_thinking
let server;
let client;
before(async () => {
  tooled = makeTooledModel();
  thinker = makeTooledModel('{%- if enable_thinking %}{{ "<think>\\n" }}{% endif %}');
  server = await startServer(['--model', model, '--model', `tooled=${tooled.folder}`,
    '--model', `thinker=${thinker.folder}`]);
  client = new Ollama({ host: server.url });
});
after(async () => {
  tooled.remove();
  thinker.remove();
  assert.equal(await server?.stop(), 0);
});

async function post(path, body) {
  const response = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

async function refused(promise, status, message) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status_code, status, String(error));
    assert.match(error.error, message);
    return true;
  });
}

function checkFigures(answer) {
  assert.equal(answer.done, true);
  for (const name of ['total_duration', 'load_duration', 'prompt_eval_count', 'prompt_eval_duration', 'eval_count', 'eval_duration'])
    assert.ok(Number.isInteger(answer[name]) && answer[name] >= 0, name);
  assert.ok(answer.total_duration >= answer.load_duration + answer.eval_duration);
  assert.match(answer.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assert.ok(Math.abs(Date.parse(answer.created_at) - Date.now()) < 60_000);
}

async function until(condition, what) {
  for (const end = Date.now() + 5000 * slack; !(await condition());)
    assert.ok(Date.now() < end, `not within 5 s: ${what}`);
}

async function read(stream, pick) {
  const all = { text: '', lines: 0, last: null };
  for await (const part of stream) {
    ++all.lines;
    all.text += pick(part) ?? '';
    all.last = part;
  }
  return all;
}

describe('chat', () => {
  test('a stream says what the whole answer says', async () => {
    for (const options of [{ temperature: 0 }, { seed: 7 }, { temperature: 1.2, top_k: 10, top_p: 0.8, min_p: 0.01, repeat_penalty: 1.1, repeat_last_n: -1 }]) {
      // Long enough for several lines, though tokens that wait for a busy server's thread share one.
      const request = { model, messages: user('Tell me a story.'), options: { num_predict: 200, ...options } };
      const whole = await client.chat(request);
      checkFigures(whole);
      assert.equal(whole.model, model);
      assert.equal(whole.message.role, 'assistant');
      assert.ok(whole.message.content.length > 0);
      const streamed = await read(await client.chat({ ...request, stream: true }), (part) => part.message.content);
      assert.equal(streamed.text, whole.message.content);
      assert.ok(streamed.lines > 3);
      checkFigures(streamed.last);
      assert.equal(streamed.last.done_reason, whole.done_reason);
      assert.equal(streamed.last.eval_count, whole.eval_count);
    }
  });

  test('streams lines of JSON unless it is told not to', async () => {
    const body = { model, messages: user('Hello'), options: { num_predict: 3, temperature: 0 } };
    const { status, type, text } = await post('/api/chat', body);
    assert.equal(status, 200);
    assert.equal(type, 'application/x-ndjson');
    assert.ok(text.endsWith('\n'));
    const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => line.done), [...Array(lines.length - 1).fill(false), true]);
    assert.equal(lines.at(-1).done_reason, 'length');
    assert.equal(lines.at(-1).message.content, '');
    const whole = await post('/api/chat', { ...body, stream: false });
    assert.match(whole.type, /^application\/json/);
    assert.equal(JSON.parse(whole.text).message.content, lines.map((line) => line.message.content).join(''));
  });

  test('options say when an answer ends', async () => {
    const request = { model, messages: user('Tell me a story.') };
    const whole = await client.chat({ ...request, options: { temperature: 0, num_predict: -1 } });
    assert.equal(whole.done_reason, 'stop');
    const cut = await client.chat({ ...request, options: { temperature: 0, num_predict: 4 } });
    assert.equal(cut.done_reason, 'length');
    assert.equal(cut.eval_count, 4);
    const stop = whole.message.content.slice(20, 26);
    const stopped = await client.chat({ ...request, options: { temperature: 0, stop: [stop] } });
    assert.equal(stopped.done_reason, 'stop');
    assert.equal(stopped.message.content, whole.message.content.slice(0, whole.message.content.indexOf(stop)));
  });

  test('a form is kept to', async () => {
    const schema = { type: 'object', properties: { mood: { enum: ['good', 'bad'] } }, required: ['mood'], additionalProperties: false };
    const answer = await client.chat({ model, messages: user('Hello'), format: schema });
    assert.ok(['good', 'bad'].includes(JSON.parse(answer.message.content).mood));
    const any = await post('/api/generate', { model, prompt: 'Hello', format: 'json', stream: false, options: { num_predict: 1 } });
    assert.equal(any.status, 200);
    await refused(client.chat({ model, messages: user('Hello'), format: 'xml' }), 400, /format/);
    await refused(client.chat({ model, messages: user('Hello'), format: 'json', tools: [weather] }), 400, /format/);
  });

  test('tools are shown, and their calls and answers read', async () => {
    const plain = await client.chat({ model: 'tooled', messages: user('Hello'), tools: [weather], options: { num_predict: 10, temperature: 0 } });
    assert.equal(plain.message.tool_calls, undefined);
    const messages = [
      ...user('How is Oslo?'),
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: { town: 'Oslo' } } }] },
      { role: 'tool', tool_name: 'weather', content: 'Rain.' },
    ];
    const answer = await client.chat({ model: 'tooled', messages, tools: [weather], options: { num_predict: 10 } });
    assert.ok(answer.prompt_eval_count > plain.prompt_eval_count);
    messages[1].tool_calls[0].function.arguments = '{}';
    await refused(client.chat({ model: 'tooled', messages, tools: [weather] }), 400, /arguments/);
  });

  test('thinking comes beside the content', async () => {
    // The built-in model does not think by itself; a turn that begins with the mark makes it.
    const messages = [...user('Hello'), { role: 'assistant', content: '<think>' }];
    const answer = await client.chat({ model, messages, options: { num_predict: 8, temperature: 0 } });
    assert.ok(answer.message.thinking.length > 0);
    assert.equal(answer.message.content, '');
    const streamed = await read(await client.chat({ model, messages, options: { num_predict: 8, temperature: 0 }, stream: true }),
      (part) => part.message.thinking);
    assert.equal(streamed.text, answer.message.thinking);
    await refused(client.chat({ model, messages: user('Hello'), think: true }), 422, /cannot think/);
    await refused(client.chat({ model, messages: user('Hello'), think: 'high' }), 422, /think/);
    await client.chat({ model, messages: user('Hello'), think: false, options: { num_predict: 1 } });
    const ask = (think) => client.chat({ model: 'thinker', messages: user('Hello'), think, options: { num_predict: 5 } });
    assert.ok((await ask(true)).message.thinking.length > 0);
    assert.equal((await ask(false)).message.thinking, undefined);
  });

  test('log probabilities', async () => {
    const request = { model, messages: user('Hello'), logprobs: true, top_logprobs: 2, options: { num_predict: 4, temperature: 0 } };
    const answer = await client.chat(request);
    assert.equal(answer.logprobs.length, 4);
    for (const token of answer.logprobs) {
      assert.ok(token.logprob <= 0);
      assert.equal(token.top_logprobs.length, 2);
    }
    let count = 0;
    for await (const part of await client.chat({ ...request, stream: true })) count += part.logprobs?.length ?? 0;
    assert.equal(count, 4);
    await refused(client.chat({ model, messages: user('Hello'), top_logprobs: 2 }), 400, /top_logprobs/);
  });

  test('without messages the model is loaded, or freed', async () => {
    const load = await client.chat({ model: 'tooled', messages: [] });
    assert.equal(load.done, true);
    assert.equal(load.done_reason, 'load');
    const names = async () => (await client.ps()).models.map(({ name }) => name);
    assert.ok((await names()).includes('tooled'));
    const free = await client.generate({ model: 'tooled', prompt: '', keep_alive: 0 });
    assert.equal(free.done_reason, 'unload');
    assert.ok(!(await names()).includes('tooled'));
    await client.chat({ model: 'tooled', messages: user('Hello'), keep_alive: 0, options: { num_predict: 1 } });
    await until(async () => !(await names()).includes('tooled'), 'it is freed behind its answer');
    await client.chat({ model, messages: user('Hello'), keep_alive: '5m', options: { num_predict: 1 } });
    await refused(client.chat({ model, messages: user('Hello'), keep_alive: 'soon' }), 400, /keep_alive/);
  });

  test('a client that leaves ends its request', async () => {
    const stream = await client.chat({ model, messages: user('Hello'), format: { type: 'string', minLength: 100_000 }, stream: true });
    await assert.rejects(async () => { for await (const part of stream) if (!part.done) stream.abort(); }, { name: 'AbortError' });
    await until(async () => (await (await fetch(server.url + '/v1/stats')).json()).requests.running === 0, 'it is ended');
  });
});

describe('generate', () => {
  test('a stream says what the whole answer says', async () => {
    const request = { model, prompt: 'Tell me a story.', options: { num_predict: 30, temperature: 0 } };
    const whole = await client.generate(request);
    checkFigures(whole);
    assert.ok(whole.response.length > 0);
    const streamed = await read(await client.generate({ ...request, stream: true }), (part) => part.response);
    assert.equal(streamed.text, whole.response);
    checkFigures(streamed.last);
    // It is a conversation of one turn.
    const chat = await client.chat({ model, messages: user('Tell me a story.'), options: request.options });
    assert.equal(chat.message.content, whole.response);
    const system = await client.generate({ ...request, system: 'Be brief.' });
    assert.ok(system.prompt_eval_count > whole.prompt_eval_count);
  });

  test('a raw prompt is the whole text', async () => {
    const request = { model, prompt: 'Once upon a time', raw: true, options: { num_predict: 20, temperature: 0 } };
    const raw = await client.generate(request);
    const { text } = await post('/v1/completions', { prompt: request.prompt, max_tokens: 20, temperature: 0 });
    assert.equal(raw.response, JSON.parse(text).choices[0].text);
    await refused(client.generate({ ...request, system: 'Be brief.' }), 400, /system/);
  });

  test('without a prompt the model is loaded', async () => {
    const load = await client.generate({ model, prompt: '' });
    assert.equal(load.done_reason, 'load');
    assert.equal(load.response, '');
  });

  test('what it cannot do is refused, and nothing is no matter', async () => {
    await client.generate({ model, prompt: 'Hello', suffix: '', template: '', context: [], images: [], options: { num_predict: 1 } });
    for (const more of [{ suffix: 'x' }, { template: '{{ .Prompt }}' }, { context: [1] }, { images: ['AAAA'] }])
      await refused(client.generate({ model, prompt: 'Hello', ...more }), 422, new RegExp(Object.keys(more)[0]));
  });
});

describe('models', () => {
  test('are listed and shown', async () => {
    const { models } = await client.list();
    assert.deepEqual(models.map(({ name }) => name), ['builtin', 'tooled', 'thinker']);
    for (const entry of models) {
      assert.equal(entry.model, entry.name);
      assert.ok(entry.size > 1_000_000);
      assert.match(entry.digest, /^[0-9a-f]{64}$/);
      assert.ok(!Number.isNaN(Date.parse(entry.modified_at)));
      assert.equal(entry.details.format, 'safetensors');
      assert.match(entry.details.parameter_size, /^\d+\.\d[KMB]$/);
      assert.ok(entry.details.quantization_level.length > 0);
    }
    const shown = await client.show({ model: 'tooled' });
    assert.ok(shown.capabilities.includes('completion') && shown.capabilities.includes('tools'));
    assert.match(shown.template, /tool_call/);
    assert.match(shown.parameters, /^temperature 0\.8/);
    const family = shown.model_info['general.architecture'];
    assert.equal(shown.details.family, family);
    assert.equal(shown.model_info[`${family}.context_length`], 2048);
    assert.ok(!(await client.show({ model })).capabilities.includes('tools'));
    await refused(client.show({ model: 'other' }), 404, /other/);
  });

  test('the name may have a tag', async () => {
    const options = { num_predict: 3, temperature: 0 };
    const tagged = await client.generate({ model: 'builtin:latest', prompt: 'Hello', options });
    assert.equal(tagged.model, 'builtin:latest');
    assert.equal(tagged.response, (await client.generate({ model, prompt: 'Hello', options })).response);
    await refused(client.generate({ model: 'builtin:7b', prompt: 'Hello' }), 404, /builtin:7b/);
  });

  test('those that run', async () => {
    const [entry] = (await client.ps()).models;
    assert.equal(entry.name, model);
    assert.ok(entry.size > 1_000_000);
    assert.equal(entry.size_vram, 0);
    assert.equal(entry.context_length, 2048);
    assert.ok(Date.parse(entry.expires_at) > Date.now());
  });

  test('the version', async () => {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
  });
});

describe('embeddings', () => {
  test('are of length 1, one for each text', async () => {
    const answer = await client.embed({ model, input: ['A dog ran.', 'Why?'] });
    assert.equal(answer.model, model);
    assert.equal(answer.embeddings.length, 2);
    for (const vector of answer.embeddings)
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3);
    assert.ok(answer.prompt_eval_count > 4);
    const one = await client.embed({ model, input: 'A dog ran.' });
    assert.deepEqual(one.embeddings, [answer.embeddings[0]]);
    // As it was before, of no certain length.
    const { embedding } = await client.embeddings({ model, prompt: 'A dog ran.' });
    const length = Math.hypot(...embedding);
    embedding.forEach((value, i) => assert.ok(Math.abs(value / length - one.embeddings[0][i]) < 1e-3));
  });

  test('a text that is too long is cut, unless it must not be', async () => {
    const input = 'Once there was a dog. '.repeat(1000);
    const answer = await client.embed({ model, input });
    assert.ok(answer.prompt_eval_count <= 2048 && answer.prompt_eval_count > 2000);
    await refused(client.embed({ model, input, truncate: false }), 400, /2048/);
    await refused(client.embed({ model, input: 'x', dimensions: 4 }), 400, /dimensions/);
  });
});

describe('refusals', () => {
  test('name the field', async () => {
    const messages = user('Hello');
    await refused(client.chat({ model, messages, options: { num_gpu: 1 } }), 400, /options\.num_gpu/);
    await refused(client.chat({ model, messages, options: { repeat_last_n: 64 } }), 400, /repeat_last_n/);
    await refused(client.chat({ model, messages, options: { num_ctx: 1 << 20 } }), 400, /num_ctx/);
    await refused(client.chat({ model, messages, options: { top_k: 'x' } }), 400, /top_k/);
    await refused(client.chat({ model, messages, truncate: true }), 422, /truncate/);
    await refused(client.chat({ model, messages, voice: 1 }), 400, /voice/);
    await refused(client.chat({ messages }), 400, /model/);
    await refused(client.chat({ model, messages: [{ role: 'user', content: 'x', images: ['AAAA'] }] }), 422, /images/);
    await refused(client.chat({ model, messages: [{ role: 'cat', content: 'x' }] }), 400, /role/);
    await refused(client.chat({ model: 'other', messages }), 404, /other/);
    await client.chat({ model, messages, options: { num_ctx: 2048, repeat_last_n: 0, repeat_penalty: 1.3, num_predict: 1 } });
  });

  test('routes that are not there are told so', async () => {
    const { status, text } = await post('/api/pull', { model: 'x' });
    assert.equal(status, 404);
    assert.match(JSON.parse(text).error, /\/api\/pull/);
  });
});
