// A server that speaks the wire contract of `linnet serve` without a model: for working on the page.
//   node mock/server.mjs [--port N] [--dist FOLDER] [--api-key KEY] [--rate TOKENS_PER_SECOND]
// Words in the last message choose what it answers: "everything", "think", "hostile", "long", and the failures
// "fail 400", "fail 429", "fail 500", "fail stream" (an error event in the middle), "fail cut" (the connection ends).
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sendFile } from "./files.mjs";
import { hostile, showcase, story, thoughts } from "./texts.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({ options: {
  port: { type: "string", default: "8090" },
  dist: { type: "string", default: join(here, "../dist") },
  "api-key": { type: "string" },
  rate: { type: "string", default: "120" },
} });
const rate = Number(options.rate);

const models = [
  { id: "builtin", object: "model", created: 0, owned_by: "linnet",
    meta: { loaded: true, architecture: "gemma3_text", parameters: 3939520, stored_bytes: 7900000, dtype: "bf16",
            quantization: "none", context_length: 2048, has_chat_template: true, thinking: false } },
  { id: "qwen3-0.6b", object: "model", created: 0, owned_by: "linnet",
    meta: { loaded: false, architecture: "qwen3", parameters: 596049920, stored_bytes: 350000000, dtype: "bf16",
            quantization: "4 bits in groups of 64", context_length: 32768, has_chat_template: true, thinking: true } },
];
const begun = Date.now();
const counts = { running: 0, completed: 0, failed: 0, cancelled: 0, prompt: 0, cached: 0, generated: 0 };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const error = (message, type = "invalid_request_error") => ({ error: { message, type, param: null, code: null } });

function sendJson(response, status, value, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

async function readBody(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString("utf8"));
}

function answerTo(question, body) {
  if (question.includes("everything")) return showcase;
  if (question.includes("hostile")) return hostile;
  if (question.includes("long")) return Array.from({ length: 40 }, (_, at) => `Part ${at + 1}. ${story}`).join("\n\n");
  return body.ignore_eos ? Array.from({ length: 40 }, () => story).join("\n\n") : story;
}

async function chat(request, response) {
  const body = await readBody(request);
  const question = String(body.messages?.at(-1)?.content ?? "").toLowerCase();
  const failure = /fail (400|429|500)/.exec(question)?.[1];
  if (failure) {
    counts.failed++;
    return sendJson(response, Number(failure), error(`the mock was asked to fail with ${failure}`), failure === "429" ? { "Retry-After": "2" } : {});
  }
  const pieces = answerTo(question, body).match(/\s*\S{1,6}/g).slice(0, body.max_tokens ?? Infinity);
  const before = performance.now();
  let gone = false;
  response.on("close", () => (gone = true));
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  const event = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const chunk = (delta, finish_reason = null) =>
    event({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: body.model, choices: [{ index: 0, delta, finish_reason }] });
  counts.running++;
  response.write(": wait\n\n");
  await sleep(40);
  chunk({ role: "assistant" });
  const first_ms = performance.now() - before;
  if (question.includes("think") && body.enable_thinking !== false) {
    for (const piece of thoughts.match(/\s*\S+/g)) {
      if (gone) break;
      chunk({ reasoning_content: piece });
      await sleep(1000 / rate);
    }
  }
  let sent = 0;
  for (const piece of pieces) {
    if (gone) break;
    if (question.includes("fail stream") && sent === 8) {
      event(error("the mock was asked to fail in the middle", "server_error"));
      counts.running--;
      counts.failed++;
      return response.end();
    }
    if (question.includes("fail cut") && sent === 8) {
      counts.running--;
      return response.destroy();
    }
    chunk({ content: piece });
    sent++;
    counts.generated++;
    await sleep(1000 / rate);
  }
  counts.running--;
  if (gone) return void counts.cancelled++;
  counts.completed++;
  chunk({}, pieces.length === body.max_tokens ? "length" : "stop");
  const prompt_tokens = JSON.stringify(body.messages).length >> 2;
  counts.prompt += prompt_tokens;
  const seconds = (performance.now() - before) / 1000;
  event({ id: "chatcmpl-1", object: "chat.completion.chunk", choices: [],
          usage: { prompt_tokens, completion_tokens: sent, total_tokens: prompt_tokens + sent, prompt_tokens_details: { cached_tokens: prompt_tokens >> 1 } },
          timings: { queue_ms: 0.2, time_to_first_token_ms: first_ms, prompt_ms: first_ms, generation_ms: seconds * 1000,
                     prompt_tokens_per_second: prompt_tokens / first_ms * 1000, tokens_per_second: sent / seconds } });
  response.end("data: [DONE]\n\n");
}

