import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { IconButton } from "./icons";

/** A modal <dialog>: the browser keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog(props: {
  title: string;
  open: boolean;
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    if (props.open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [props.open]);
  const onBackdrop = (event: MouseEvent) => {
    if (event.target === dialog.current) props.onClose();
  };
  return (
    <dialog ref={dialog} class={props.class} aria-labelledby={title} onClose={props.onClose} onClick={onBackdrop}>
      {props.open && (
        <div class="dialog-body">
          <header class="dialog-head">
            <h2 id={title}>{props.title}</h2>
            <IconButton icon="close" label="Close" onClick={props.onClose} />
          </header>
          {props.children}
        </div>
      )}
    </dialog>
  );
}
