import assert from "node:assert/strict";
import { test } from "node:test";
import { addMessage, dayGroup, matches, pathOf, pathTo, selectSibling, siblingsOf, titleFrom, wireMessages } from "../src/chat/tree";
import { conversation, message } from "./samples";

const ids = (messages: { id: string }[]) => messages.map(({ id }) => id).join(" ");
const grown = () => [
  message("u1", null, "user"), message("a1", "u1", "assistant"), message("u2", "a1", "user"), message("a2", "u2", "assistant"),
].reduce(addMessage, conversation([]));

test("a conversation is shown from its first message to its last", () => {
  assert.equal(ids(pathOf(grown())), "u1 a1 u2 a2");
  assert.equal(ids(pathOf(conversation([]))), "");
});

test("an edit branches off, and the arrows lead back to all that followed", () => {
  const edited = addMessage(grown(), message("u2b", "a1", "user"));
  assert.equal(ids(pathOf(edited)), "u1 a1 u2b");
  const shown = pathOf(edited)[2]!;
  assert.deepEqual(siblingsOf(edited, shown), { index: 1, ids: ["u2", "u2b"] });
  const back = selectSibling(edited, shown, -1);
  assert.equal(ids(pathOf(back)), "u1 a1 u2 a2");
  assert.equal(selectSibling(back, pathOf(back)[2]!, -1), back, "there is none before the first");
});

test("the first message can be edited too", () => {
  const edited = addMessage(grown(), message("u1b", null, "user"));
  assert.equal(ids(pathOf(edited)), "u1b");
  assert.equal(ids(pathOf(selectSibling(edited, pathOf(edited)[0]!, -1))), "u1 a1 u2 a2");
});

test("a selection that is gone falls back to the newest", () => {
  const other = addMessage(grown(), message("a2b", "u2", "assistant"));
  const without = { ...other, messages: other.messages.filter(({ id }) => id !== "a2b") };
  assert.equal(ids(pathOf(without)), "u1 a1 u2 a2");
});

test("the path to a message does not depend on what is shown", () => {
  const edited = addMessage(grown(), message("u2b", "a1", "user"));
  assert.equal(ids(pathTo(edited, "a2")), "u1 a1 u2 a2");
});

test("the model gets turns that alternate, without answers that never came", () => {
  const path = [message("u1", null, "user"), message("a1", "u1", "assistant", ""), message("u2", "a1", "user")];
  assert.deepEqual(wireMessages(path, "Be brief."), [
    { role: "system", content: "Be brief." },
    { role: "user", content: "u1\n\nu2" },
  ]);
  assert.deepEqual(wireMessages(path.slice(0, 1), "  "), [{ role: "user", content: "u1" }]);
  assert.equal(path[0]!.content, "u1", "the messages themselves are left alone");
});

test("titles are the first words, on one line", () => {
  assert.equal(titleFrom("  Tell me\na story "), "Tell me a story");
  const long = titleFrom("word ".repeat(40));
  assert.ok(long.length <= 49 && long.endsWith("word…"), long);
  assert.equal(titleFrom("x".repeat(100)).length, 49);
});

test("a search finds all its words in titles and texts, in any case", () => {
  const one = conversation([message("u", null, "user", "Der Fuchs läuft")], { title: "Foxes" });
  assert.ok(matches(one, "fox LÄUFT"));
  assert.ok(matches(one, "  "));
  assert.ok(!matches(one, "fox bear"));
});

test("days are named by the calendar, not by 24 hours", () => {
  const now = new Date(2025, 4, 20, 1, 0).getTime();
  assert.equal(dayGroup(new Date(2025, 4, 20, 0, 30).getTime(), now), "Today");
  assert.equal(dayGroup(new Date(2025, 4, 19, 23, 30).getTime(), now), "Yesterday");
  assert.equal(dayGroup(new Date(2025, 4, 15).getTime(), now), "Previous 7 days");
  assert.equal(dayGroup(new Date(2025, 2, 1).getTime(), now), "March 2025");
});
