// Broken, slow, rude and wrong clients against linnet serve. After each group it must still answer.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Raw, ask, httpRequest } from './raw_http.mjs';
import { startServer } from './server.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const chat = (fields = {}) => ({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3, temperature: 0, ...fields });

async function post(url, path, body) {
  const response = await fetch(url + path, { method: 'POST', body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) });
  const text = await response.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* some answers are none */ }
  return { status: response.status, text, json, error: json?.error };
}
const stats = async (url) => (await fetch(url + '/v1/stats')).json();

// How much more time a slow build (sanitizers) or machine gets.
const slack = Number(process.env.LINNET_SLACK ?? 1);

async function until(condition, limit, what) {
  const limitMs = limit * slack;
  for (const started = performance.now(); !(await condition()); await sleep(5))
    assert.ok(performance.now() - started < limitMs, `${what}: not within ${limitMs} ms`);
}

let expected = null;
async function assertAlive(url) {
  assert.equal((await fetch(url + '/healthz')).status, 200);
  const { status, json } = await post(url, '/v1/chat/completions', chat());
  assert.equal(status, 200);
  expected ??= json.choices[0].message.content;
  assert.equal(json.choices[0].message.content, expected);
}

/// Declares a group of tests that share a server.
function group(name, args, body) {
  describe(name, () => {
    let server;
    before(async () => { server = await startServer(args); });
    afterEach(async () => { await assertAlive(server.url); });
    after(async () => {
      assert.equal(server.process.exitCode, null, server.stderr().slice(-2000));
      assert.equal(await server.stop(), 0);
    });
    body({ get url() { return server.url; } });
  });
}

group('slow clients', ['--header-timeout', '1', '--body-timeout', '1'], (at) => {
  test('half a header', async () => {
    const raw = await Raw.open(at.url);
    raw.send('GET /healthz HTTP/1.1\r\nhost: 127');
    const answer = await raw.answer();
    assert.equal(answer.status, 408);
    assert.equal(answer.headers.connection, 'close');
    await raw.end();
  });
  test('a header that comes byte by byte', async () => {
    const raw = await Raw.open(at.url);
    const started = performance.now();
    for (const byte of 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-padding: ' + 'x'.repeat(100)) {
      if (raw.ended || raw.text) break;
      raw.send(byte);
      await sleep(30);
    }
    assert.ok(performance.now() - started < 3000);
    assert.equal((await raw.answer()).status, 408);
    await raw.end();
  });
  test('half a body', async () => {
    for (const headers of [{ 'content-length': 100 }, { 'content-length': null, 'transfer-encoding': 'chunked' }]) {
      const raw = await Raw.open(at.url);
      raw.send(httpRequest('POST', '/v1/chat/completions', { headers })).send(headers['content-length'] ? '{"messages"' : 'b\r\n{"messages"\r\n');
      assert.equal((await raw.answer()).status, 408);
      await raw.end();
    }
  });
  test('a body that comes byte by byte', async () => {
    const raw = await Raw.open(at.url);
    raw.send(httpRequest('POST', '/tokenize', { headers: { 'content-length': 10_000 } }));
    for (let i = 0; i < 100 && !raw.text && !raw.ended; ++i, await sleep(30)) raw.send(' ');
    assert.equal((await raw.answer()).status, 408);
    await raw.end();
  });
  test('a client that leaves in its header or body', async () => {
    for (const bytes of ['', 'G', 'GET /healthz HTTP/1.1\r\n', httpRequest('POST', '/tokenize', { headers: { 'content-length': 99 } })]) {
      for (const end of ['end', 'resetAndDestroy', 'destroy']) {
        const raw = await Raw.open(at.url);
        if (bytes.length) raw.send(bytes);
        await sleep(5);
        (raw.socket[end] ?? raw.socket.destroy).call(raw.socket);
      }
    }
    await until(async () => (await stats(at.url)).connections <= 4, 3000, 'connections end');
  });
  test('half a handshake of TLS, and noise', async () => {
    let state = 12345;
    const random = () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16 & 255;
    for (let i = 0; i < 100; ++i) {
      const raw = await Raw.open(at.url);
      const bytes = i === 0 ? Buffer.from('160301020001000001fc0303', 'hex') : Buffer.from(Array.from({ length: 1 + random() }, random));
      raw.send(bytes);
      raw.socket.end();
      await raw.end(4000);
      if (raw.text) assert.match(raw.text, /^HTTP\/1\.1 4\d\d /);
    }
  });
});

