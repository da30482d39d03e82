// The page as it was last built, with the rest asked of a real server: to work on the page without building linnet anew.
//   linnet serve --port 8455 &
//   node mock/dev.mjs --server http://127.0.0.1:8455 [--port N] [--dist FOLDER]
import { createServer, request as ask } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sendFile } from "./files.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({ options: {
  server: { type: "string" },
  port: { type: "string", default: "8391" },
  dist: { type: "string", default: join(here, "../dist") },
} });

createServer((request, response) => {
  if (request.method === "GET" && sendFile(response, options.dist, new URL(request.url, "http://localhost").pathname)) return;
  const onward = ask(new URL(request.url, options.server), { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  onward.on("error", () => response.destroy());
  // A reader who stops must stop the server too.
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}).listen(Number(options.port), "127.0.0.1", () => console.log(`http://127.0.0.1:${options.port} shows the page of ${options.dist}`));
