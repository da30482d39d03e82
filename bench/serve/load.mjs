#!/usr/bin/env node
// Load for a server with OpenAI's interface: many streaming clients in one process of their own. Needs Node 18 alone.
//
//   load.mjs --url URL --clients 500 --seconds 120        closed loop: each client asks again when it has its answer
//   load.mjs --url URL --rate 20 --seconds 60             open loop: requests arrive at random (Poisson), 20 a second
//
//   --check            first asks each prompt once alone; then every answer must be the same, byte for byte, and what a
//                      client has read when it leaves must be the beginning of it
//   --leave FRACTION   so many of the clients leave at a random moment of their answer
//   --prompts 32       distinct prompts; each has a seed and is sampled at temperature 1
//   --max-tokens 96    --ignore-eos (plain texts of exactly so many tokens)
//   --seed 1           of prompts, arrivals and departures
//   --model NAME       --key KEY        --json FILE ("-": standard output)
//
// Ends with status 1 if a request failed or an answer was another one.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({ options: {
  url: { type: 'string', default: 'http://127.0.0.1:8090' }, clients: { type: 'string' }, rate: { type: 'string' },
  seconds: { type: 'string', default: '30' }, check: { type: 'boolean', default: false }, leave: { type: 'string', default: '0' },
  prompts: { type: 'string', default: '32' }, 'max-tokens': { type: 'string', default: '96' }, 'ignore-eos': { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' }, model: { type: 'string' }, key: { type: 'string' }, json: { type: 'string' },
} });
const seconds = Number(flags.seconds);
const leave = Number(flags.leave);
const maxTokens = Number(flags['max-tokens']);
if (!flags.clients === !flags.rate) throw new Error('give either --clients or --rate');

const url = new URL(flags.url);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const headers = { 'content-type': 'application/json', ...(flags.key ? { authorization: `Bearer ${flags.key}` } : {}) };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Numbers in [0, 1) that a seed fixes (mulberry32).
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const WHO = ['a cat', 'a small dog', 'an old king', 'a girl called Mia', 'a brave knight', 'a grey mouse', 'two friends', 'a bird'];
const WHERE = ['in the forest', 'by the sea', 'in a big town', 'on a farm', 'at school', 'in the snow', 'on a boat', 'in the garden'];
const WHAT = ['Tell me a story about', 'Please write about', 'Once upon a time there was', 'What happened to'];

function makePrompts(count, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  return Array.from({ length: count }, (_, i) => {
    const text = `${pick(WHAT)} ${pick(WHO)} ${pick(WHERE)}, number ${i}.`;
    const body = { stream: true, stream_options: { include_usage: true }, temperature: 1, seed: i, max_tokens: maxTokens, model: flags.model };
    return flags['ignore-eos'] ? { path: '/v1/completions', body: JSON.stringify({ ...body, prompt: text, ignore_eos: true }) }
      : { path: '/v1/chat/completions', body: JSON.stringify({ ...body, messages: [{ role: 'user', content: text }] }) };
  });
}