group('too much', [], (at) => {
  const big = 100 << 20;
  test('a body of 100 MB, by its length', async () => {
    const raw = await Raw.open(at.url);
    raw.send(httpRequest('POST', '/v1/chat/completions', { headers: { 'content-length': big } }));
    const answer = await raw.answer();
    assert.equal(answer.status, 413);
    assert.equal(JSON.parse(answer.body).error.code, 'body_too_large');
    await raw.end();
    raw.destroy();
  });
  test('a body of 100 MB that is sent before the answer is read', async () => {
    const raw = await Raw.open(at.url);
    raw.send(httpRequest('POST', '/v1/chat/completions', { headers: { 'content-length': big } }));
    const piece = Buffer.alloc(1 << 20, ' ');
    for (let i = 0; i < 100 && !raw.ended && !raw.closed; ++i) {
      raw.send(piece);
      await new Promise((resolve) => (raw.socket.writableNeedDrain ? raw.socket.once('drain', resolve).once('close', resolve) : resolve()));
    }
    assert.equal((await raw.answer()).status, 413);
    raw.destroy();
  });
  test('a body of 100 MB in chunks', async () => {
    const raw = await Raw.open(at.url);
    raw.send(httpRequest('POST', '/v1/chat/completions', { headers: { 'transfer-encoding': 'chunked' } }));
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, ' '), Buffer.from('\r\n')]);
    for (let i = 0; i < 100 && !raw.text && !raw.closed; ++i) {
      raw.send(piece);
      await new Promise((resolve) => (raw.socket.writableNeedDrain ? raw.socket.once('drain', resolve).once('close', resolve) : setImmediate(resolve)));
    }
    assert.equal((await raw.answer()).status, 413);
    raw.destroy();
  });
  test('a chunk of 2^63 bytes, and sizes that are none', async () => {
    for (const size of ['7fffffffffffffff', 'ffffffffffffffffffff', '-1', 'x', ''])  {
      const raw = await Raw.open(at.url);
      raw.send(httpRequest('POST', '/tokenize', { headers: { 'transfer-encoding': 'chunked' } })).send(`${size}\r\nabc\r\n`);
      const { status } = await raw.answer();
      assert.ok(status === 413 || status === 400, `${size}: ${status}`);
      raw.destroy();
    }
  });
  test('100-continue is not said to a body that is too large', async () => {
    const expect = { expect: '100-continue' };
    const refused = await ask(at.url, 'POST', '/tokenize', { headers: { ...expect, 'content-length': big } });
    assert.equal(refused.status, 413);
    const raw = await Raw.open(at.url);
    const body = '{"text": "Hello"}';
    raw.send(httpRequest('POST', '/tokenize', { headers: { ...expect, 'content-length': body.length } }));
    assert.equal((await raw.answer()).status, 100);
    raw.send(body);
    assert.equal((await raw.answer()).status, 200);
    raw.destroy();
  });
  test('a header that is too large', async () => {
    const one = await ask(at.url, 'GET', '/healthz', { headers: { 'x-large': 'x'.repeat(20_000) } });
    assert.equal(one.status, 431);
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x-header-${i}`, 'abcdefgh']));
    assert.equal((await ask(at.url, 'GET', '/healthz', { headers: many })).status, 431);
    const path = await ask(at.url, 'GET', '/' + 'a'.repeat(20_000));
    assert.ok([414, 431].includes(path.status), `${path.status}`);
    assert.equal((await ask(at.url, 'GET', '/healthz', { headers: { 'x-large': 'x'.repeat(10_000) } })).status, 200);
  });
});

group('requests that are none', [], (at) => {
  test('lines and headers', async () => {
    const bad = [
      'HELLO\r\n\r\n', 'GET\r\n\r\n', 'GET /healthz\r\n\r\n', 'GET /healthz HTTP/9.9\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nno colon\r\n\r\n', 'GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n',
      'GET /healthz HTTP/1.1\r\n: x\r\n\r\n', 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: a\0b\r\n\r\n',
      'GET  /healthz HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ];
    for (const bytes of bad) {
      const raw = await Raw.open(at.url);
      const answer = await raw.send(bytes).answer();
      assert.equal(answer.status, 400, JSON.stringify(bytes));
      assert.equal(JSON.parse(answer.body).error.type, 'invalid_request_error');
      await raw.end();
      raw.destroy();
    }
  });
  test('lengths that are ambiguous: no request may hide in another', async () => {
    const hidden = 'GET /hidden HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
    const headers = [
      'content-length: 5\r\ncontent-length: 6', 'content-length: 5\r\ntransfer-encoding: chunked',
      'transfer-encoding: chunked\r\ncontent-length: 5', 'content-length: -1', 'content-length: +5', 'content-length: 5x',
      'content-length: 0x5', 'content-length: 99999999999999999999', 'content-length: ',
      'transfer-encoding: xchunked', 'transfer-encoding: chunked, identity', 'transfer-encoding: chunked\r\ntransfer-encoding: identity',
    ];
    for (const lines of headers) {
      const raw = await Raw.open(at.url);
      raw.send(`POST /tokenize HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}\r\n\r\n0\r\n\r\n${hidden}`);
      const answer = await raw.answer();
      assert.ok([400, 413, 501].includes(answer.status), `${JSON.stringify(lines)}: ${answer.status} ${answer.body}`);
      await raw.end();
      assert.equal(raw.text, '', JSON.stringify(lines));
      raw.destroy();
    }
  });
  test('a host that is missing or there twice', async () => {
    const none = await ask(at.url, 'GET', '/healthz', { headers: { host: null } });
    assert.equal(none.status, 400);
    const raw = await Raw.open(at.url);
    raw.send('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example\r\n\r\n');
    assert.equal((await raw.answer()).status, 400);
    raw.destroy();
  });
  test('paths and methods', async () => {
    const cases = [
      ['GET', '/nothing', 404], ['GET', '/../../etc/passwd', 404], ['GET', '/%2e%2e/%2e%2e/etc/passwd', 404],
      ['GET', '/v1/models/%00', 400], ['GET', '/v1/models/%zz', 400], ['GET', '/v1/models/' + '%ff'.repeat(100), 404],
      ['GET', '/v1/chat/completions', 405], ['BREW', '/healthz', 405], ['DELETE', '/v1/models/builtin', 405], ['POST', '/healthz', 405],
      ['GET', '/healthz?a=b&c', 200], ['GET', '//healthz', 404], ['GET', '/healthz/', 404],
    ];
    for (const [method, path, status] of cases) {
      const answer = await ask(at.url, method, path);
      assert.equal(answer.status, status, `${method} ${path}`);
      if (status !== 200) assert.equal(typeof JSON.parse(answer.body).error.message, 'string');
    }
  });
  test('odd headers', async () => {
    const raw = await Raw.open(at.url);
    raw.send(`GET /healthz HTTP/1.1\r\nHoSt: 127.0.0.1\r\naccept: a\r\naccept: b\r\nx-empty:\r\nx-bytes: \xff\xfe\r\ncookie: ${'c=1; '.repeat(500)}\r\n\r\n`);
    assert.equal((await raw.answer()).status, 200);
    raw.destroy();
    const typed = await ask(at.url, 'POST', '/tokenize', { body: '{"text":"a"}', headers: { 'content-type': 'text/plain; charset=utf-16' } });
    assert.ok([200, 415].includes(typed.status));
  });
});

group('protocol', ['--cors-origin', 'https://page.example'], (at) => {
  const health = httpRequest('GET', '/healthz');
  const tokenize = (text) => httpRequest('POST', '/tokenize', { body: JSON.stringify({ text }) });

  test('requests in one packet are answered in order', async () => {
    const raw = await Raw.open(at.url);
    raw.send(Buffer.concat([health, tokenize('one'), httpRequest('GET', '/nothing'), tokenize('one two three four five'), health]));
    const answers = [];
    for (let i = 0; i < 5; ++i) answers.push(await raw.answer());
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 404, 200, 200]);
    assert.ok(JSON.parse(answers[3].body).count > JSON.parse(answers[1].body).count);
    raw.destroy();
  });
  test('a request behind a stream waits for its end', async () => {
    const raw = await Raw.open(at.url);
    raw.send(Buffer.concat([httpRequest('POST', '/v1/chat/completions', { body: JSON.stringify(chat({ stream: true })) }), health]));
    const stream = await raw.answer();
    assert.match(stream.body, /data: \[DONE\]\n\n$/);
    assert.equal(JSON.parse((await raw.answer()).body).status, 'ok');
    raw.destroy();
  });
  test('a request cut into bytes', async () => {
    const raw = await Raw.open(at.url);
    for (const byte of tokenize('Hello')) {
      raw.send(Buffer.from([byte]));
      await sleep(1);
    }
    assert.equal((await raw.answer()).status, 200);
    raw.destroy();
  });
  test('a connection is kept, or not, as it is asked', async () => {
    const raw = await Raw.open(at.url);
    for (let i = 0; i < 50; ++i) assert.equal((await raw.send(health).answer()).status, 200);
    const last = await raw.send(httpRequest('GET', '/healthz', { headers: { connection: 'close' } })).answer();
    assert.equal(last.headers.connection, 'close');
    await raw.end();
  });
  test('HTTP/1.0', async () => {
    const raw = await Raw.open(at.url);
    const answer = await raw.send(httpRequest('GET', '/healthz', { version: '1.0' })).answer();
    assert.deepEqual([answer.status, answer.version, answer.headers.connection], [200, '1.0', 'close']);
    await raw.end();
    const bare = await Raw.open(at.url);
    assert.equal((await bare.send('GET /healthz HTTP/1.0\r\n\r\n').answer()).status, 200);
    const stream = await ask(at.url, 'POST', '/v1/chat/completions', { version: '1.0', body: JSON.stringify(chat({ stream: true })) });
    assert.equal(stream.headers['transfer-encoding'], undefined);
    assert.match(stream.body, /^data: /);
    assert.match(stream.body, /data: \[DONE\]\n\n$/);
  });
  test('HEAD', async () => {
    const raw = await Raw.open(at.url);
    const head = await raw.send(httpRequest('HEAD', '/healthz')).answer({ head: true });
    assert.equal(head.status, 200);
    assert.ok(Number(head.headers['content-length']) > 0);
    assert.equal((await raw.send(health).answer()).status, 200, 'no body was sent');
    const wrong = await raw.send(httpRequest('HEAD', '/v1/chat/completions')).answer({ head: true });
    assert.equal(wrong.status, 405);
    assert.equal((await raw.send(health).answer()).status, 200);
    raw.destroy();
  });
  test('pages of an allowed origin', async () => {
    const origin = 'https://page.example';
    const asked = await ask(at.url, 'OPTIONS', '/v1/chat/completions', { headers: { origin,
      'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, content-type' } });
    assert.equal(asked.status, 204);
    assert.equal(asked.headers['access-control-allow-origin'], origin);
    assert.match(asked.headers['access-control-allow-methods'], /POST/);
    assert.match(asked.headers['access-control-allow-headers'], /authorization/);
    for (const body of [chat(), chat({ stream: true }), chat({ temperature: -1 })]) {
      const answer = await ask(at.url, 'POST', '/v1/chat/completions', { headers: { origin }, body: JSON.stringify(body) });
      assert.equal(answer.status, body.temperature < 0 ? 400 : 200);
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      assert.match(answer.headers.vary, /origin/i);
    }
  });
  test('pages of other origins, and other names of this machine', async () => {
    for (const origin of ['https://evil.example', 'https://page.example.evil.example', 'http://page.example', 'https://page.example:444', 'null']) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await ask(at.url, method, method === 'GET' ? '/v1/models' : '/v1/chat/completions', { headers: { origin }, body: method === 'POST' ? JSON.stringify(chat()) : '' });
        assert.equal(answer.status, 403, `${method} from ${origin}`);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
    }
    for (const host of ['evil.example', 'evil.example:8090', '127.0.0.1.evil.example', 'localhost.evil.example', '192.168.0.1', '127.evil.example'])
      assert.equal((await ask(at.url, 'GET', '/v1/models', { headers: { host } })).status, 403, host);
    const port = new URL(at.url).port;
    for (const host of ['127.0.0.1', `127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      assert.equal((await ask(at.url, 'GET', '/v1/models', { headers: { host } })).status, 200, host);
    const own = await ask(at.url, 'GET', '/v1/models', { headers: { host: `127.0.0.1:${port}`, origin: at.url } });
    assert.equal(own.status, 200);
  });
});

