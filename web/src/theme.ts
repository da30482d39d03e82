// Runs before the first paint, so that a chosen theme does not flash the other one.
try {
  const chosen = JSON.parse(localStorage.getItem("linnet.theme") ?? "null") as unknown;
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's theme it is.
}
export {};
