/** What there is to classify: plain lines, or the objects of a JSONL file with all their members. */

export interface Row {
  text: string;
  /** Members of the input line, which the output keeps. */
  fields?: Record<string, unknown>;
  /** Why this line cannot be sent. */
  problem?: string;
}

export interface Input {
  kind: "lines" | "jsonl";
  /** Objects of a JSONL input in order; a string is what is wrong with that line. */
  objects: (Record<string, unknown> | string)[];
  lines: string[];
  /** Members that hold text, the likeliest first. */
  textFields: string[];
}

const usualNames = ["text", "prompt", "input", "content", "question", "sentence", "message"];

/** Empty lines are passed over. A first line that begins with { makes it JSONL. */
export function parseInput(source: string): Input {
  const lines = source.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/).filter((line) => line.trim() !== "");
  if (!lines[0]?.trimStart().startsWith("{")) return { kind: "lines", objects: [], lines, textFields: [] };
  const objects = lines.map(parseObject);
  const names = new Set<string>();
  for (const object of objects) {
    if (typeof object === "string") continue;
    for (const [name, value] of Object.entries(object)) if (typeof value === "string") names.add(name);
  }
  const rank = (name: string) => (usualNames.indexOf(name) + usualNames.length + 1) % (usualNames.length + 1);
  const textFields = [...names].sort((a, b) => rank(a) - rank(b));
  return { kind: "jsonl", objects, lines: [], textFields };
}

function parseObject(line: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return "This line is not a JSON object.";
  } catch (error) {
    return `This line is not JSON: ${(error as Error).message}`;
  }
}

/** The rows of an input, with the text taken from one member. */
export function rowsOf(input: Input, field: string): Row[] {
  if (input.kind === "lines") return input.lines.map((text) => ({ text }));
  return input.objects.map((object) => {
    if (typeof object === "string") return { text: "", problem: object };
    const text = object[field];
    if (typeof text !== "string") return { text: "", fields: object, problem: `There is no text in “${field}”.` };
    if (text.trim() === "") return { text, fields: object, problem: `“${field}” is empty.` };
    return { text, fields: object };
  });
}

/** "a, b, b" -> ["a", "b"]; lines separate as commas do. */
export function parseLabels(text: string): string[] {
  return [...new Set(text.split(/[,\n]/).map((label) => label.trim()).filter(Boolean))];
}
