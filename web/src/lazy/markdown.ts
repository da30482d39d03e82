import DOMPurify from "dompurify";
import { Marked, type TokenizerAndRendererExtension, type Tokens } from "marked";

/**
 * Markdown as safe nodes. A model's answer is a stranger's text: of HTML only what follows is let through,
 * nothing is fetched from anywhere, and links say where they lead before they are followed.
 */

const tags = ["p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "b", "em", "i", "del", "s", "u", "sub",
              "sup", "kbd", "mark", "small", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img", "table",
              "thead", "tbody", "tr", "th", "td", "span", "details", "summary"];
const attributes = ["href", "title", "src", "alt", "class", "align", "start", "colspan", "rowspan", "data-tex",
                    "data-display"];

const escapeHtml = (text: string) =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** $inline$, \(inline\), $$display$$ and \[display\]. Prices ("$5 and $6") are no formulas. */
const inlineMath: TokenizerAndRendererExtension = {
  name: "inlineMath",
  level: "inline",
  start: (source) => source.search(/\$|\\\(|\\\[/),
  tokenizer(source) {
    const found =
      /^\$\$([^$]+?)\$\$/.exec(source) ?? /^\\\[([\s\S]+?)\\\]/.exec(source) ??
      /^\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)/.exec(source) ?? /^\\\(([\s\S]+?)\\\)/.exec(source);
    if (!found) return undefined;
    const display = source.startsWith("$$") || source.startsWith("\\[");
    return { type: "inlineMath", raw: found[0], text: found[1]!.trim(), display };
  },
  renderer: ({ text, display }: Tokens.Generic) => mathSpan(text as string, display as boolean),
};

const blockMath: TokenizerAndRendererExtension = {
  name: "blockMath",
  level: "block",
  start: (source) => source.search(/^(\$\$|\\\[)/m),
  tokenizer(source) {
    const found = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/.exec(source);
    if (!found) return undefined;
    return { type: "blockMath", raw: found[0], text: (found[1] ?? found[2])!.trim() };
  },
  renderer: ({ text }: Tokens.Generic) => `<p>${mathSpan(text as string, true)}</p>`,
};

function mathSpan(tex: string, display: boolean): string {
  return `<span class="math" data-tex="${escapeHtml(tex)}"${display ? ' data-display="1"' : ""}>${escapeHtml(tex)}</span>`;
}

/** HTML that answers use on purpose, as it is; anything else is text, and is shown as the model wrote it. */
const plainTags = new Set(["br", "sub", "sup", "kbd", "mark", "small", "b", "i", "u", "s", "em", "strong", "details", "summary"]);

function plainHtml(text: string): string {
  return text.replace(/<!--[\s\S]*?(?:-->|$)|<\/?([a-z][a-z0-9]*)\s*\/?>|</gi, (found, tag: string | undefined) => {
    if (found.startsWith("<!--")) return "";
    return tag && plainTags.has(tag.toLowerCase()) ? found : `&lt;${found.slice(1)}`;
  });
}

const marked = new Marked({
  gfm: true,
  extensions: [inlineMath, blockMath],
  renderer: {
    html: ({ text }) => plainHtml(text),
    // A disabled check box is a form control without a name to a screen reader; a sign says the same.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/** The top-level blocks of a text: equal source means equal nodes, so that a stream redraws only its end. */
export function splitBlocks(source: string): { raw: string; html: () => string }[] {
  const tokens = marked.lexer(source);
  return tokens.filter((token) => token.type !== "space").map((token) => ({
    raw: token.raw,
    html: () => marked.parser(Object.assign([token], { links: tokens.links })),
  }));
}

/** Clean nodes of a block's HTML. */
export function sanitize(html: string): DocumentFragment {
  const clean = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: tags, ALLOWED_ATTR: attributes, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const element of clean.querySelectorAll("[class]")) keepKnownClass(element);
  for (const image of clean.querySelectorAll("img")) replaceRemote(image);
  for (const link of clean.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return clean;
}

function keepKnownClass(element: Element): void {
  const name = element.getAttribute("class") ?? "";
  if (!(element.tagName === "CODE" && /^language-[\w+#.-]+$/.test(name)) && name !== "math") element.removeAttribute("class");
}

/** Only pictures that are in the text itself are shown; others become links, and nothing is fetched unasked. */
function replaceRemote(image: HTMLImageElement): void {
  const source = image.getAttribute("src") ?? "";
  if (/^data:image\/(png|jpeg|gif|webp);base64,/i.test(source)) return;
  const link = document.createElement("a");
  if (/^https?:\/\//i.test(source)) link.href = source;
  link.textContent = `[image: ${image.alt || source || "without a name"}]`;
  image.replaceWith(link);
}
