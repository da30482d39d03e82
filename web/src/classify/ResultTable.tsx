import { useEffect, useState } from "preact/hooks";
import { formatCount, formatPercent } from "../format";
import { IconButton } from "../ui/icons";
import type { Job } from "./job";
import type { Result } from "./output";

const page_size = 50;
/** What the filter calls rows that failed; no label can be this, since labels are trimmed. */
const errors = " errors";

/** One page of the rows: tens of thousands of lines would stop any browser. */
export function ResultTable(props: { job: Job; filter: string; onFilter: (filter: string) => void; failed: number }) {
  const { job, filter } = props;
  const { labels } = job.options;
  const [page, setPage] = useState(0);
  useEffect(() => setPage(0), [filter, job.rows]);

  const shown: number[] = [];
  job.results.forEach((result, index) => {
    if (result && (filter === "" || (filter === errors ? result.error !== undefined : result.label === filter))) shown.push(index);
  });
  const pages = Math.max(1, Math.ceil(shown.length / page_size));
  const at = Math.min(page, pages - 1);
  const rows = shown.slice(at * page_size, (at + 1) * page_size);
  if (job.done === 0) return null;
  return (
    <div class="card">
      <div class="row table-head">
        <label class="row">
          <span>Show</span>
          <select value={filter} onChange={(event) => props.onFilter(event.currentTarget.value)}>
            <option value="">all labels</option>
            {labels.map((label) => <option key={label} value={label}>{label}</option>)}
            {props.failed > 0 && <option value={errors}>errors</option>}
          </select>
        </label>
        {pages > 1 && (
          <nav class="row row-end" aria-label="Pages of the table">
            <IconButton icon="left" label="Previous page" disabled={at === 0} onClick={() => setPage(at - 1)} />
            <span class="hint">{formatCount(at * page_size + 1)}–{formatCount(at * page_size + rows.length)} of {formatCount(shown.length)}</span>
            <IconButton icon="right" label="Next page" disabled={at === pages - 1} onClick={() => setPage(at + 1)} />
          </nav>
        )}
      </div>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Texts and their labels">
        <table class="data" data-testid="classify-table">
          <thead>
            <tr>
              <th scope="col" class="number">#</th>
              <th scope="col">Text</th>
              <th scope="col">Label</th>
              {labels.map((label) => <th key={label} scope="col">{label}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map((index) => (
              <TableRow key={index} number={index + 1} text={job.rows[index]!.text} result={job.results[index]!} labels={labels} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function TableRow(props: { number: number; text: string; result: Result; labels: string[] }) {
  const { result, labels } = props;
  return (
    <tr>
      <td class="number">{props.number}</td>
      <td class="text-cell" title={props.text}>{props.text || <span class="hint">(nothing)</span>}</td>
      {result.error !== undefined ? (
        <td class="field-error" colSpan={labels.length + 1}>{result.error}</td>
      ) : (
        <>
          <td><strong>{result.label ?? `none${result.text ? `: “${result.text}”` : ""}`}</strong></td>
          {labels.map((label, at) => {
            const share = result.probabilities?.[at];
            if (share === undefined || share === null) return <td key={label}>–</td>;
            return (
              <td key={label} class="score">
                <span class="bar-track" aria-hidden="true"><span class={`bar series-${at % 6 + 1}`} style={{ width: `${share * 100}%` }} /></span>
                <span>{formatPercent(share)}</span>
              </td>
            );
          })}
        </>
      )}
    </tr>
  );
}
