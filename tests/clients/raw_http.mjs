// HTTP by hand over a socket: for requests that no client would send.
import { connect } from 'node:net';
import { once } from 'node:events';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// The answer that begins a text of bytes (latin1), and what follows it; null if it is not whole.
function takeAnswer(text, { ended, head }) {
  const top = text.indexOf('\r\n\r\n');
  if (top < 0) return null;
  const [line, ...fields] = text.slice(0, top).split('\r\n');
  const [, version, status] = /^HTTP\/(1\.[01]) (\d{3}) /.exec(line) ?? [];
  if (!status) throw new Error(`no status line: ${JSON.stringify(line.slice(0, 100))}`);
  const headers = Object.fromEntries(fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  const answer = { status: Number(status), version, headers, body: '' };
  let rest = text.slice(top + 4);
  if (head || status === '204' || status === '304' || status[0] === '1') return { answer, rest };
  if (headers['transfer-encoding'] === 'chunked') {
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return null;
      const size = Number.parseInt(rest.slice(0, end), 16);
      if (rest.length < end + 4 + size) return null;
      answer.body += rest.slice(end + 2, end + 2 + size);
      rest = rest.slice(end + 4 + size);
      if (size === 0) return { answer, rest };
    }
  }
  if (headers['content-length'] === undefined) {
    if (!ended) return null;
    answer.body = rest;
    return { answer, rest: '' };
  }
  const length = Number(headers['content-length']);
  if (rest.length < length) return null;
  answer.body = rest.slice(0, length);
  return { answer, rest: rest.slice(length) };
}

export class Raw {
  /// A connection to a server of startServer().
  static async open(url) {
    const raw = new Raw();
    raw.socket = connect(Number(new URL(url).port), '127.0.0.1');
    raw.socket.on('error', (error) => { raw.error = error; });
    raw.socket.on('data', (bytes) => { raw.text += bytes.toString('latin1'); });
    raw.socket.on('close', () => { raw.closed = true; });
    raw.socket.on('end', () => { raw.ended = true; });
    await once(raw.socket, 'connect');
    return raw;
  }
  text = '';
  ended = false;
  closed = false;
  error = null;

  send(bytes) {
    if (!this.closed) this.socket.write(bytes);
    return this;
  }
  /// The next answer. Fails after a while, or when the connection ends before it.
  async answer({ ms = 5000, head = false } = {}) {
    for (const end = performance.now() + ms; ; await sleep(2)) {
      const ended = this.ended || this.closed;
      const taken = takeAnswer(this.text, { ended, head });
      if (taken) {
        this.text = taken.rest;
        return taken.answer;
      }
      if (ended) throw new Error(`the connection ended (${this.error}) after ${JSON.stringify(this.text.slice(0, 200))}`);
      if (performance.now() > end) throw new Error(`no answer within ${ms} ms, but ${JSON.stringify(this.text.slice(0, 200))}`);
    }
  }
  /// Waits for the server to end the connection; the milliseconds that it took.
  async end(ms = 5000) {
    const started = performance.now();
    while (!this.ended && !this.closed) {
      if (performance.now() - started > ms) throw new Error(`the connection is open after ${ms} ms`);
      await sleep(2);
    }
    return performance.now() - started;
  }
  destroy() {
    this.socket.destroy();
  }
}

/// The bytes of a request. A body gets its length, unless `headers` say otherwise.
export function httpRequest(method, path, { headers = {}, body = '', version = '1.1' } = {}) {
  const bytes = Buffer.from(body);
  const all = { host: '127.0.0.1', ...(bytes.length > 0 ? { 'content-length': bytes.length } : {}), ...headers };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`), bytes]);
}

/// One request on a connection of its own.
export async function ask(url, method, path, options = {}) {
  const raw = await Raw.open(url);
  try {
    return await raw.send(httpRequest(method, path, options)).answer({ head: method === 'HEAD', ...options });
  } finally {
    raw.destroy();
  }
}
