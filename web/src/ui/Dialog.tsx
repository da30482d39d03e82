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
  // The close event comes later; by then the dialog may be wanted again. Only the reader's closing counts.
  const closedByUs = useRef(false);
  useEffect(() => {
    const element = dialog.current!;
    if (props.open === element.open) return;
    if (props.open) element.showModal();
    else {
      closedByUs.current = true;
      element.close();
    }
  }, [props.open]);
  const onClose = () => {
    if (closedByUs.current) closedByUs.current = false;
    else props.onClose();
  };
  const onBackdrop = (event: MouseEvent) => {
    if (event.target === dialog.current) props.onClose();
  };
  return (
    <dialog ref={dialog} class={props.class} aria-labelledby={title} onClose={onClose} onClick={onBackdrop}>
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
