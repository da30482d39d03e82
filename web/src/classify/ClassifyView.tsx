export function ClassifyView() { return <p>…</p>; }
