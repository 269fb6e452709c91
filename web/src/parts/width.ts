// How wide something is, for pictures that fill the room they have.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** Narrower than this no picture is drawn. */
const LEAST = 80;

export function useWidth(first: number): [RefObject<never>, number] {
  const element = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(first);
  useLayoutEffect(() => {
    if (element.current === null) return;
    const style = getComputedStyle(element.current);
    const inner = element.current.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const take = (wide: number): void => void (wide > 0 && setWidth(Math.max(LEAST, Math.floor(wide))));
    take(inner);
    const watch = new ResizeObserver(([entry]) => take(entry?.contentRect.width ?? 0));
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return [element as RefObject<never>, width];
}