group('bodies', [], (at) => {
  test('what is no JSON object', async () => {
    const bodies = ['', ' ', 'x', '{', '[]', '1', 'null', '"a"', '{"a":1}x', '{"a":1}{"a":1}', "{'a':1}", '{"a":NaN}', '{"a":1e999}', '{"temperature":01}',
      '{"text":"\\ud800"}', '{"text":"a\nb"}', '\ufeff{}', '{"text":"a",}'];
    for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/classify', '/v1/score', '/tokenize', '/detokenize'])
      for (const body of bodies) {
        const { status, error } = await post(at.url, path, body);
        assert.equal(status, 400, `${path} ${JSON.stringify(body)}: ${status}`);
        assert.equal(error.type, 'invalid_request_error');
      }
  });
  test('bytes that are no UTF-8', async () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]) {
      const body = Buffer.concat([Buffer.from('{"messages":[{"role":"user","content":"'), Buffer.from(bytes), Buffer.from('"}],"max_tokens":1}')]);
      const { status, error } = await post(at.url, '/v1/chat/completions', body);
      assert.equal(status, 400, String(bytes));
      assert.ok(error.message);
      const name = Buffer.concat([Buffer.from('{"'), Buffer.from(bytes), Buffer.from('":1}')]);
      assert.equal((await post(at.url, '/tokenize', name)).status, 400);
    }
  });
  test('deep JSON', async () => {
    for (const depth of [1025, 10_000, 1_000_000])
      for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
        const value = open.repeat(depth) + '1' + close.repeat(depth);
        for (const name of ['messages', 'tools', 'response_format', 'chat_template_kwargs', 'unknown'])
          assert.equal((await post(at.url, '/v1/chat/completions', `{"${name}":${value}}`)).status, 400, `${name} ${depth}`);
      }
    // Deep, but not too deep to be read: what comes next must bear it.
    const deep = JSON.parse('{"type":"object","properties":{"a":'.repeat(200) + '{"type":"integer"}' + '}}'.repeat(200));
    const schema = await post(at.url, '/v1/chat/completions', chat({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema: deep } } }));
    assert.ok([200, 400, 422].includes(schema.status), `${schema.status}`);
    const tool = await post(at.url, '/v1/chat/completions', chat({ tool_choice: 'required', tools: [{ type: 'function', function: { name: 'f', parameters: deep } }] }));
    assert.ok([200, 400, 422].includes(tool.status), `${tool.status}`);
    for (const regex of ['('.repeat(10_000) + 'a' + ')'.repeat(10_000), '(a{1000}){1000}', '(((a*)*)*)*b', '['])  {
      const { status } = await post(at.url, '/v1/completions', { prompt: 'a', max_tokens: 2, regex });
      assert.ok([200, 400, 422].includes(status), `${status} for ${regex.slice(0, 20)}`);
    }
    const { status } = await post(at.url, '/v1/completions', { prompt: 'a', max_tokens: 2, grammar: 'root ::= root' });
    assert.ok([400, 422].includes(status), `${status}`);
  });
  test('many and long things', async () => {
    const cases = [
      ['/v1/chat/completions', chat({ messages: Array.from({ length: 100_000 }, () => ({ role: 'user', content: '' })) })],
      ['/v1/chat/completions', chat({ stop: Array.from({ length: 100_000 }, String) })],
      ['/v1/chat/completions', chat({ logit_bias: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i, 1])) })],
      ['/v1/completions', { prompt: Array.from({ length: 100_000 }, () => 'a') }],
      ['/v1/completions', { prompt: 'a'.repeat(10 << 20) }],
      ['/v1/embeddings', { input: Array.from({ length: 100_000 }, () => 'a') }],
      ['/v1/classify', { input: 'a', labels: Array.from({ length: 100_000 }, String) }],
      ['/detokenize', { tokens: [1 << 30] }],
    ];
    for (const [path, body] of cases) {
      const { status, error } = await post(at.url, path, body);
      assert.equal(status, 400, path);
      assert.ok(error.message.length < 1000);
    }
    assert.equal((await post(at.url, '/tokenize', { text: 'a'.repeat(10 << 20) })).status, 200);
  });
});

