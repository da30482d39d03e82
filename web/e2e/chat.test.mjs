// Conversations: streaming, stop, branches, what is kept, what is exported.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { answers, ask, begin, close, launch, makeAnswersLong, open, questions, screenshot, slowDown } from "./browser.mjs";
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

const story = "Tell me a story about a fox.";

async function importFile(page, content, name = "conversations.json") {
  const file = join(await mkdtemp(join(tmpdir(), "linnet-")), name);
  writeFileSync(file, content);
  await page.getByTestId("import").setInputFiles(file);
}

async function exportOf(page, item) {
  await page.getByRole("button", { name: "Export and import" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: item }).click()]);
  return readFileSync(await download.path(), "utf8");
}

test("an answer streams in, with its figures under it", async () => {
  const page = await open(browser, server.url);
  await screenshot(page, "empty");
  await ask(page, story);
  assert.match(await answers(page).innerText(), /\w{3,}/);
  const figures = await page.getByTestId("metrics").innerText();
  assert.match(figures, /tokens\/s/);
  assert.match(figures, /first token/);
  assert.match(figures.replace(/\s+/g, " "), /context [\d,]+ \/ [\d,]+/);
  assert.match(await page.getByTestId("live").innerText(), /Answer complete/);
  await screenshot(page, "chat-light");
  await close(page);
});

test("an example begins a conversation by a click", async () => {
  const page = await open(browser, server.url);
  await page.getByRole("button", { name: story }).click();
  await answers(page, "done").waitFor();
  assert.equal(await page.locator(".chat-title").innerText(), story);
  await close(page);
});

test("stop keeps what has come, by button and by Escape", async () => {
  const page = await open(browser, server.url);
  await makeAnswersLong(page);
  const speedUp = await slowDown(page);
  await begin(page, story);
  await page.getByRole("button", { name: "Stop" }).click();
  await answers(page, "stopped").waitFor();
  assert.match(await answers(page, "stopped").locator(".markdown").innerText(), /\S/);
  await begin(page, "Tell me another one.");
  await page.keyboard.press("Escape");
  await answers(page, "stopped").nth(1).waitFor();
  await page.unrouteAll();
  await speedUp();
  await ask(page, "And now a short one.");
  await close(page);
});

test("editing branches, regenerating adds an answer, and the arrows lead between them", async () => {
  const page = await open(browser, server.url);
  await ask(page, story);
  await ask(page, "What is the capital of France?");
  await questions(page).first().getByRole("button", { name: "Edit message" }).click();
  await page.getByLabel("Edit the message").fill("Tell me a story about a cat.");
  await page.getByRole("button", { name: "Send as new branch" }).click();
  await answers(page, "done").waitFor();
  await questions(page).filter({ hasText: "2/2" }).waitFor();
  assert.equal(await questions(page).count(), 1, "what followed the old message is not shown");
  await page.getByRole("button", { name: "Previous version of this message" }).click();
  assert.match(await questions(page).first().innerText(), /fox/);
  assert.equal(await questions(page).count(), 2, "but it is still there");
  await page.getByRole("button", { name: "Regenerate" }).last().click();
  await answers(page).last().getByText("2/2").waitFor();
  await page.locator("[data-testid=assistant-message][data-status=done]:last-child").waitFor();
  await page.getByRole("button", { name: "Previous answer" }).click();
  await answers(page).last().getByText("1/2").waitFor();
  await screenshot(page, "branches");
  await close(page);
});

