import { useCallback, useState } from "react";

/** Which of some things are turned over; `toggle` stays the same, so that what is given it need not be drawn again. */
export function useToggled() {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((id: string) => {
    setToggled((held) => {
      const next = new Set(held);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  return { toggled, toggle, setToggled };
}