// What each field of a request takes. `wrong`: values that it does not.
const anyType = { string: 'x', number: 7, fraction: 0.5, bool: true, array: [], object: {} };
const except = (...names) => Object.entries(anyType).filter(([name]) => !names.includes(name)).map(([, value]) => value);
const text = { wrong: except('string') };
const bool = { wrong: except('bool') };
const integer = (low, high) => ({ numeric: true, wrong: [...except('number'), low - 1, high + 1, 1e300, -1e300] });
const real = (low = -1e38, high = 1e38, ...more) => ({ numeric: true, wrong: [...except('number', 'fraction'), ...more, ...(low > -1e38 ? [low - 0.01] : []), ...(high < 1e38 ? [high + 0.01] : []), 1e300, -1e300] });
const strings = { wrong: [...except('string', 'array'), [1], ['a', null], [['a']]] };
const int32 = 0x7fffffff;
const sampling = {
  model: text, user: text, stream: bool, ignore_eos: bool,
  stream_options: { wrong: [...except('object'), { include_usage: 1 }, { other: true }] },
  max_tokens: integer(1, int32), temperature: real(0), top_p: real(0, 1, 0), top_k: integer(-1, int32), min_p: real(0, 1),
  seed: { numeric: true, wrong: [...except('number'), 1e300] }, n: integer(1, 64), min_tokens: integer(0, int32),
  stop: { wrong: [...strings.wrong, [''], '', Array(17).fill('a'), 'a'.repeat(5000)] },
  bad_words: { wrong: [...strings.wrong, [], Array(2000).fill('a')] },
  stop_token_ids: { wrong: [...except('array'), ['a'], [-1], [1.5], [3072], [1e300]] },
  logit_bias: { wrong: [...except('object'), { a: 1 }, { 1: 'a' }, { 1: 101 }, { 1: -101 }, { '-1': 1 }, { 3072: 1 }, { '1e1': 1 }, { 99999999999: 1 }] },
  frequency_penalty: real(), presence_penalty: real(), repetition_penalty: real(0, 1e38, 0),
  priority: integer(-1000, 1000), speculate: integer(0, 16), max_queue_seconds: real(0),
};
const format = { wrong: [...except('object'), {}, { type: 1 }, { type: 'xml' }, { type: 'json_schema' }, { type: 'json_schema', json_schema: {} },
  { type: 'json_schema', json_schema: { name: 'a', schema: 1 } }, { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'nothing' } } }] };