test("a reload keeps conversations; they are renamed, found, deleted, and brought back", async () => {
  const page = await open(browser, server.url);
  await ask(page, story);
  const text = await answers(page).locator(".markdown").innerText();
  await page.reload();
  await answers(page, "done").waitFor();
  await page.waitForFunction((expected) => document.querySelector(".markdown")?.innerText === expected, text);

  const list = page.getByRole("navigation", { name: "Conversations" });
  await list.getByRole("button", { name: `Actions for ${story}` }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByLabel("Name of the conversation").fill("Vulpes");
  await page.keyboard.press("Enter");
  await list.getByRole("button", { name: "Vulpes", exact: true }).waitFor();

  const search = page.getByLabel("Search conversations");
  await search.fill("fox story");  // in the text only, by now
  await list.getByRole("button", { name: "Vulpes", exact: true }).waitFor();
  await search.fill("zebra");
  await list.getByText("No conversation has these words.").waitFor();
  await search.fill("");

  await list.getByRole("button", { name: "Actions for Vulpes" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await list.getByText("No conversations yet.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await list.getByRole("button", { name: "Vulpes", exact: true }).click();
  await answers(page, "done").waitFor();
  await page.reload();
  await list.getByRole("button", { name: "Vulpes", exact: true }).waitFor();
  await close(page);
});

test("a page that is left while an answer comes shows the part that had come", async () => {
  const page = await open(browser, server.url);
  await makeAnswersLong(page);
  const speedUp = await slowDown(page);
  await begin(page, story);
  await page.waitForTimeout(600);
  await page.reload();
  await answers(page, "interrupted").waitFor();
  await answers(page, "interrupted").locator(".markdown", { hasText: /\S/ }).waitFor();
  await page.unrouteAll();
  await speedUp();
  await page.getByRole("button", { name: "Retry" }).click();
  await answers(page, "done").waitFor();
  await close(page);
});

test("what was exported can be imported, as JSON and as Markdown", async () => {
  const page = await open(browser, server.url);
  await ask(page, story);
  const text = await answers(page).locator(".markdown").innerText();
  const files = { "a.json": await exportOf(page, "Export all as JSON"), "a.md": await exportOf(page, "Export all as Markdown") };
  assert.equal(JSON.parse(files["a.json"]).format, "linnet.conversations");
  assert.match(files["a.md"], /^# Tell me a story about a fox\.\n/);
  await close(page);
  for (const [name, content] of Object.entries(files)) {
    const other = await open(browser, server.url);
    await importFile(other, content, name);
    await answers(other, "done").waitFor();
    await other.waitForFunction((expected) => document.querySelector(".markdown")?.innerText === expected, text);
    await importFile(other, "{\"format\":\"other\"}", "bad.json");
    await other.locator(".toast-error", { hasText: "bad.json was not imported" }).waitFor();
    await close(other);
  }
});

test("tables, code and maths are set, and what could do harm is not", async () => {
  const page = await open(browser, server.url);
  const { showcase, hostile } = await import("../mock/texts.mjs");
  const message = (id, parent, role, content) => ({ id, parent, role, content, status: "done", createdAt: 1 });
  const file = (content) => JSON.stringify({ format: "linnet.conversations", version: 1, conversations: [{
    title: "Imported", titled: true, createdAt: 1, updatedAt: 1, messages: [message("u", null, "user", "Show me"), message("a", "u", "assistant", content)],
  }] });
  await importFile(page, file(showcase));
  await page.locator(".markdown table td", { hasText: "groups of 64" }).waitFor();
  await page.locator(".markdown .hljs-keyword").first().waitFor();
  await page.locator(".markdown math mfrac").waitFor();
  assert.equal(await page.locator(".markdown a").getAttribute("rel"), "noopener noreferrer");
  await screenshot(page, "markdown");
  await importFile(page, file(hostile));
  await page.locator(".markdown", { hasText: "click" }).waitFor();
  const found = await page.evaluate(() => {
    const root = document.querySelector(".markdown");
    const attributes = [...root.querySelectorAll("*")].flatMap((element) => [...element.attributes]);
    return {
      pwned: window.pwned,
      elements: root.querySelectorAll("script, iframe, svg, img, style, form, input").length,
      handlers: attributes.filter(({ name }) => /^on|^style$|^id$/.test(name)).map(({ name }) => name),
      scripts: attributes.filter(({ value }) => /javascript:/i.test(value)).length,
    };
  });
  assert.deepEqual(found, { pwned: undefined, elements: 0, handlers: [], scripts: 0 });
  await close(page);
});

test("reasoning is open while it streams and closes before the answer", async () => {
  const page = await open(browser, server.url);
  // The built-in model does not think, so the stream is this test's own.
  let release;
  const wait = new Promise((resolve) => (release = resolve));
  const chunk = (delta) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
  await page.exposeFunction("releaseAnswer", () => wait);
  await page.evaluate(([first, second]) => {
    const real = window.fetch;
    window.fetch = async (path, init) => {
      if (path !== "/v1/chat/completions") return real(path, init);
      const encoder = new TextEncoder();
      return new Response(new ReadableStream({
        async start(controller) {
          controller.enqueue(encoder.encode(first));
          await window.releaseAnswer();
          controller.enqueue(encoder.encode(second));
          controller.close();
        },
      }));
    };
  }, [chunk({ reasoning_content: "Let me see." }), chunk({ content: "Four." }) + "data: [DONE]\n\n"]);
  await page.getByLabel("Message", { exact: true }).fill("Two and two?");
  await page.keyboard.press("Enter");
  await page.locator("details[open]", { hasText: "Let me see." }).waitFor();
  release();
  await answers(page, "done").getByText("Four.").waitFor();
  await page.locator("details:not([open])").waitFor({ state: "attached" });
  await page.getByText("Reasoning", { exact: true }).click();
  await page.locator("details[open]").waitFor();
  await close(page);
});

test("scrolling follows the answer until the reader scrolls away", async () => {
  const page = await open(browser, server.url, { viewport: { width: 700, height: 420 } });
  const log = page.getByRole("region", { name: "Messages" });
  const distance = () => log.evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop);
  const height = () => log.evaluate((element) => element.scrollHeight);
  // Answers differ in length: until there is enough to scroll.
  for (let turn = 0; turn < 3 || (turn < 10 && (await height()) < 800); turn++) await ask(page, story);
  await page.waitForFunction(() => document.querySelector(".log").scrollHeight > 600);
  // Within a frame of what an answer's end adds below it.
  await page.waitForFunction(() => {
    const log = document.querySelector(".log");
    return log.scrollHeight - log.clientHeight - log.scrollTop < 8;
  });
  await log.hover();
  await page.mouse.wheel(0, -200);
  await page.getByRole("button", { name: "Jump to latest" }).waitFor();
  const top = await log.evaluate((element) => element.scrollTop);
  await page.getByRole("button", { name: "Regenerate" }).last().evaluate((button) => button.click());
  await page.locator("[data-testid=assistant-message][data-status=done]:last-child").getByText("2/2").waitFor();
  assert.ok(await log.evaluate((element) => element.scrollTop) <= top, "the reader is left alone");
  await page.getByRole("button", { name: "Jump to latest" }).click();
  assert.ok(await distance() < 8);
  await close(page);
});

test("settings go into the request, and an empty field does not", async () => {
  const page = await open(browser, server.url);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("System prompt").fill("Be brief.");
  await page.getByLabel("Temperature").fill("0");
  await page.getByLabel("Top p").fill("");
  await page.getByLabel("Min p").fill("7");
  await page.getByText("Must be between 0 and 1").waitFor();
  assert.equal(await page.getByLabel("Min p").inputValue(), "7", "what was typed stays");
  await page.getByLabel("Min p").fill("");
  await page.getByText("Must be between 0 and 1").waitFor({ state: "hidden" });
  await page.getByLabel("Max tokens").fill("5");
  await screenshot(page, "settings");
  await page.keyboard.press("Escape");
  const [request] = await Promise.all([page.waitForRequest("**/v1/chat/completions"), ask(page, story)]);
  const body = JSON.parse(request.postData());
  assert.deepEqual(body.messages, [{ role: "system", content: "Be brief." }, { role: "user", content: story }]);
  assert.equal(body.temperature, 0);
  assert.equal(body.max_tokens, 5);
  assert.ok(!("top_p" in body) && !("min_p" in body) && !("enable_thinking" in body));
  await page.getByText("Ended at the limit").waitFor();
  await close(page);
});