/// One request. Leaves after `leaveAfter` pieces of text, if that is given.
///   {status, text, whole, left, tokens, error, firstMs, gapsMs, totalMs}
function ask(prompt, leaveAfter = Infinity) {
  return new Promise((resolve) => {
    const started = performance.now();
    const result = { status: 0, text: '', whole: false, left: false, tokens: 0, error: null, firstMs: null, gapsMs: [], totalMs: 0 };
    let last = 0;
    let pieces = 0;
    let held = '';
    let settled = false;
    const finish = (error) => {
      if (settled) return;
      settled = true;
      if (error && !result.whole && !result.left) result.error ??= String(error);
      result.totalMs = performance.now() - started;
      resolve(result);
    };
    const request = http.request({ host: url.hostname, port: url.port, path: prompt.path, method: 'POST', agent,
      headers: { ...headers, 'content-length': Buffer.byteLength(prompt.body) } });
    const go = () => {
      if (settled) return;  // its connection may be another request's by now
      result.left = true;
      finish();
      request.destroy();
    };
    const event = (data, now) => {
      if (data === '[DONE]') {
        result.whole = true;
        return;
      }
      const json = JSON.parse(data);
      if (json.error) {
        result.error = json.error.message;
        return;
      }
      if (json.usage) result.tokens = json.usage.completion_tokens;
      const choice = json.choices[0];
      const piece = choice?.delta?.content || choice?.text;
      if (!piece) return;
      result.text += piece;
      if (++pieces === 1) result.firstMs = now - started;
      else result.gapsMs.push(now - last);
      last = now;
    };
    request.on('error', finish);
    request.on('response', (response) => {
      result.status = response.statusCode;
      response.setEncoding('utf8');
      response.on('data', (bytes) => {
        if (settled) return;
        held += bytes;
        if (result.status !== 200) return;
        const now = performance.now();
        for (let end; (end = held.indexOf('\n\n')) >= 0; held = held.slice(end + 2)) {
          if (held.startsWith('data: ')) event(held.slice(6, end), now);
          if (pieces >= leaveAfter) return go();
        }
      });
      response.on('end', () => {
        if (settled) return;  // destroy() tells the end of an answer that had all arrived
        if (result.status !== 200) result.error = `status ${result.status}: ${held.slice(0, 200)}`;
        else if (!result.whole) result.error ??= 'the stream ended before [DONE]';
        finish();
      });
      response.on('error', finish);
      response.on('close', () => finish('the connection was closed'));
    });
    request.end(prompt.body);
    // Before the first piece: while it waits.
    if (leaveAfter <= 0) setTimeout(go, -leaveAfter);
  });
}

async function stats() {
  const response = await fetch(new URL('/v1/stats', url), { headers });
  if (!response.ok) return null;  // another server
  return response.json();
}
async function quiet() {
  for (let i = 0; i < 600; ++i, await sleep(50)) {
    const { running, queued } = (await stats())?.requests ?? { running: 0, queued: 0 };
    if (running + queued === 0) return;
  }
}
const memoryOf = (found) => found && { resident_bytes: found.memory.resident_bytes, active_bytes: found.memory.active_bytes,
  cached_bytes: found.memory.cached_bytes, prefix_cache_bytes: found.models.reduce((sum, model) => sum + (model.prefix_cache_bytes ?? 0), 0) };

function quantiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (q) => (sorted.length === 0 ? null : Number(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(2)));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

// What happened, of all requests.
const totals = { completed: 0, left: 0, refused: 0, errors: 0, wrong: 0, tokens: 0, characters: 0 };
const first = [];
const gaps = [];
const whole = [];
const complaints = [];

function account(prompt, result) {
  totals.characters += result.text.length;
  if (result.firstMs !== null) first.push(result.firstMs);
  for (const gap of result.gapsMs) gaps.push(gap);
  if (result.status === 429) {
    ++totals.refused;
  } else if (result.error) {
    ++totals.errors;
    if (complaints.length < 10) complaints.push(result.error);
  } else {
    ++totals[result.left ? 'left' : 'completed'];
    totals.tokens += result.tokens;
    if (!result.left) whole.push(result.totalMs);
  }
  if (prompt.expected === undefined || result.error) return;
  const right = result.left ? prompt.expected.startsWith(result.text) : prompt.expected === result.text;
  if (right) return;
  ++totals.wrong;
  if (complaints.length < 10) complaints.push(`expected ${JSON.stringify(prompt.expected)}, got ${JSON.stringify(result.text)}`);
}

/// When a client leaves: not at all, after some pieces, or (minus) after milliseconds.
function departure(random, prompt) {
  if (random() >= leave) return Infinity;
  if (random() < 0.2) return -random() * 500;
  return 1 + Math.floor(random() * Math.max(1, prompt.pieces ?? maxTokens));
}