const requests = {
  '/v1/chat/completions': {
    base: chat(),
    fields: {
      ...sampling, max_completion_tokens: integer(1, int32), logprobs: bool, top_logprobs: integer(0, 20), parallel_tool_calls: bool,
      enable_thinking: bool, continue_final_message: bool, chat_template_kwargs: { wrong: [...except('object'), { enable_thinking: 1 }] },
      messages: { wrong: [...except('array'), [], [1], [{}], [[]], [{ role: 'user' }], [{ role: 'x', content: 'a' }], [{ role: 1, content: 'a' }],
        [{ role: 'user', content: 1 }], [{ role: 'user', content: [1] }], [{ role: 'user', content: [{ type: 'text' }] }],
        [{ role: 'user', content: 'a', other: 1 }], [{ role: 'user', content: 'a', name: 1 }], [{ role: 'assistant', content: 'a', tool_calls: 1 }],
        [{ role: 'assistant', tool_calls: [{}] }], [{ role: 'assistant', tool_calls: [{ type: 'function', function: { name: 1 } }] }]] },
      tools: { wrong: [...except('array'), [1], [{}], [{ type: 'x' }], [{ type: 'function' }], [{ type: 'function', function: {} }], [{ type: 'function', function: { name: 1 } }]] },
      tool_choice: { wrong: [...except('string'), 'sometimes', { type: 'x' }, { type: 'function', function: {} }] },
      response_format: format,
    },
  },
  '/v1/completions': {
    base: { prompt: 'Hello', max_tokens: 2 },
    fields: {
      ...sampling, echo: bool, logprobs: integer(0, 20), add_special_tokens: bool, response_format: format, suffix: { wrong: ['a'] },
      best_of: { numeric: true, wrong: [...except('number'), 2, 0] }, regex: { wrong: [...text.wrong, '('] }, grammar: { wrong: [...text.wrong, '::='] },
      prompt: { wrong: [...except('string', 'array'), [], [true], [[]], ['a', 1], [1, 'a'], [1.5], [-1], [3072], [['a']], [1e300]] },
    },
  },
  '/v1/embeddings': {
    base: { input: 'Hello' },
    fields: { model: text, user: text, normalize: bool, dimensions: { wrong: [8] }, encoding_format: { wrong: except() }, pooling: { wrong: except() }, input: { wrong: [...strings.wrong, []] } },
  },
  '/v1/classify': {
    base: { input: 'Hello', labels: ['good', 'bad'] },
    fields: {
      model: text, user: text, template: text, system: text, chat: bool, mode: { wrong: except() }, length_normalize: bool, calibrate: bool, content_free: text,
      return_logits: bool, priority: integer(-1000, 1000), input: { wrong: [...strings.wrong, []] }, labels: { wrong: [...except('array'), [], [1], [''], ['a', 'a']] },
    },
  },
  '/v1/score': {
    base: { prompt: 'Hello', continuation: ' there' },
    fields: {
      model: text, user: text, prompt: text, continuation: text, add_special_tokens: bool, top_logprobs: integer(0, 100), priority: integer(-1000, 1000),
      pairs: { wrong: [...except('array'), [1], [{}], [{ prompt: 'a' }], [{ prompt: 1, continuation: 'a' }], [{ prompt: 'a', continuation: 'b', other: 1 }]] },
    },
  },
  '/tokenize': { base: { text: 'Hello' }, fields: { model: text, text, content: text, add_special_tokens: bool } },
  '/detokenize': {
    base: { tokens: [5, 6] },
    fields: { model: text, tokens: { wrong: [...except('array'), ['a'], [-1], [1.5], [1e300], [3072], [[1]]] }, skip_special_tokens: bool },
  },
};

