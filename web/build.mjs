// Builds the page into a folder: node build.mjs OUT. The names of what it writes are fixed, since
// CMake must know them before it runs (cmake/LinnetWeb.cmake has the same list), and the same
// sources give the same bytes.
import { build } from "esbuild";
import { gzipSync, constants } from "node:zlib";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? process.env.LINNET_WEB_OUT ?? join(here, "dist");
mkdirSync(out, { recursive: true });

// Parts that are fetched when they are needed. They share no code with app.js or each other, so each
// is a bundle of its own and no chunk gets a name that depends on its contents.
const lazy = ["markdown", "math", "highlight"];
const lazyParts = {
  name: "lazy-parts",
  setup(builder) {
    const names = new RegExp(`^\\./(${lazy.join("|")})\\.js$`);
    builder.onResolve({ filter: names }, (found) =>
      found.kind === "dynamic-import" ? { path: found.path, external: true } : undefined);
  },
};

const shared = {
  absWorkingDir: here,
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",  // the notices are in licenses.txt
  metafile: true,
  logLevel: "warning",
};
const results = await Promise.all([
  build({ ...shared, entryPoints: { app: "src/main.tsx" }, plugins: [lazyParts],
          jsx: "automatic", jsxImportSource: "preact" }),
  ...lazy.map((name) => build({ ...shared, entryPoints: { [name]: `src/lazy/${name}.ts` } })),
  build({ ...shared, entryPoints: { app: "src/styles/app.css" } }),
  build({ ...shared, format: "iife", entryPoints: { theme: "src/theme.ts" } }),
]);

/** The licences of the packages whose code is in the bundles, which all ask to be passed on. */
function licenses() {
  const packages = new Set();
  for (const { metafile } of results) {
    for (const input of Object.keys(metafile.inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
      if (name) packages.add(name);
    }
  }
  const parts = ["The chat page of linnet contains code of these packages."];
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    parts.push(`== ${name} ${version} (${license}) ==\n\n${readFileSync(join(folder, file), "utf8").trim()}`);
  }
  return parts.join("\n\n") + "\n";
}

for (const name of ["index.html", "favicon.svg"]) {
  writeFileSync(join(out, name), readFileSync(join(here, "src", name)));
}
writeFileSync(join(out, "licenses.txt"), licenses());

const files = ["index.html", "favicon.svg", "licenses.txt", "theme.js", "app.js", "app.css",
               ...lazy.map((name) => `${name}.js`)];
let total = 0;
for (const name of files) {
  const packed = gzipSync(readFileSync(join(out, name)), { level: constants.Z_BEST_COMPRESSION });
  packed[9] = 255;  // the operating system byte: the same file wherever it was built (zlib writes no time)
  writeFileSync(join(out, `${name}.gz`), packed);
  total += packed.length;
  console.log(`${name.padEnd(14)} ${String(packed.length).padStart(7)} bytes compressed`);
}
console.log(`${"all".padEnd(14)} ${String(total).padStart(7)}`);