async function closedLoop(prompts, end) {
  await Promise.all(Array.from({ length: Number(flags.clients) }, async (_, i) => {
    const random = randomOf(Number(flags.seed) * 7919 + i);
    while (performance.now() < end) {
      const prompt = prompts[Math.floor(random() * prompts.length)];
      const result = await ask(prompt, departure(random, prompt));
      account(prompt, result);
      if (result.status === 429 || result.error) await sleep(1000);
    }
  }));
}

async function openLoop(prompts, end) {
  const random = randomOf(Number(flags.seed) * 7919);
  const running = [];
  for (let next = performance.now(); next < end; next += -Math.log(1 - random()) * 1000 / Number(flags.rate)) {
    const wait = next - performance.now();
    if (wait > 0) await sleep(wait);
    const prompt = prompts[Math.floor(random() * prompts.length)];
    running.push(ask(prompt, departure(random, prompt)).then((result) => account(prompt, result)));
  }
  await Promise.all(running);
}

const prompts = makePrompts(Number(flags.prompts), randomOf(Number(flags.seed)));
const memory = { start: memoryOf(await stats()) };
if (flags.check) {
  for (const prompt of prompts) {
    const result = await ask(prompt);
    if (result.error) throw new Error(`alone: ${result.error}`);
    prompt.expected = result.text;
    prompt.pieces = result.gapsMs.length + 1;
  }
  memory.alone = memoryOf(await stats());
}
const before = await stats();
const started = performance.now();
await (flags.clients ? closedLoop : openLoop)(prompts, started + seconds * 1000);
const took = (performance.now() - started) / 1000;
await quiet();
const after = await stats();
memory.end = memoryOf(after);
await sleep(7000);  // memory goes back after a rest of some seconds
memory.later = memoryOf(await stats());

const report = {
  mode: flags.clients ? `${flags.clients} clients` : `${flags.rate} requests/s`, seconds: Number(took.toFixed(1)), leave, prompts: prompts.length, max_tokens: maxTokens,
  requests: totals.completed + totals.left + totals.refused + totals.errors, ...totals,
  requests_per_second: Number(((totals.completed + totals.left) / took).toFixed(1)),
  answers_sha256: flags.check ? createHash('sha256').update(prompts.map((prompt) => prompt.expected).join('\0')).digest('hex').slice(0, 16) : null,
  tokens_per_second: Number(((after ? after.tokens.generated - before.tokens.generated : totals.tokens) / took).toFixed(1)),
  time_to_first_token_ms: quantiles(first), inter_token_ms: quantiles(gaps), end_to_end_ms: quantiles(whole), memory, complaints,
};
if (flags.json) {
  const text = JSON.stringify(report, null, 2) + '\n';
  if (flags.json === '-') process.stdout.write(text);
  else writeFileSync(flags.json, text);
}
if (flags.json !== '-') {
  const line = ({ p50, p95, p99 }) => `p50 ${p50}  p95 ${p95}  p99 ${p99} ms`;
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  console.log(`${report.mode}, ${report.seconds} s: ${report.requests} requests (${totals.completed} whole, ${totals.left} left, ${totals.refused} refused, ` +
    `${totals.errors} errors), ${report.requests_per_second} requests/s, ${report.tokens_per_second} tokens/s`);
  console.log(`first token   ${line(report.time_to_first_token_ms)}`);
  console.log(`between two   ${line(report.inter_token_ms)}`);
  console.log(`whole answer  ${line(report.end_to_end_ms)}`);
  for (const [name, found] of Object.entries(memory))
    if (found) console.log(`memory ${name.padEnd(6)} resident ${mib(found.resident_bytes)} MiB, models ${mib(found.active_bytes)} MiB in use + ${mib(found.cached_bytes)} kept, prefix cache ${mib(found.prefix_cache_bytes)}`);
  if (flags.check) console.log(totals.wrong === 0 ? 'every answer is the one that was given alone' : `${totals.wrong} answers are others than those given alone`);
  for (const complaint of complaints) console.log(`  ${complaint}`);
}
agent.destroy();
process.exitCode = totals.errors + totals.wrong > 0 ? 1 : 0;
