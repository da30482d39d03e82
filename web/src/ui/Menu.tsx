import { useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

export interface MenuItem {
  label: string;
  run: () => void;
  danger?: boolean;
}

/** A button with a menu: arrow keys move, Escape and a click elsewhere close (that much is the popover's). */
export function Menu(props: { label: string; icon?: IconName; items: MenuItem[] }) {
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const place = () => {
    const at = button.current!.getBoundingClientRect();
    const style = menu.current!.style;
    const height = menu.current!.offsetHeight;
    const width = menu.current!.offsetWidth;
    const below = at.bottom + height + 8 < window.innerHeight;
    style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
    style.left = `${Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8))}px`;
  };
  const toggle = () => {
    if (!menu.current!.togglePopover()) return;
    place();
    menu.current!.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...menu.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") menu.current!.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length]?.focus();
  };
  const choose = (item: MenuItem) => {
    menu.current!.hidePopover();
    item.run();
  };
  return (
    <>
      <button ref={button} type="button" class="icon-button" aria-label={props.label} title={props.label}
              aria-haspopup="menu" aria-expanded={open} onClick={toggle}>
        <Icon name={props.icon ?? "more"} />
      </button>
      <div ref={menu} class="menu" role="menu" aria-label={props.label} popover="auto"
           onToggle={(event: ToggleEvent) => setOpen(event.newState === "open")} onKeyDown={onKeyDown}>
        {props.items.map((item) => (
          <button key={item.label} type="button" role="menuitem" tabIndex={-1} class={item.danger ? "danger" : ""}
                  onClick={() => choose(item)}>
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}
