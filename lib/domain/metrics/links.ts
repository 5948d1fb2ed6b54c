import type { Window } from "./range.ts";

/** The address that opens an expression over a window in Prometheus' graph page; the end is left out for a window that ends now. */
export function prometheusLink(prometheusUrl: string | null, expr: string, window: Window, isRunning: boolean): string | null {
  if (prometheusUrl === null) return null;
  const parameters = new URLSearchParams({
    "g0.expr": expr,
    "g0.tab": "0",
    "g0.range_input": prometheusDuration(window.to - window.from),
    "g0.step_input": `${window.stepSeconds}`,
    ...(isRunning ? {} : { "g0.end_input": new Date(window.to * 1000).toISOString().slice(0, 19).replace("T", " ") }),
  });
  return `${prometheusUrl.replace(/\/+$/, "")}/graph?${parameters}`;
}

/** Seconds as Prometheus writes a duration in one unit: 900 is 15m. */
export function prometheusDuration(seconds: number): string {
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}
