// How the server is told what to do: flags, environment, a file, keys, certificates.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { program, startServer } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'linnet-configuration-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/// What a server says that does not start.
function refused(args, env = {}) {
  const result = spawnSync(program, ['serve', ...args], { env: { ...process.env, ...env }, encoding: 'utf8', timeout: 60_000 });
  assert.notEqual(result.status, 0, 'it started');
  return result.stderr;
}

describe('options', () => {
  test('flags come before the environment, and that before the file', async () => {
    const config = join(folder, 'linnet.toml');
    writeFileSync(config, 'model = ["first=builtin", "second=builtin"]\nmax-queue = 11\nmax-batch = 12\nmax-readers = 3\napi-key = ["from-the-file"]\n');
    const server = await startServer(['--config', config, '--max-queue', '33'], { LINNET_MAX_QUEUE: '22', LINNET_MAX_BATCH: '23' });
    try {
      const log = server.stderr();
      assert.match(log, /max_queue=33/);
      assert.match(log, /max_batch=23/);
      assert.match(log, /max_readers=3/);
      assert.match(log, /api_keys=1/);
      assert.doesNotMatch(log, /from-the-file/);
      const headers = { authorization: 'Bearer from-the-file' };
      const list = await (await fetch(`${server.url}/v1/models`, { headers })).json();
      assert.deepEqual(list.data.map((model) => model.id), ['first', 'second']);
    } finally {
      await server.stop();
    }
  });

  test('what is wrong is named, and nothing starts', () => {
    const config = join(folder, 'wrong.toml');
    writeFileSync(config, 'no-such-option = 1\n');
    assert.match(refused(['--config', config]), /no-such-option/);
    assert.match(refused(['--port', '70000']), /70000/);
    assert.match(refused(['--max-body', 'large']), /large/);
    assert.match(refused(['--host', 'not-an-address', '--insecure']), /not-an-address/);
    assert.match(refused(['--model', join(folder, 'nothing')]), /nothing/);
    assert.match(refused(['--model', 'a=builtin', '--model', 'a=builtin']), /"a"/);
    assert.match(refused(['--tls-key', join(folder, 'key.pem')]), /certificate/);
  });

  test('nobody else is served without a key', async () => {
    assert.match(refused(['--host', '0.0.0.0', '--port', '0']), /no API key/);
    const keys = join(folder, 'keys');
    writeFileSync(keys, '# keys\nopen-sesame  \n');
    const server = await startServer(['--host', '0.0.0.0', '--api-key-file', keys]);
    try {
      const url = `http://127.0.0.1:${new URL(server.url).port}`;
      assert.equal((await fetch(`${url}/v1/models`)).status, 401);
      assert.equal((await fetch(`${url}/v1/models`, { headers: { 'x-api-key': 'open-sesame' } })).status, 200);
    } finally {
      await server.stop();
    }
  });
});

test('HTTPS with a certificate', async () => {
  const key = join(folder, 'key.pem');
  const certificate = join(folder, 'certificate.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', certificate,
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  const server = await startServer(['--tls-certificate', certificate, '--tls-key', key]);
  try {
    assert.match(server.url, /^https:/);
    const ask = (path, body) => new Promise((resolve, reject) => {
      const request = https.request(server.url + path, { method: body ? 'POST' : 'GET', ca: [execFileSync('cat', [certificate])] }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece) => { text += piece; }).on('end', () => resolve({ status: response.statusCode, text }));
      });
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });
    const body = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20, temperature: 0 };
    const whole = JSON.parse((await ask('/v1/chat/completions', body)).text).choices[0].message.content;
    const events = (await ask('/v1/chat/completions', { ...body, stream: true })).text.split('\n\n').filter((event) => event.startsWith('data: {'));
    assert.equal(events.map((event) => JSON.parse(event.slice(6)).choices[0].delta.content ?? '').join(''), whole);
    assert.ok(whole.length > 5);
    // Plain HTTP at the same port is not served, and harms nobody.
    await assert.rejects(fetch(server.url.replace('https', 'http') + '/healthz'));
    assert.equal((await ask('/healthz')).status, 200);
  } finally {
    await server.stop();
  }
});
