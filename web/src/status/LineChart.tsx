import { useId } from "preact/hooks";
import { linePath, ticks } from "./scale";

export interface Series {
  name: string;
  values: (number | null)[];
}

const width = 520;
const height = 190;
const left = 74;
const right = 8;
const top = 10;
const bottom = 24;
/** Seconds along the axis; fewer samples begin at the right, where now is. */
const span_s = 120;
/** Two samples further apart than this are not joined: nobody was looking in between. */
const gap_s = 5;

/** Lines over the last two minutes. The legend has the latest values as text, and the picture says them too. */
export function LineChart(props: {
  title: string;
  times: number[];
  series: Series[];
  format: (value: number) => string;
}) {
  const title = useId();
  const now = props.times[props.times.length - 1] ?? 0;
  const first = props.times.findIndex((time) => now - time <= span_s * 1000);
  const times = props.times.slice(Math.max(0, first));
  const series = props.series.map(({ name, values }) => ({ name, values: values.slice(Math.max(0, first)) }));
  const most = Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const marks = ticks(most);
  const end = marks[marks.length - 1]!;
  const x = (time: number) => left + (1 - (now - time) / (span_s * 1000)) * (width - left - right);
  const y = (value: number) => height - bottom - (value / end) * (height - top - bottom);
  const latest = (values: (number | null)[]) => values[values.length - 1] ?? null;
  const words = series.map(({ name, values }) => {
    const value = latest(values);
    return `${name} ${value === null ? "no data" : props.format(value)}`;
  });

  const points = (values: (number | null)[]) => values.flatMap((value, at): ([number, number] | null)[] => {
    const point: [number, number] | null = value === null ? null : [x(times[at]!), y(value)];
    const gap = at > 0 && times[at]! - times[at - 1]! > gap_s * 1000;
    return gap ? [null, point] : [point];
  });
  return (
    <figure class="card chart" aria-labelledby={title}>
      <figcaption id={title}>{props.title}</figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${props.title}: now ${words.join(", ")}`}>
        {marks.map((mark) => (
          <g key={mark}>
            <line class="grid" x1={left} x2={width - right} y1={y(mark)} y2={y(mark)} />
            <text x={left - 8} y={y(mark) + 4} text-anchor="end">{props.format(mark)}</text>
          </g>
        ))}
        {[120, 60, 0].map((ago) => (
          <text key={ago} x={x(now - ago * 1000)} y={height - 6} text-anchor={ago === 0 ? "end" : ago === 120 ? "start" : "middle"}>
            {ago === 0 ? "now" : `−${ago / 60} min`}
          </text>
        ))}
        {series.map(({ name, values }, at) => (
          <path key={name} class={`line stroke-${at + 1}`} d={linePath(points(values))} />
        ))}
      </svg>
      <ul class="legend">
        {series.map(({ name }, at) => (
          <li key={name}><span class={`swatch series-${at + 1}`} aria-hidden="true" />{words[at]}</li>
        ))}
      </ul>
    </figure>
  );
}
