// The classify tab: a file in, a table and a file out.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { close, launch, open, screenshot } from "./browser.mjs";
import { sharedServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  server = await sharedServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.kill();
});

const run = (page) => page.locator("#panel-classify").getByRole("button", { name: "Classify", exact: true }).click();
const finished = (page) => page.locator("[data-testid=classify-results][data-state=done]").waitFor();

test("a JSONL file is classified, shown and downloaded", async () => {
  const page = await open(browser, `${server.url}/#classify`);
  const kinds = ["How do I sort a vector of pairs in C++?", "Write a poem about the sea.", "Is it wrong to lie?", "hey, how are you?"];
  const lines = Array.from({ length: 150 }, (_, at) => JSON.stringify({ id: at, prompt: `${kinds[at % 4]} (${at})` }));
  lines[70] = "{broken";
  const file = join(await mkdtemp(join(tmpdir(), "linnet-")), "texts.jsonl");
  writeFileSync(file, lines.join("\n"));
  await page.getByTestId("classify-file").setInputFiles(file);
  await page.getByText("texts.jsonl: 150 objects").waitFor();
  assert.equal(await page.getByLabel("Member with the text").inputValue(), "prompt");
  await run(page);
  await finished(page);
  const rows = page.getByTestId("classify-table").locator("tbody tr");
  assert.equal(await rows.count(), 50);
  assert.match(await rows.first().innerText(), /sort a vector[\s\S]*\d %/);
  assert.match(await page.getByTestId("classify-counts").innerText(), /technical/);
  await page.getByLabel("Show").selectOption({ label: "errors" });
  assert.equal(await rows.count(), 1);
  assert.match(await rows.first().innerText(), /not JSON/);
  await screenshot(page, "classify");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "JSONL" }).click()]);
  const output = readFileSync(await download.path(), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(output.length, 150);
  assert.equal(output[5].id, 5);
  assert.ok(["technical", "creative", "ethical", "casual"].includes(output[5].label));
  const total = Object.values(output[5].scores).reduce((sum, score) => sum + score, 0);
  assert.ok(Math.abs(total - 1) < 1e-3, `scores add up to ${total}`);
  await close(page);
});

test("pasted lines are classified; without labels or texts it says what is missing", async () => {
  const page = await open(browser, `${server.url}/#classify`);
  await run(page);
  await page.getByRole("alert").getByText("no text to classify").waitFor();
  await page.getByTestId("classify-texts").fill("one line\nanother line\n");
  await page.getByTestId("classify-labels").fill("");
  await run(page);
  await page.getByRole("alert").getByText("at least one label").waitFor();
  await page.getByTestId("classify-labels").fill("spam, ham");
  await run(page);
  await finished(page);
  assert.equal(await page.getByTestId("classify-table").locator("tbody tr").count(), 2);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  assert.match(readFileSync(await download.path(), "utf8"), /^text,label,p\(spam\),p\(ham\),error\r\none line,(spam|ham),0\.\d+/);
  await close(page);
});

test("a failure in the middle is shown and can be retried from there", async () => {
  const page = await open(browser, `${server.url}/#classify`);
  let calls = 0;
  await page.route("**/v1/classify", (route) => {
    calls += 1;
    if (calls !== 2) return route.continue();
    return route.fulfill({ status: 429, contentType: "application/json", body: JSON.stringify({ error: { message: "the queue is full" } }) });
  });
  await page.getByTestId("classify-texts").fill(Array.from({ length: 100 }, (_, at) => `text ${at}`).join("\n"));
  await run(page);
  await page.getByTestId("classify-error").getByText("the queue is full").waitFor();
  await page.getByText("64 of 100").waitFor();
  await page.getByRole("button", { name: "Retry from here" }).click();
  await finished(page);
  assert.equal(calls, 3);
  await close(page);
});
