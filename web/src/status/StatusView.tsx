export function StatusView() { return <p>…</p>; }
