import { loadHighlight, loadMarkdown, loadMath } from "../lazy/load";
import { copyText } from "../ui/clipboard";

/**
 * Keeps an element showing a Markdown text that grows. Blocks whose source has not changed keep their nodes
 * (and with them selections and scroll positions); usually that is all but the last.
 */
export class MarkdownView {
  private blocks: { raw: string; nodes: ChildNode[] }[] = [];
  private wanted = "";
  private running = false;

  constructor(private readonly element: HTMLElement) {}

  /** Shows a text; before the Markdown part has come, as plain text. */
  show(source: string): void {
    this.wanted = source;
    if (this.running) return;
    this.running = true;
    void this.update();
  }

  private async update(): Promise<void> {
    try {
      if (this.blocks.length === 0) this.element.textContent = this.wanted;
      const { splitBlocks, sanitize } = await loadMarkdown();
      if (this.blocks.length === 0) this.element.textContent = "";
      const next = splitBlocks(this.wanted);
      let same = 0;
      while (same < next.length && same < this.blocks.length && next[same]!.raw === this.blocks[same]!.raw) same++;
      for (const old of this.blocks.splice(same)) old.nodes.forEach((node) => node.remove());
      for (const block of next.slice(same)) {
        const fragment = sanitize(block.html());
        finish(fragment);
        const nodes = [...fragment.childNodes];
        this.element.append(fragment);
        this.blocks.push({ raw: block.raw, nodes });
      }
    } catch {
      // The Markdown part could not be fetched: the text itself is better than nothing.
      this.blocks = [];
      this.element.textContent = this.wanted;
    } finally {
      this.running = false;
    }
  }
}

/** What plain sanitised Markdown lacks: copy buttons, colours, formulas, tables that scroll by themselves. */
function finish(fragment: DocumentFragment): void {
  for (const pre of fragment.querySelectorAll("pre")) wrapCode(pre);
  for (const table of fragment.querySelectorAll("table")) {
    const scroller = document.createElement("div");
    scroller.className = "table-scroll";
    makeScrollable(scroller, "Table");
    table.replaceWith(scroller);
    scroller.append(table);
  }
  const formulas = [...fragment.querySelectorAll<HTMLElement>("span.math[data-tex]")];
  if (formulas.length > 0) void setFormulas(formulas);
}

/** Something that scrolls must be reachable without a mouse. */
function makeScrollable(element: HTMLElement, label: string): void {
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", label);
}

async function setFormulas(formulas: HTMLElement[]): Promise<void> {
  const { mathToHtml } = await loadMath();
  for (const formula of formulas) {
    const display = formula.dataset.display !== undefined;
    const html = mathToHtml(formula.dataset.tex ?? "", display);
    if (html === null) continue;
    formula.innerHTML = html;
    formula.classList.toggle("math-display", display);
    if (display) makeScrollable(formula, "Formula");
  }
}

function wrapCode(pre: HTMLPreElement): void {
  const code = pre.querySelector("code");
  if (!code) return;
  const language = /^language-(.+)$/.exec(code.className)?.[1] ?? "";
  const box = document.createElement("div");
  box.className = "code-box";
  const bar = document.createElement("div");
  bar.className = "code-bar";
  const name = document.createElement("span");
  name.textContent = language || "text";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "code-copy";
  copy.textContent = "Copy code";
  copy.addEventListener("click", () => void copyText(code.textContent ?? "", "Code copied."));
  bar.append(name, copy);
  makeScrollable(pre, language ? `Code, ${language}` : "Code");
  pre.replaceWith(box);
  box.append(bar, pre);
  if (language) {
    void loadHighlight().then(({ highlightToHtml }) => {
      const html = highlightToHtml(code.textContent ?? "", language.toLowerCase());
      if (html !== null) code.innerHTML = html;
    }).catch(() => undefined);
  }
}
