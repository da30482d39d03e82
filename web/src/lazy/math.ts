import katex from "katex";

/** MathML of a formula, which browsers set by themselves: no fonts, no style sheet. Null if it is not TeX. */
export function mathToHtml(tex: string, display: boolean): string | null {
  try {
    const html = katex.renderToString(tex, {
      displayMode: display, output: "mathml", throwOnError: true, strict: "ignore", trust: false,
      maxSize: 20, maxExpand: 500,
    });
    // The page's policy forbids style attributes; a few commands (\boxed) come with one.
    return html.replace(/ style="[^"]*"/g, "");
  } catch {
    return null;
  }
}
