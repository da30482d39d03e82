// llama.cpp's engine (node-llama-cpp's prebuilt one) behind the least of HTTP: POST /v1/completions with token ids,
// greedy, as server-sent events. Its sequences share one context, and the engine computes those that run in one batch.
// Lies beside node_modules when it runs: see compare.mjs.
//   node llama_cpp_server.mjs MODEL.gguf [threads=2] [sequences=16] [context=512]
import http from 'node:http';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const [path, threads = '2', sequences = '16', context = '512'] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath: path });
const engine = await model.createContext({ sequences: Number(sequences), contextSize: Number(context), batchSize: 512,
  threads: Number(threads), flashAttention: true });
const free = Array.from({ length: Number(sequences) }, () => engine.getSequence());
const waiting = [];

async function complete({ prompt, max_tokens: most }, response) {
  const sequence = free.pop() ?? await new Promise((resolve) => waiting.push(resolve));
  try {
    await sequence.clearHistory();
    let count = 0;
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text: model.detokenize([token]), finish_reason: null }] })}\n\n`);
      if (++count === most) break;
    }
    response.end(`data: ${JSON.stringify({ choices: [], usage: { completion_tokens: count } })}\n\ndata: [DONE]\n\n`);
  } finally {
    const next = waiting.shift();
    if (next) next(sequence);
    else free.push(sequence);
  }
}

const server = http.createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.socket.setNoDelay(true);
    complete(JSON.parse(body), response).catch((error) => response.end(`data: ${JSON.stringify({ error: { message: String(error) } })}\n\n`));
  });
});
server.listen(0, '127.0.0.1', () => console.log(`llama.cpp serves at http://127.0.0.1:${server.address().port}`));
