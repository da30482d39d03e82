import assert from "node:assert/strict";
import { test } from "node:test";
import { requestBody } from "../src/classify/job";
import { addedNames, countLabels, toCsv, toJsonl } from "../src/classify/output";
import { parseInput, parseLabels, rowsOf } from "../src/classify/rows";

test("lines are texts, whatever ends them, and empty ones are none", () => {
  const input = parseInput("\uFEFFone\r\n\n  \ntwo\rthree");
  assert.equal(input.kind, "lines");
  assert.deepEqual(rowsOf(input, ""), [{ text: "one" }, { text: "two" }, { text: "three" }]);
});

test("JSONL gives its objects, the likeliest member first, and says what is wrong line by line", () => {
  const input = parseInput('{"id":1,"note":"n","prompt":"a"}\n{"prompt":"b"\n[1]\n{"prompt":7}\n{"prompt":" "}');
  assert.equal(input.kind, "jsonl");
  assert.deepEqual(input.textFields, ["prompt", "note"]);
  const rows = rowsOf(input, "prompt");
  assert.equal(rows[0]!.text, "a");
  assert.deepEqual(rows[0]!.fields, { id: 1, note: "n", prompt: "a" });
  assert.match(rows[1]!.problem!, /not JSON/);
  assert.match(rows[2]!.problem!, /not a JSON object/);
  assert.match(rows[3]!.problem!, /no text in “prompt”/);
  assert.match(rows[4]!.problem!, /empty/);
});

test("labels are trimmed, and each is there once", () => {
  assert.deepEqual(parseLabels(" spam , ham,\nspam,, "), ["spam", "ham"]);
});

test("a request says only what was asked for", () => {
  const options = { model: "m", labels: ["a"], template: " ", mode: "score", length_normalize: false, calibrate: true, chat: false } as const;
  assert.deepEqual(requestBody({ ...options, labels: ["a"] }, ["x"]), { model: "m", labels: ["a"], input: ["x"], calibrate: true });
  assert.deepEqual(requestBody({ ...options, labels: ["a"], mode: "greedy", template: "{text}:" }, ["x"]),
                   { model: "m", labels: ["a"], input: ["x"], mode: "greedy", template: "{text}:" });
});

const labels = ["a", "b,\"c\""];
const rows = [{ text: "one, \"two\"\nthree" }, { text: "", problem: "bad" }];
const results = [{ label: "a", probabilities: [0.75, 0.25] }, { label: null, error: "bad" }];

test("JSONL out is the input's line with label and scores", () => {
  const lines = toJsonl(rows, results, labels).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines, [
    { text: rows[0]!.text, label: "a", scores: { a: 0.75, 'b,"c"': 0.25 } },
    { text: "", error: "bad" },
  ]);
});

test("a label that was there is kept", () => {
  const labelled = [{ text: "x", fields: { text: "x", label: "by hand" } }];
  assert.deepEqual(addedNames(labelled), { label: "predicted_label", scores: "predicted_scores" });
  assert.deepEqual(JSON.parse(toJsonl(labelled, [results[0]], labels)),
                   { text: "x", label: "by hand", predicted_label: "a", predicted_scores: { a: 0.75, 'b,"c"': 0.25 } });
});

test("CSV quotes commas, quotes and line breaks", () => {
  assert.equal(toCsv(rows, results, labels),
    'text,label,p(a),"p(b,""c"")",error\r\n"one, ""two""\nthree",a,0.75,0.25,\r\n,,,,bad\r\n');
});

test("counts leave out what has no label", () => {
  assert.deepEqual(countLabels([...results, undefined, { label: "b,\"c\"" }], labels), [1, 1]);
});