group('fields', [], (at) => {
  for (const [path, { base, fields }] of Object.entries(requests)) {
    test(`${path}: a wrong value is refused by its name`, async () => {
      assert.equal((await post(at.url, path, base)).status, 200);
      const problems = [];
      for (const [name, { wrong }] of Object.entries(fields))
        for (const value of wrong) {
          const { status, error } = await post(at.url, path, { ...base, [name]: value });
          if (status !== 400 || error.param !== name || error.type !== 'invalid_request_error')
            problems.push(`${name}: ${JSON.stringify(value).slice(0, 80)} -> ${status} param ${error?.param} (${error?.message?.slice(0, 100)})`);
        }
      assert.deepEqual(problems, []);
    });
    test(`${path}: null is as good as absent, unknown fields are refused`, async () => {
      for (const name of Object.keys(fields).filter((field) => !(field in base))) {
        if (name === 'suffix' || name === 'dimensions') continue;
        const { status } = await post(at.url, path, { ...base, [name]: null });
        assert.equal(status, 200, name);
      }
      for (const name of ['unknown', '', '__proto__', 'Temperature', 'a'.repeat(1000), 'ä\u0000']) {
        const { status, error } = await post(at.url, path, `{${JSON.stringify(name)}: 1, ${JSON.stringify(base).slice(1)}`);
        assert.equal(status, 400, name);
        assert.equal(error.code, 'unknown_field');
        if (/^\w+$/.test(name) && name.length < 100) assert.equal(error.param, name);
      }
      const { status, error } = await post(at.url, path, {});
      assert.equal(status, 400);
      assert.equal(error.code, 'missing_field');
    });
    test(`${path}: numbers without measure`, async () => {
      const numbers = ['0', '-0', '-1', '1e308', '-1e308', '1e-308', '9223372036854775807', '-9223372036854775808', '18446744073709551615',
        '18446744073709551616', '-99999999999999999999', '2147483648', '4294967296', '1e19', '0.1', '3.4028236e38'];
      for (const [name, { numeric }] of Object.entries(fields)) {
        if (!numeric) continue;
        for (const number of numbers) {
          const rest = Object.entries(base).filter(([field]) => field !== name).map(([field, value]) => `, ${JSON.stringify(field)}: ${JSON.stringify(value)}`);
          // Fields that make an answer long must not here.
          const stop = path.endsWith('completions') && name.startsWith('max_') ? ', "stop": [" ", "e", "a", "i", "o"]' : '';
          const { status, error } = await post(at.url, path, `{"${name}": ${number}${rest.join('')}${stop}}`);
          assert.ok(status === 200 || (status === 400 && (error.param === name || error.code === 'invalid_json')), `${name}: ${number} -> ${status} ${JSON.stringify(error)}`);
        }
      }
    });
  }
});

