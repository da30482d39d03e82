// Servers that refuse, vanish and come back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, ask, begin, close, launch, makeAnswersLong, open, screenshot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.kill();
});

test("a server that is killed while it answers: the part is kept, the state is clear, and it goes on afterwards", async () => {
  const page = await open(browser, server.url);
  await makeAnswersLong(page);
  await begin(page, "Tell me a story about a fox.");
  await server.kill();
  await answers(page, "error").waitFor();
  const part = await answers(page).locator(".markdown").innerText();
  assert.match(part, /\S/);
  await page.getByTestId("message-error").getByText("connection to the server was lost").waitFor();
  await page.getByTestId("connection-banner").getByText("not answering").waitFor();
  await screenshot(page, "server-gone");

  await server.start();
  await page.locator(".connection-up").waitFor();
  assert.equal(await page.getByTestId("connection-banner").count(), 0);
  await page.reload();
  await answers(page, "error").waitFor();
  await page.waitForFunction((expected) => document.querySelector(".markdown")?.innerText === expected, part);
  await page.unrouteAll();
  await page.getByTestId("message-error").getByRole("button", { name: "Retry" }).click();
  await answers(page, "done").waitFor();
  await close(page);
});

test("a message to a server that is away fails in its place, and Try now finds the server again", async () => {
  const page = await open(browser, server.url);
  await server.kill();
  await ask(page, "Why is the sky blue?", "error");
  await page.getByTestId("message-error").getByText("could not be reached").waitFor();
  await page.getByTestId("connection-banner").getByRole("button", { name: "Try now" }).waitFor();
  await server.start();
  await page.getByTestId("connection-banner").getByRole("button", { name: "Try now" }).click({ force: true }).catch(() => undefined);
  await page.locator(".connection-up").waitFor();
  await page.getByTestId("message-error").getByRole("button", { name: "Retry" }).click();
  await answers(page, "done").waitFor();
  assert.equal(await answers(page).count(), 1);
  assert.equal(await page.getByText("1/2").count(), 0, "an answer that said nothing does not stay as a version");
  await close(page);
});

test("the server's own words are shown: errors before and in the middle of an answer", async () => {
  const page = await open(browser, server.url);
  const json = (status, error) => (route) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify({ error }) });
  await page.route("**/v1/chat/completions", json(400, { message: "temperature is 9, expected at most 2", type: "invalid_request_error", param: "temperature", code: null }));
  await ask(page, "Hello", "error");
  await page.getByTestId("message-error").getByText("temperature is 9, expected at most 2").waitFor();
  await page.unrouteAll();
  await page.route("**/v1/chat/completions", (route) => route.fulfill({
    contentType: "text/event-stream",
    body: 'data: {"choices":[{"index":0,"delta":{"content":"Once upon"},"finish_reason":null}]}\n\ndata: {"error":{"message":"out of cache blocks"}}\n\n',
  }));
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByTestId("message-error").getByText("out of cache blocks").waitFor();
  await answers(page).getByText("Once upon").waitFor();
  await page.unrouteAll();
  await page.getByRole("button", { name: "Retry" }).click();
  await answers(page, "done").waitFor();
  await close(page);
});

test("a key is asked for when the server wants one, and sent from then on", async () => {
  const page = await open(browser, server.url);
  const sent = [];
  await page.route("**/v1/**", async (route) => {
    const key = await route.request().headerValue("authorization");
    sent.push(key);
    if (key === "Bearer right") return route.continue();
    return route.fulfill({ status: 401, contentType: "application/json", body: JSON.stringify({ error: { message: "the API key is missing or wrong" } }) });
  });
  await page.reload();
  const dialog = page.getByRole("dialog", { name: "This server wants an API key" });
  await dialog.getByLabel("API key").fill("wrong");
  await page.keyboard.press("Enter");
  await dialog.getByText("The key that was sent was refused.").waitFor();
  await dialog.getByLabel("API key").fill("right");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.locator("option", { hasText: "builtin" }).first().waitFor({ state: "attached" });
  await ask(page, "Why is the sky blue?");
  assert.equal(sent.at(-1), "Bearer right");
  await page.reload();
  await page.locator("option", { hasText: "builtin" }).first().waitFor({ state: "attached" });
  assert.equal(sent.at(-1), "Bearer right");
  await close(page);
});
