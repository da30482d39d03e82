// The page as such: accessible, narrow, light, quick, without a mouse.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { answers, ask, close, launch, open, questions, screenshot } from "./browser.mjs";
import { sharedServer } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const story = "Tell me a story about a fox.";

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

async function audit(page, where) {
  // Through the debugger, not as a <script>: the page's policy would refuse that.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, impact, nodes }) => `${where}: ${id} (${impact}) ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  const serious = found.filter((_, at) => ["serious", "critical"].includes(violations[at].impact));
  for (const line of found) console.log(line);
  assert.deepEqual(serious, []);
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious, ${colorScheme}`, async () => {
    const page = await open(browser, server.url, { colorScheme, reducedMotion: "reduce" });
    await audit(page, "empty chat");
    await ask(page, story);
    await page.getByRole("button", { name: "Regenerate" }).click();
    await answers(page, "done").getByText("2/2").waitFor();
    await audit(page, "chat");
    await page.getByRole("button", { name: "Settings" }).click();
    await audit(page, "settings");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Help and shortcuts" }).click();
    await audit(page, "help");
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Classify" }).click();
    await page.getByRole("button", { name: "Use an example" }).click();
    await page.locator("#panel-classify").getByRole("button", { name: "Classify", exact: true }).click();
    await page.locator("[data-testid=classify-results][data-state=done]").waitFor();
    await audit(page, "classify");
    await screenshot(page, `classify-${colorScheme}`);
    await page.getByRole("tab", { name: "Status" }).click();
    await page.locator(".chart .line").first().waitFor({ state: "attached" });
    await page.waitForTimeout(2500);
    await audit(page, "status");
    await screenshot(page, `status-${colorScheme}`);
    await page.getByRole("tab", { name: "Chat" }).click();
    await screenshot(page, `chat-${colorScheme}`);
    await close(page);
  });
}

test("375 pixels are enough", async () => {
  const page = await open(browser, server.url, { viewport: { width: 375, height: 740 }, hasTouch: true });
  const fits = async (where) => {
    const width = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll(".panel:not([hidden])")].map((panel) => panel.scrollWidth)));
    assert.ok(width <= 375, `${where} is ${width} pixels wide`);
    await screenshot(page, `narrow-${where}`);
  };
  await ask(page, story);
  await fits("chat");
  await page.getByRole("button", { name: "Conversations" }).tap();
  await page.locator(".sidebar.open").waitFor();
  await page.waitForTimeout(300);
  await fits("list");
  await page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: story, exact: true }).tap();
  await page.locator(".sidebar:not(.open)").waitFor({ state: "attached" });
  await page.getByRole("tab", { name: "Classify" }).tap();
  await page.getByRole("button", { name: "Use an example" }).tap();
  await page.locator("#panel-classify").getByRole("button", { name: "Classify", exact: true }).tap();
  await page.locator("[data-testid=classify-results][data-state=done]").waitFor();
  await fits("classify");
  await page.getByRole("tab", { name: "Status" }).tap();
  await page.locator(".chart").first().waitFor();
  await fits("status");
  await page.getByRole("button", { name: "Settings" }).tap();
  await fits("settings");
  await close(page);
});

test("everything goes without a mouse", async () => {
  const page = await open(browser, server.url);
  const press = (key) => page.keyboard.press(key);
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim());
  /** Tab until something with this name has the focus. */
  const tabTo = async (name) => {
    for (let step = 0; step < 60; step++) {
      await press("Tab");
      if (name.test(await focused())) return;
    }
    assert.fail(`Tab does not reach ${name}`);
  };
  await press("Tab");
  assert.equal(await focused(), "Skip to the content");
  await press("Control+Shift+O");
  await page.waitForFunction(() => document.activeElement.id === "composer");
  await page.keyboard.type(story);
  await press("Enter");
  await answers(page, "done").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "composer", "the focus stays where one writes");

  await tabTo(/^Edit message$/);
  await press("Enter");
  await page.waitForFunction(() => document.activeElement.getAttribute("aria-label") === "Edit the message");
  await press("Control+A");
  await page.keyboard.type("Tell me a story about a cat.");
  await press("Enter");
  await questions(page).getByText("2/2").waitFor();
  await answers(page, "done").waitFor();
  await tabTo(/^Previous version/);
  await press("Space");
  await questions(page).getByText("1/2").waitFor();

  await press("Control+K");
  await page.waitForFunction(() => document.activeElement.id === "conversation-search");
  await tabTo(/^Actions for/);
  await press("Enter");
  await page.waitForFunction(() => document.activeElement.role === "menuitem");
  await press("ArrowDown");
  await press("ArrowUp");
  assert.equal(await focused(), "Rename");
  await press("Enter");
  await page.waitForFunction(() => document.activeElement.className === "rename");
  await page.keyboard.type("By keyboard");
  await press("Enter");
  await page.getByRole("button", { name: "By keyboard", exact: true }).waitFor();

  await press("Control+/");
  await page.getByRole("dialog", { name: "Help and shortcuts" }).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.locator("#tab-chat").focus();
  await press("ArrowRight");
  assert.equal(await focused(), "Classify");
  await press("ArrowRight");
  await page.getByTestId("status").waitFor();
  await press("Home");
  assert.equal(await focused(), "Chat");
  await close(page);
});

test("all of the page is under 400 kB compressed, and the first paint is quick", async () => {
  const page = await open(browser, server.url);
  const { showcase } = await import("../mock/texts.mjs");
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const sizes = new Map();
  const names = new Map();
  session.on("Network.responseReceived", ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(names.get(requestId), encodedDataLength));
  await page.reload();
  // A text that needs every part: code, formulas.
  await page.getByTestId("import").setInputFiles({ name: "a.md", mimeType: "text/markdown",
    buffer: Buffer.from(`# All\n\n<!-- linnet:user -->\n## You\n\nShow\n\n<!-- linnet:assistant -->\n## x\n\n${showcase}`) });
  await page.locator(".markdown math").first().waitFor();
  await page.locator(".markdown .hljs-keyword").first().waitFor();
  await page.waitForTimeout(200);
  const files = [...sizes].filter(([name]) => name && !/^\/(v1|healthz|readyz)/.test(name));
  const total = files.reduce((sum, [, size]) => sum + size, 0);
  console.log(`page weight ${total} bytes: ${files.map(([name, size]) => `${name} ${size}`).join(", ")}`);
  for (const name of ["/", "/app.js", "/app.css", "/markdown.js", "/math.js", "/highlight.js"]) assert.ok(sizes.has(name), `${name} was fetched`);
  assert.ok(total < 400_000, `${total} bytes`);

  const paints = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    await page.reload();
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  }
  paints.sort((a, b) => a - b);
  console.log(`first contentful paint: ${paints.map((paint) => paint.toFixed(0)).join(", ")} ms`);
  if (process.env.LINNET_STRICT_TIMING === "1") assert.ok(paints[2] < 200, `median ${paints[2]} ms`);
  await close(page);
});
