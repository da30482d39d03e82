// Debian's Chromium by playwright-core, and what the tests do with the page again and again.
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const places = [process.env.LINNET_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function launch() {
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no Chromium: apt-get install chromium, or set LINNET_CHROMIUM");
  return chromium.launch({
    executablePath,
    // Nothing but the server under test is asked for anything.
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

/** A page with an empty browser profile. Whatever the page should not do ends up in `page.problems`. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) page.problems.push(message.text());
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(url).origin) page.problems.push(`outside request: ${request.url()}`);
  });
  await page.goto(url);
  await page.locator(".connection-up").waitFor({ state: "attached" });
  return page;
}

/** Closes a page, which must not have done anything that it should not. */
export async function close(page) {
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

export const answers = (page, status = "") =>
  page.locator(`[data-testid=assistant-message]${status && `[data-status=${status}]`}`);
export const questions = (page) => page.getByTestId("user-message");

/** Sends a message, and waits until its answer has ended in the given way. */
export async function ask(page, text, status = "done") {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=assistant-message]:last-child").waitFor();
  await page.locator(`[data-testid=assistant-message][data-status=${status}]:last-child`).waitFor();
}

/**
 * Makes answers long, so that a test can do something before the fastest model has finished. (Both of min_tokens and
 * ignore_eos: a chat template's end of turn is none of the model's ends of text.)
 */
export async function makeAnswersLong(page) {
  await page.route("**/v1/chat/completions", async (route) => {
    const body = { ...JSON.parse(route.request().postData()), ignore_eos: true, max_tokens: 1900, min_tokens: 1900 };
    await route.continue({ postData: JSON.stringify(body) });
  });
}

/** A slow line: what the fastest model writes in a second takes ten. */
export async function slowDown(page) {
  const session = await page.context().newCDPSession(page);
  const set = (throughput) => session.send("Network.emulateNetworkConditions",
    { offline: false, latency: 0, downloadThroughput: throughput, uploadThroughput: -1 });
  await session.send("Network.enable");
  await set(40_000);
  return () => set(-1);
}

/** Sends a message, and waits until a part of the answer is there. */
export async function begin(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=assistant-message][data-status=streaming]:last-child .markdown", { hasText: /\S/ }).waitFor();
}

export async function screenshot(page, name) {
  const folder = process.env.LINNET_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
