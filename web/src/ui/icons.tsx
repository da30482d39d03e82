/** Line icons on a 20 x 20 grid. They decorate: whatever holds one carries the words. */

const paths = {
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  search: "M9 3.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11zM13 13l4 4",
  more: "M4.300 10h.4M9.800 10h.4M15.300 10h.4",
  send: "M10 16V4M5 9l5-5 5 5",
  stop: "M5.500 5.500h9v9h-9z",
  copy: "M7 7h9v9H7zM13 7V4H4v9h3",
  edit: "M4 16l.7-3.200L13.500 4a1.500 1.500 0 0 1 2.200 0l.3.3a1.500 1.500 0 0 1 0 2.200L7.200 15.300z",
  again: "M15.500 7A6.300 6.300 0 1 0 16.300 10M16 3.500V7.200h-3.700",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  down: "M10 4v12M5 11l5 5 5-5",
  sliders: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  help: "M7.500 7.500a2.500 2.500 0 1 1 3.700 2.200c-.8.5-1.200 1-1.200 1.800M10 14.500h.01",
  sun: "M10 6.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M4.300 15.700l1.100-1.100M14.600 5.400l1.100-1.100",
  moon: "M16.500 11.800A6.800 6.800 0 0 1 8.200 3.500a6.800 6.800 0 1 0 8.300 8.300z",
  download: "M10 3v9M6 8.500l4 4 4-4M4 16.500h12",
  upload: "M10 13V4M6 7.500l4-4 4 4M4 16.500h12",
  warn: "M10 3.500l7 12.500H3zM10 8.500v3.500M10 14h.01",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  id?: string;
  class?: string;
  disabled?: boolean;
  expanded?: boolean;
}) {
  return (
    <button type="button" id={props.id} class={`icon-button ${props.class ?? ""}`} aria-label={props.label} title={props.label}
            disabled={props.disabled} aria-expanded={props.expanded} onClick={props.onClick}>
      <Icon name={props.icon} />
    </button>
  );
}