group('many connections', ['--max-connections', '250', '--idle-timeout', '60'], (at) => {
  test('200 that do nothing', async () => {
    const idle = await Promise.all(Array.from({ length: 200 }, () => Raw.open(at.url)));
    await until(async () => (await stats(at.url)).connections >= 200, 2000, 'connections');
    await assertAlive(at.url);
    for (const raw of idle) assert.equal(raw.ended, false);
    for (const raw of idle) raw.destroy();
    await until(async () => (await stats(at.url)).connections < 10, 3000, 'connections end');
  });
  test('more than there may be', async () => {
    const kept = await Promise.all(Array.from({ length: 240 }, () => Raw.open(at.url)));
    const late = await Promise.all(Array.from({ length: 40 }, () => Raw.open(at.url)));
    await sleep(200);
    const refused = late.filter((raw) => raw.ended);
    assert.ok(refused.length >= 20, `${refused.length}`);
    for (const raw of refused) {
      const answer = await raw.answer();
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '1');
    }
    for (const raw of [...kept, ...late]) raw.destroy();
    await until(async () => {
      const raw = await Raw.open(at.url).catch(() => null);
      const answer = await raw?.send(httpRequest('GET', '/healthz')).answer().catch(() => null);
      raw?.destroy();
      return answer?.status === 200;
    }, 3000, 'connections are taken again');
  });
});

