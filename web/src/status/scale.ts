/** Round numbers for an axis from 0 to at least `max`, some four of them. */
export function ticks(max: number, step_of: (raw: number) => number = niceStep): number[] {
  if (!(max > 0)) return [0, 1];
  const step = step_of(max / 4);
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => at * step);
}

/** 1, 2 or 5 times a power of ten, not below `raw`. */
export function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/** An SVG path through points in order; null begins a new piece. A point alone is a dot (with round line ends). */
export function linePath(points: ([number, number] | null)[]): string {
  return points.map((point, at) => {
    if (!point) return "";
    const first = !points[at - 1];
    const dot = first && !points[at + 1] ? "h0" : "";
    return `${first ? "M" : "L"}${point[0].toFixed(1)} ${point[1].toFixed(1)}${dot}`;
  }).join("");
}
