#!/usr/bin/env node
// Tokens a second of 1, 4 and 16 streams together, over HTTP: linnet serve beside llama.cpp's engine behind a small
// server (llama_cpp_server.mjs), on noise weights of Gemma-3-1B's shape, 4 bits each, in turns.
//
//   bench/peers/run.sh --shapes gemma3-1b --prepare --work DIR      first: fetches the engine, writes the weights
//   bench/serve/compare.mjs --work DIR [--rounds 3] [--threads 2] [--streams 1,4,16] [--tokens 64] [--prompt 16] [--json FILE]
//
// Every stream has a prompt of its own and is greedy. Counted are all tokens from the first request to the end of the
// last answer ("all", so with the prompts' reading), and those from the moment when every stream has its first ("decode").
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join, resolve as absolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({ options: {
  work: { type: 'string', default: 'build/peers' }, rounds: { type: 'string', default: '3' }, threads: { type: 'string', default: '2' },
  streams: { type: 'string', default: '1,4,16' }, tokens: { type: 'string', default: '64' }, prompt: { type: 'string', default: '16' }, json: { type: 'string' },
} });
const counts = flags.streams.split(',').map(Number);
const most = Number(flags.tokens);
const binary = process.env.LINNET_CLI ?? fileURLToPath(new URL('../../build/release/src/cli/linnet', import.meta.url));

const rows = [];

function report() {
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const of = (engine, count, what) => rows.filter((row) => row.engine === engine && row.streams === count).map((row) => row[what]);
  const shown = (values) => `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)} .. ${Math.max(...values).toFixed(1)})`;
  console.log('| streams | | llama.cpp, tokens/s | linnet, tokens/s | linnet over llama.cpp |\n| --- | --- | --- | --- | --- |');
  for (const count of counts)
    for (const what of ['all', 'decode']) {
      const [theirs, ours] = [of('llama.cpp', count, what), of('linnet', count, what)];
      if (ours.length === 0) continue;
      console.log(`| ${count} | ${what} | ${shown(theirs)} | ${shown(ours)} | ${median(ours.map((value, i) => value / theirs[i])).toFixed(2)} |`);
    }
  if (flags.json) writeFileSync(flags.json, JSON.stringify(rows, null, 1) + '\n');
}

// The servers go with this program, and what was measured until then is told.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { report(); process.exit(1); });

/// Starts a server and gives its URL, from the line that it prints.
function start(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const found = / serves at (http:\S+)/.exec(out);
      if (found) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
  });
}

/// One stream: when each piece came, and how many tokens there were.
function stream(url, prompt) {
  const body = JSON.stringify({ prompt, max_tokens: most, temperature: 0, stream: true,
    ...(url.linnet ? { ignore_eos: true, stream_options: { include_usage: true } } : {}) });
  return new Promise((resolve, reject) => {
    const request = http.request(url.url + '/v1/completions', { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } });
    request.on('error', reject);
    request.on('response', (response) => {
      const result = { first: 0, end: 0, tokens: 0 };
      let held = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        held += text;
        for (let end; (end = held.indexOf('\n\n')) >= 0; held = held.slice(end + 2)) {
          if (!held.startsWith('data: {')) continue;
          const json = JSON.parse(held.slice(6, end));
          if (json.error) return reject(new Error(json.error.message));
          if (json.usage) result.tokens = json.usage.completion_tokens;
          else result.first ||= performance.now();
        }
      });
      response.on('end', () => {
        result.end = performance.now();
        if (result.tokens !== most) reject(new Error(`status ${response.statusCode}, ${result.tokens} tokens, expected ${most}: ${held.slice(0, 300)}`));
        else resolve(result);
      });
    });
    request.end(body);
  });
}

let salt = 0;
async function together(url, count) {
  const prompts = Array.from({ length: count }, () => {
    ++salt;  // no prompt twice: nothing may be found in a cache
    return Array.from({ length: Number(flags.prompt) }, (_, i) => 1000 + (salt * 7919 + i * 104729) % 50000);
  });
  const started = performance.now();
  const results = await Promise.all(prompts.map((prompt) => stream(url, prompt)));
  const end = Math.max(...results.map((result) => result.end));
  const decoding = Math.max(...results.map((result) => result.first));
  return { all: count * most / (end - started) * 1000, decode: count * (most - 1) / (end - decoding) * 1000 };
}

const checkpoint = join(flags.work, 'gemma3-1b-4');
if (!existsSync(checkpoint) || !existsSync(join(flags.work, 'node_modules/node-llama-cpp')))
  throw new Error('prepare first: bench/peers/run.sh --shapes gemma3-1b --prepare --work ' + flags.work);
/// The checkpoint with a made-up tokenizer, so that there is text to send: bytes, and "t1000" and so on, as the GGUF has.
function withTokenizer() {
  const folder = join(flags.work, 'gemma3-1b-4-text');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of ['config.json', 'model.safetensors']) symlinkSync(absolute(checkpoint, name), join(folder, name));
  const known = JSON.parse(readFileSync(new URL('../../tests/data/text/byte_level.json', import.meta.url)));
  const bytes = Object.entries(known.model.vocab).filter(([, id]) => id < 256);
  const { vocab_size: size } = JSON.parse(readFileSync(join(checkpoint, 'config.json')));
  const vocab = Object.fromEntries([...bytes, ...Array.from({ length: size - 256 }, (_, i) => [`t${i + 256}`, i + 256])]);
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...known, added_tokens: [], pre_tokenizer: level, post_processor: null, decoder: level,
    model: { ...known.model, vocab, merges: [] } }));
  return folder;
}

const wrapper = join(flags.work, 'llama_cpp_server.mjs');  // beside node_modules, where its import looks
copyFileSync(fileURLToPath(new URL('llama_cpp_server.mjs', import.meta.url)), wrapper);
const largest = Math.max(...counts);
const engines = {
  'llama.cpp': { url: await start(process.execPath, [wrapper, join(flags.work, 'gemma3-1b-q4_0.gguf'), flags.threads, String(largest), '512']) },
  linnet: { linnet: true, url: await start(binary, ['serve', '--port', '0', '--log-level', 'warning', '--model', `gemma=${withTokenizer()}`, '--context', '512', '--threads', flags.threads]) },
};
for (const url of Object.values(engines)) await together(url, 2);  // to warm up

for (let round = 0; round < Number(flags.rounds); ++round)
  for (const count of counts)
    for (const [engine, url] of Object.entries(engines)) {
      const row = { round, engine, streams: count, ...(await together(url, count)) };
      rows.push(row);
      console.error(JSON.stringify(row));
    }
report();
process.exit(0);