group('idle connections', ['--idle-timeout', '1'], (at) => {
  test('are ended after a while', async () => {
    const raw = await Raw.open(at.url);
    const ms = await raw.end();
    assert.ok(ms > 800 && ms < 3000, `${ms}`);
    const used = await Raw.open(at.url);
    await used.send(httpRequest('GET', '/healthz')).answer();
    await used.end();
    assert.equal(used.text, '');
  });
});

group('clients that do not read', ['--write-timeout', '1'], (at) => {
  const long = { prompt: 'Once', n: 64, max_tokens: 1500, ignore_eos: true, temperature: 1, stream: true };
  test('are dropped, and others get theirs', async () => {
    const request = { prompt: 'Once upon a time', max_tokens: 300, ignore_eos: true, temperature: 1, seed: 3 };
    const alone = await post(at.url, '/v1/completions', request);
    const before = (await stats(at.url)).requests.cancelled;
    const raw = await Raw.open(at.url);
    raw.socket.pause();
    raw.send(httpRequest('POST', '/v1/completions', { body: JSON.stringify(long) }));
    await until(async () => (await stats(at.url)).requests.running > 0, 3000, 'running');
    const beside = await post(at.url, '/v1/completions', request);
    assert.equal(beside.json.choices[0].text, alone.json.choices[0].text);
    await until(async () => {
      const { requests } = await stats(at.url);
      return requests.cancelled > before && requests.running + requests.queued === 0;
    }, 30_000, 'the client is dropped');
    raw.socket.resume();
    await raw.end();
    assert.doesNotMatch(raw.text, /\[DONE\]/);
  });
  test('of pipelined requests, too', async () => {
    const raw = await Raw.open(at.url);
    raw.socket.pause();
    const one = httpRequest('POST', '/tokenize', { body: JSON.stringify({ text: 'word '.repeat(20_000) }) });
    for (let i = 0; i < 100; ++i) raw.send(one);
    await until(async () => (await stats(at.url)).connections <= 4, 20_000, 'the client is dropped');
    raw.destroy();
  });
  test('one that reads slowly gets all', async () => {
    const request = { prompt: 'Once', n: 8, max_tokens: 500, ignore_eos: true, temperature: 1, seed: 1, stream: true };
    const raw = await Raw.open(at.url);
    raw.send(httpRequest('POST', '/v1/completions', { body: JSON.stringify(request) }));
    for (let i = 0; i < 10; ++i) {
      raw.socket.pause();
      await sleep(100);
      raw.socket.resume();
      await sleep(20);
    }
    assert.match((await raw.answer({ ms: 30_000 })).body, /\[DONE\]\n\n$/);
    raw.destroy();
  });
});
