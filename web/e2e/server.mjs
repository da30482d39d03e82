// The server under test: the one at LINNET_URL, or one that is started here. LINNET_SERVER_COMMAND is how (a JSON
// list of words, to which --port N is added); without it, the mock. Tests that kill a server always start their own.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const mock = [process.execPath, join(here, "../mock/server.mjs")];
const command = process.env.LINNET_SERVER_COMMAND ? JSON.parse(process.env.LINNET_SERVER_COMMAND) : mock;

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function ready(url, process) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (process && process.exitCode !== null) throw new Error(`the server ended with ${process.exitCode}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no server is ready at ${url}`);
}

export class Server {
  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  async start() {
    const [program, ...words] = command;
    this.process = spawn(program, [...words, "--port", String(this.port)], { stdio: ["ignore", "ignore", "inherit"] });
    await ready(this.url, this.process);
  }

  /** As a crash would end it. */
  async kill() {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }
}

/** A server of the test's own. */
export async function startServer() {
  const server = new Server(await freePort());
  await server.start();
  return server;
}

/** The server that most tests share; `kill` leaves one that was there before alone. */
export async function sharedServer() {
  if (!process.env.LINNET_URL) return startServer();
  const url = process.env.LINNET_URL.replace(/\/$/, "");
  await ready(url);
  return { url, kill: async () => undefined };
}
