"use client";
import { createContext, useContext, useSyncExternalStore } from "react";

/** The moment pointed at and, while a span is marked, where it began. Unix seconds. */
export type CursorState = { time: number | null; anchor: number | null };

const nowhere: CursorState = { time: null, anchor: null };

/** Holds what is pointed at for all charts of a page, so that only what follows the pointer is drawn again. */
export class ChartCursor {
  #state = nowhere;
  readonly #listeners = new Set<() => void>();

  readonly read = (): CursorState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  point(time: number | null): void {
    if (time !== this.#state.time) this.#set({ ...this.#state, time });
  }

  /** Begins a span at a moment, or gives one up. */
  mark(anchor: number | null): void {
    if (anchor !== this.#state.anchor) this.#set({ time: anchor ?? this.#state.time, anchor });
  }

  leave(): void {
    if (this.#state !== nowhere) this.#set(nowhere);
  }

  #set(state: CursorState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** What the charts of a page share. Without handlers a chart cannot be zoomed. */
export type ChartPage = {
  cursor: ChartCursor;
  onZoom: ((from: number, to: number) => void) | null;
  onZoomBack: (() => void) | null;
  /** Whether there is a zoom to undo: Escape then does that instead of leaving the page. */
  isZoomed: boolean;
};

export const ChartPageContext = createContext<ChartPage>({
  cursor: new ChartCursor(),
  onZoom: null,
  onZoomBack: null,
  isZoomed: false,
});

export const useChartPage = () => useContext(ChartPageContext);

export function useCursor(cursor: ChartCursor): CursorState {
  return useSyncExternalStore(cursor.subscribe, cursor.read, () => nowhere);
}
