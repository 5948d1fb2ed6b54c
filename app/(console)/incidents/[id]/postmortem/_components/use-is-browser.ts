"use client";
import { useSyncExternalStore } from "react";

const nothing = () => () => {};

/** False while the server renders and while the browser takes that over: what the browser keeps is known only afterwards. */
export const useIsBrowser = (): boolean =>
  useSyncExternalStore(
    nothing,
    () => true,
    () => false,
  );
