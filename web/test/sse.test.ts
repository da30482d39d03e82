import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents, SseParser } from "../src/api/sse";

test("events come out whole, however the text is cut", () => {
  const text = ': wait\n\ndata: {"a":1}\n\nevent: x\r\ndata: one\r\ndata:two\r\n\r\ndata: [DONE]\r\rdata: cut off';
  const expected = ['{"a":1}', "one\ntwo", "[DONE]"];
  for (let size = 1; size <= text.length; size++) {
    const parser = new SseParser();
    const events: string[] = [];
    for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
    assert.deepEqual(events, expected, `pieces of ${size}`);
  }
});

test("only one space after the colon belongs to the syntax, and a comment alone is no event", () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push("data:  x\n\n"), [" x"]);
  assert.deepEqual(parser.push(": wait\n\n\n"), []);
  assert.deepEqual(parser.push("data:\n\n"), [""]);
});

test("characters cut between two pieces of a body are put together", async () => {
  const bytes = new TextEncoder().encode("data: grüß 🐦\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events: string[] = [];
  for await (const event of readEvents(body)) events.push(event);
  assert.deepEqual(events, ["grüß 🐦"]);
});

test("leaving early cancels the body", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => void (cancelled = true),
  });
  for await (const event of readEvents(body)) {
    assert.equal(event, "x");
    break;
  }
  assert.ok(cancelled);
});
