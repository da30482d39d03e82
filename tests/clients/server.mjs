// Starts `linnet serve` for a test, on a port that is free.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/// The program under test.
export const program = process.env.LINNET_CLI ??
  fileURLToPath(new URL('../../build/release/src/cli/linnet', import.meta.url));
const START_MS = 60_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A failed test must leave no server behind, nor one that a test runner gave up.
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/// The URL in the line "linnet serves at URL".
function servedUrl(child, stderr) {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const found = /^linnet serves at (\S+)$/m.exec(out);
      if (found) resolve(found[1]);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`linnet serve ended (${code ?? signal}) before it served:\n${stderr()}`)));
  });
}

async function untilReady(url, child, stderr) {
  if (url.startsWith('https:')) return;  // the certificate is the test's business; requests wait for the model
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(20)) {
    if (child.exitCode !== null) break;
    // One connection a question, so that none stays open behind a test's back.
    const answer = await fetch(url + '/readyz', { headers: { connection: 'close' } }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
  }
  throw new Error(`linnet serve is not ready:\n${stderr()}`);
}

/// `linnet serve --port 0 ...args`, ready to answer.
///   url       http://127.0.0.1:PORT
///   stop()    SIGTERM, if it still runs; the exit code
///   kill(s)   sends a signal (SIGKILL) and waits for the end; {code, signal}
///   exited    a promise of {code, signal}
///   process   the child process
///   stderr()  its log up to now
export async function startServer(args = [], env = {}) {
  const child = spawn(program, ['serve', '--port', '0', ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { log += text; });
  const stderr = () => log;
  const exited = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return { code, signal };
  });
  exited.catch(() => {});
  try {
    const url = await servedUrl(child, stderr);
    await untilReady(url, child, stderr);
    const kill = (signal = 'SIGKILL') => {
      child.kill(signal);
      return exited;
    };
    const stop = async () => (await kill('SIGTERM')).code;
    return { url, stop, kill, exited, process: child, stderr };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
