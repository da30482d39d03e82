import { useState } from "preact/hooks";
import { formatCount, formatDuration, formatPercent, formatRate } from "../format";
import { download } from "../ui/files";
import { Icon } from "../ui/icons";
import { cancel, resume, type Job } from "./job";
import { countLabels, toCsv, toJsonl } from "./output";
import { ResultTable } from "./ResultTable";

/** Progress, counts, the table, and the way out as a file. */
export function Results({ job }: { job: Job }) {
  const [filter, setFilter] = useState("");
  const { labels } = job.options;
  const counts = countLabels(job.results, labels);
  const failed = job.results.filter((result) => result?.error !== undefined).length;
  const perSecond = job.elapsed_ms > 0 ? (job.done - failed) / (job.elapsed_ms / 1000) : 0;
  return (
    <section class="results" aria-label="Results" data-testid="classify-results" data-state={job.state}>
      <div class="card form">
        <div class="row">
          <h3>{formatCount(job.done)} of {formatCount(job.rows.length)}</h3>
          <span class="hint">
            {perSecond > 0 && `${formatRate(perSecond)} texts/s · ${formatDuration(job.elapsed_ms)}`}
            {job.promptTokens > 0 && ` · ${formatCount(job.promptTokens)} tokens read`}
            {failed > 0 && ` · ${formatCount(failed)} with errors`}
          </span>
          <span class="row-end">
            {job.state === "running" && <button type="button" class="button" onClick={cancel}>Cancel</button>}
            {job.state === "cancelled" && <button type="button" class="button" onClick={resume}>Go on</button>}
            <button type="button" class="button" disabled={job.done === 0}
                    onClick={() => download("classified.jsonl", "application/jsonl", toJsonl(job.rows, job.results, labels))}>
              <Icon name="download" /> JSONL
            </button>
            <button type="button" class="button" disabled={job.done === 0}
                    onClick={() => download("classified.csv", "text/csv", toCsv(job.rows, job.results, labels))}>
              <Icon name="download" /> CSV
            </button>
          </span>
        </div>
        {job.state !== "done" && (
          <progress max={job.rows.length} value={job.done} aria-label="Texts classified" />
        )}
        {job.state === "failed" && (
          <div class="outcome outcome-error" data-testid="classify-error">
            <Icon name="warn" />
            <span>{job.error}</span>
            <button type="button" class="button" onClick={resume}>Retry from here</button>
          </div>
        )}
        <Counts labels={labels} counts={counts} />
      </div>
      <ResultTable job={job} filter={filter} onFilter={setFilter} failed={failed} />
    </section>
  );
}

/** A bar per label. A list, so that it is read as "technical: 12, 40 %" by whoever does not see it. */
function Counts({ labels, counts }: { labels: string[]; counts: number[] }) {
  const most = Math.max(1, ...counts);
  const all = Math.max(1, counts.reduce((sum, count) => sum + count, 0));
  return (
    <ul class="bars" aria-label="Texts per label" data-testid="classify-counts">
      {labels.map((label, at) => (
        <li key={label}>
          <span class="bar-label">{label}</span>
          <span class="bar-track"><span class={`bar series-${at % 6 + 1}`} style={{ width: `${(counts[at]! / most) * 100}%` }} /></span>
          <span class="bar-value">{formatCount(counts[at]!)} · {formatPercent(counts[at]! / all)}</span>
        </li>
      ))}
    </ul>
  );
}
