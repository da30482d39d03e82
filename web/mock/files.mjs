// The files of the page, served as `linnet serve` does: compressed, under its content policy.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8",
                svg: "image/svg+xml", txt: "text/plain; charset=utf-8" };

/** Sends the file of a path if there is one. */
export function sendFile(response, folder, path) {
  const name = path === "/" ? "index.html" : path.slice(1);
  const file = join(folder, `${name}.gz`);
  if (!/^[a-z.-]+$/.test(name) || !existsSync(file)) return false;
  response.writeHead(200, {
    "Content-Type": types[name.split(".").pop()] ?? "application/octet-stream", "Content-Encoding": "gzip",
    "Content-Security-Policy": policy, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
  });
  response.end(readFileSync(file));
  return true;
}