async function classify(request, response) {
  const { input, labels } = await readBody(request);
  const texts = Array.isArray(input) ? input : [input];
  if (!labels?.length) return sendJson(response, 400, error("labels: at least one is needed"));
  await sleep(60);
  const data = texts.map((text, index) => {
    if (text === "") return { object: "classification", index, label: null, label_index: -1, error: { message: `input[${index}] is empty`, type: "invalid_request_error" } };
    const scores = labels.map((label, at) => ((text.length * 7 + at * 13 + text.charCodeAt(0)) % 17) / 4 + (text.includes(label) ? 6 : 0));
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    const probabilities = scores.map((score) => Math.exp(score) / total);
    const best = probabilities.indexOf(Math.max(...probabilities));
    return { object: "classification", index, label: labels[best], label_index: best, logprobs: probabilities.map(Math.log), probabilities };
  });
  const prompt_tokens = texts.join(" ").length >> 2;
  counts.prompt += prompt_tokens;
  sendJson(response, 200, { object: "list", model: "builtin", labels, data, usage: { prompt_tokens, total_tokens: prompt_tokens, prompt_tokens_details: { cached_tokens: 0 } } });
}

const wave = (period, low, high) => low + (high - low) * (0.5 + 0.5 * Math.sin(Date.now() / 1000 / period)) * (0.9 + 0.2 * Math.random());
function stats() {
  const spread = (p50) => ({ p50, p95: p50 * 1.8, p99: p50 * 2.6 });
  const none = { p50: null, p95: null, p99: null };
  const some = counts.completed > 0;
  return {
    version: "0.1.0-mock", uptime_seconds: (Date.now() - begun) / 1000,
    requests: { running: counts.running, queued: 0, completed: counts.completed, failed: counts.failed, cancelled: counts.cancelled },
    tokens: { prompt: counts.prompt, cached_prompt: counts.prompt >> 1, generated: counts.generated },
    rates: { window_seconds: 10, prompt_tokens_per_second: wave(7, 100, 900), generated_tokens_per_second: wave(4, 200, 1300), requests_per_second: wave(5, 1, 8) },
    latency_ms: { window_requests: counts.completed, queue: some ? spread(wave(6, 0.1, 0.6)) : none, time_to_first_token: some ? spread(wave(6, 3, 9)) : none,
                  inter_token: some ? spread(wave(9, 0.6, 1.1)) : none, end_to_end: some ? spread(wave(8, 90, 200)) : none },
    memory: { resident_bytes: wave(20, 6e7, 7e7), ceiling_bytes: 2e9, reserved_bytes: 4e7, active_bytes: wave(11, 1.5e7, 3e7), cached_bytes: 8e6 },
    models: [{ id: "builtin", loaded: true, in_use: counts.running > 0, active_bytes: 2e7, cached_bytes: 8e6, peak_bytes: 3.1e7, limit_bytes: 1e9, context_length: 2048 }],
    connections: 2,
  };
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  try {
    if (pathname === "/healthz") return sendJson(response, 200, { status: "ok" });
    if (pathname === "/readyz") return sendJson(response, 200, { status: "ready" });
    if (pathname.startsWith("/v1/") && options["api-key"] && request.headers.authorization !== `Bearer ${options["api-key"]}`) {
      return sendJson(response, 401, error("the API key is missing or wrong", "authentication_error"));
    }
    const route = `${request.method} ${pathname}`;
    if (route === "POST /v1/chat/completions") return await chat(request, response);
    if (route === "POST /v1/classify") return await classify(request, response);
    if (route === "GET /v1/models") return sendJson(response, 200, { object: "list", data: models });
    if (route === "GET /v1/stats") return sendJson(response, 200, stats());
    if (!sendFile(response, options.dist, pathname)) sendJson(response, 404, error(`there is no ${route}`, "not_found_error"));
  } catch (problem) {
    if (response.headersSent) response.destroy();
    else sendJson(response, 400, error(String(problem)));
  }
});
server.listen(Number(options.port), "127.0.0.1", () => console.log(`mock of linnet serve on http://127.0.0.1:${server.address().port}`));
