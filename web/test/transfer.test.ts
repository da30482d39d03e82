import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, fromMarkdown, ImportError, toJson, toMarkdown } from "../src/chat/transfer";
import { addMessage, pathOf } from "../src/chat/tree";
import { conversation, message } from "./samples";

const branched = () => {
  const begun = [
    message("u1", null, "user", "Hello"), { ...message("a1", "u1", "assistant", "# Hi\n\ntext"), model: "m" },
    { ...message("a1b", "u1", "assistant", "Hey"), reasoning: "hm", metrics: { fromServer: true, tokensPerSecond: 3 } },
  ].reduce(addMessage, conversation([], { system: "Be kind.", sampling: { temperature: 0, stop: ["x"] } }));
  return { ...begun, selected: { ...begun.selected, u1: "a1" } };
};

test("JSON keeps all branches, settings and what is shown, under new ids", () => {
  const before = branched();
  const [after] = fromJson(toJson([before]));
  assert.notEqual(after!.id, before.id);
  assert.deepEqual(pathOf(after!).map(({ content }) => content), ["Hello", "# Hi\n\ntext"]);
  assert.equal(after!.messages.length, 3);
  assert.equal(after!.messages[2]!.reasoning, "hm");
  assert.equal(after!.messages[2]!.metrics!.tokensPerSecond, 3);
  assert.deepEqual(after!.sampling, before.sampling);
  assert.equal(after!.system, "Be kind.");
});

test("an answer that was being written comes back as interrupted", () => {
  const begun = conversation([message("u", null, "user"), { ...message("a", "u", "assistant"), status: "streaming" }]);
  assert.equal(fromJson(toJson([begun]))[0]!.messages[1]!.status, "interrupted");
});

test("what is wrong with a file is said, with the place", () => {
  const file = (change: (one: Record<string, any>) => void) => {
    const one = JSON.parse(toJson([branched()]));
    change(one);
    return JSON.stringify(one);
  };
  const cases: [string, RegExp][] = [
    ["{", /not JSON/],
    ["[]", /the file is not an object/],
    ["{}", /"format" is undefined, expected "linnet.conversations"/],
    [file((one) => (one.version = 2)), /Version 2/],
    [file((one) => (one.conversations = {})), /conversations is not a list/],
    [file((one) => (one.conversations[0].title = 5)), /conversations\[0\]\.title is not a string/],
    [file((one) => (one.conversations[0].messages[1].role = "robot")), /messages\[1\]\.role is "robot"/],
    [file((one) => (one.conversations[0].messages[0].parent = "a1")), /messages\[0\]\.parent names no earlier message/],
    [file((one) => (one.conversations[0].messages[1].id = "u1")), /messages\[1\]\.id is there twice/],
    [file((one) => (one.conversations[0].messages[1].parent = null)), /follows another/],
    [file((one) => (one.conversations[0].sampling.temperature = "hot")), /sampling\.temperature is not a number/],
    [file((one) => (one.conversations[0].messages[0].createdAt = null)), /createdAt is not a number/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(() => fromJson(text), (error: Error) => error instanceof ImportError && expected.test(error.message), String(expected));
  }
});

test("unknown members of a file are left behind", () => {
  const one = JSON.parse(toJson([branched()]));
  one.conversations[0].__proto__x = 1;
  one.conversations[0].messages[0].evil = "<script>";
  const [after] = fromJson(JSON.stringify(one));
  assert.ok(!("evil" in after!.messages[0]!) && !("__proto__x" in after!));
});

test("Markdown is for people, and can be read back", () => {
  const text = toMarkdown([branched(), conversation([message("u", null, "user", "Second")], { title: "Two" })]);
  assert.match(text, /^# Title\n/);
  assert.match(text, /## You\n\nHello/);
  const [first, second] = fromMarkdown(text);
  assert.equal(first!.system, "Be kind.");
  assert.deepEqual(first!.messages.map(({ role, content }) => [role, content]), [["user", "Hello"], ["assistant", "# Hi\n\ntext"]]);
  assert.equal(second!.title, "Two");
  assert.equal(second!.messages[0]!.parent, null);
});

test("text that looks like a mark is still text", () => {
  for (const content of ["<!-- linnet:user -->", "<!-- \\linnet:user -->", "a\n<!-- linnet:assistant -->\n## x\nb"]) {
    const [after] = fromMarkdown(toMarkdown([conversation([message("u", null, "user", content)])]));
    assert.deepEqual(after!.messages.map((one) => one.content), [content]);
  }
});

test("other Markdown is refused", () => {
  assert.throws(() => fromMarkdown("# A title\n\nand text"), ImportError);
  assert.throws(() => fromMarkdown("<!-- linnet:user -->\n## You\n\nhi"), /Line 1/);
});
