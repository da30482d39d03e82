import { useEffect, useRef, useState } from "preact/hooks";

/** What a reader scrolls by, and how long a move may come after it, in milliseconds. */
const kReaders = ["wheel", "touchmove", "keydown", "pointerdown", "pointermove"];
const kTouch = 1000;

/**
 * Scrolling that follows what is written while the reader is at the end, and leaves the reader alone
 * otherwise. The reader's move upwards lets go; coming back to the end, or `jump`, takes hold again.
 */
export function useStickyScroll() {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [atEnd, setAtEnd] = useState(true);

  const follow = (value: boolean) => {
    following.current = value;
    setAtEnd(value);
  };
  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  useEffect(() => {
    const element = scroller.current!;
    let top = element.scrollTop;
    // Text that gets shorter and longer again between two events also looks like a move upwards.
    let touched = -Infinity;
    const onTouch = () => {
      touched = performance.now();
    };
    const onScroll = () => {
      const distance = element.scrollHeight - element.clientHeight - element.scrollTop;
      if (distance < 8) {
        if (element.scrollTop > top) follow(true);
      } else if (element.scrollTop < top && performance.now() - touched < kTouch) {
        follow(false);
      }
      top = element.scrollTop;
    };
    const observer = new ResizeObserver(() => {
      if (following.current) toEnd();
      // Something opened or was edited above: without a scroll event the button must still know.
      else if (element.scrollHeight - element.clientHeight <= 8) follow(true);
    });
    observer.observe(content.current!);
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    for (const event of kReaders) element.addEventListener(event, onTouch, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
      for (const event of kReaders) element.removeEventListener(event, onTouch);
    };
  }, []);

  const jump = () => {
    follow(true);
    toEnd();
  };
  return { scroller, content, atEnd, jump };
}
