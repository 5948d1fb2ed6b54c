// @vitest-environment jsdom
import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aPanel } from "#lib/client/fixtures.ts";
import { mergeTail } from "#lib/client/metrics-tail.ts";
import type { Panel, PanelsAnswer } from "#lib/domain/metrics/schemas.ts";
import { PointerLayer } from "./pointer.tsx";
import { TimeChart } from "./time-chart.tsx";

// Every drawing of a chart renders this part of it, which is not memoised.
vi.mock("./pointer.tsx", { spy: true });

const aChart = (id: string, ...values: number[]): Panel =>
  aPanel({ id, title: id, shape: id, series: [{ name: "all", points: values.map((value, index) => [index * 60, value]) }] });
const answer = (over: Partial<PanelsAnswer>): PanelsAnswer => ({
  range: "15m",
  from: 0,
  to: 120,
  stepSeconds: 60,
  compare: null,
  isTail: false,
  tailSince: 120,
  notice: null,
  panels: [],
  hidden: [],
  ...over,
});
const aTail = (...panels: [string, number][]) =>
  answer({
    isTail: true,
    panels: panels.map(([id, value]) => ({ ...aChart(id), at: "later", series: [{ name: "all", points: [[120, value]] }] })),
  });

const draws = () => vi.mocked(PointerLayer).mock.calls.map(([{ title }]) => title);
const Page = ({ panels, from, to }: PanelsAnswer) =>
  panels.map((panel) => <TimeChart key={panel.id} panel={panel} from={from} to={to} />);

/** Says of every chart at once whether it can be seen. */
let seen: (isIntersecting: boolean) => void = () => {};

beforeEach(() => {
  const told = new Set<(entries: { isIntersecting: boolean }[]) => void>();
  seen = (isIntersecting) =>
    act(() => {
      for (const tell of told) tell([{ isIntersecting }]);
    });
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 148));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
        told.add(tell);
      }
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.mocked(PointerLayer).mockClear();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("draws again only the chart that a tail brought something new for", () => {
  const held = answer({ panels: [aChart("rate", 1, 2, 3), aChart("errors", 0, 0, 0), aChart("memory", 5, 5, 5)] });
  const merged = mergeTail(held, aTail(["rate", 3], ["errors", 7], ["memory", 5]));
  const { container, rerender } = render(<Page {...held} />);
  vi.mocked(PointerLayer).mockClear();
  if (merged) rerender(<Page {...merged} />);
  expect(draws()).toEqual(["errors"]);
  expect(container.querySelector("[role=img][aria-label='errors, now: all 7/s']")).not.toBeNull();
});

it("keeps the elements of a line that a new point moves", () => {
  const held = answer({ panels: [aChart("rate", 1, 2, 3)] });
  const { container, rerender } = render(<Page {...held} />);
  const [line] = container.querySelectorAll("path[stroke-width]");
  const before = line?.getAttribute("d");
  const merged = mergeTail(held, aTail(["rate", 1]));
  if (merged) rerender(<Page {...merged} />);
  expect(container.querySelector("path[stroke-width]")).toBe(line);
  expect(line?.getAttribute("d")).not.toBe(before);
});

it("waits with what is new until the chart is in view", () => {
  const held = answer({ panels: [aChart("rate", 1, 2, 3)] });
  const { container, rerender } = render(<Page {...held} />);
  const label = () => container.querySelector("[role=img]")?.getAttribute("aria-label");
  seen(false);
  const merged = mergeTail(held, aTail(["rate", 9]));
  if (merged) rerender(<Page {...merged} />);
  expect(label()).toBe("rate, now: all 3/s");
  seen(true);
  expect(label()).toBe("rate, now: all 9/s");
});
