import type { Row } from "./rows";

export interface Result {
  label: string | null;
  probabilities?: number[];
  text?: string;
  error?: string;
}

/** Names for what is added; an input that has a "label" (by hand, perhaps) keeps it. */
export function addedNames(rows: Row[]): { label: string; scores: string } {
  const taken = rows.some((row) => row.fields && ("label" in row.fields || "scores" in row.fields));
  return taken ? { label: "predicted_label", scores: "predicted_scores" } : { label: "label", scores: "scores" };
}

/** One object per row: the input's members, then label and scores, or the error. */
export function toJsonl(rows: Row[], results: (Result | undefined)[], labels: string[]): string {
  const names = addedNames(rows);
  return rows.map((row, index) => {
    const result = results[index];
    const line: Record<string, unknown> = { ...(row.fields ?? { text: row.text }) };
    if (result?.error !== undefined) {
      line.error = result.error;
    } else if (result) {
      line[names.label] = result.label;
      if (result.probabilities) {
        line[names.scores] = Object.fromEntries(labels.map((label, at) => [label, result.probabilities![at]]));
      }
    }
    return JSON.stringify(line) + "\n";
  }).join("");
}

function csvField(value: unknown): string {
  const text = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** RFC 4180, with a header: the input's members (or the text), label, a column per label, error. */
export function toCsv(rows: Row[], results: (Result | undefined)[], labels: string[]): string {
  const names = addedNames(rows);
  const inputs = [...new Set(rows.flatMap((row) => Object.keys(row.fields ?? { text: "" })))];
  const lines: unknown[][] = [[...inputs, names.label, ...labels.map((label) => `p(${label})`), "error"]];
  rows.forEach((row, index) => {
    const result = results[index];
    const fields = row.fields ?? { text: row.text };
    lines.push([...inputs.map((name) => (fields as Record<string, unknown>)[name]), result?.label,
                ...labels.map((_, at) => result?.probabilities?.[at]), result?.error]);
  });
  return lines.map((line) => line.map(csvField).join(",") + "\r\n").join("");
}

export function countLabels(results: (Result | undefined)[], labels: string[]): number[] {
  const counts = labels.map(() => 0);
  for (const result of results) {
    const at = result?.label === undefined || result.label === null ? -1 : labels.indexOf(result.label);
    if (at >= 0) counts[at]! += 1;
  }
  return counts;
}
