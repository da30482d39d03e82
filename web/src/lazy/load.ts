/** The parts of the page that are fetched when they are first needed; build.mjs makes a file of each. */

const once = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    // A server that was away must not make the failure last.
    loading.catch(() => (loading = undefined));
    return loading;
  };
};

export const loadMarkdown = once(() => import("./markdown.js"));
export const loadMath = once(() => import("./math.js"));
export const loadHighlight = once(() => import("./highlight.js"));
