// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aPanel } from "#lib/client/fixtures.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { TimeChart } from "./time-chart.tsx";

const steady = (name: string, value: number | null) => ({
  name,
  points: [0, 60, 120].map((time): [number, number | null] => [time, value]),
});
const panel = aPanel({
  title: "Requests",
  style: "stacked",
  series: [steady("ok", 30), steady("failed", 5), steady("refused", 0)],
});
const texts = (container: Element, selector: string) => [...container.querySelectorAll(selector)].map((each) => each.textContent);
const endsOf = (container: Element) =>
  [...container.querySelectorAll("text.font-medium")]
    .sort((a, b) => Number(a.getAttribute("y")) - Number(b.getAttribute("y")))
    .map((each) => each.textContent);

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 148));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a chart", () => {
  it("says what it shows now in words", () => {
    render(<TimeChart panel={panel} from={0} to={120} />);
    expect(screen.getByRole("img", { name: "Requests, now: ok 30/s, failed 5/s, refused 0/s" })).toBeDefined();
  });

  it("lists the end values of a stack from its top, also of equal height", () => {
    const { container } = render(<TimeChart panel={panel} from={0} to={120} />);
    expect(endsOf(container)).toEqual(["0/s", "5/s", "30/s"]);
  });

  it("writes no end value for a line that has ended", () => {
    const { container } = render(<TimeChart panel={{ ...panel, style: "lines" }} from={0} to={600} />);
    expect(endsOf(container)).toEqual([]);
  });

  it("draws a limit near the values with its name below the drawing's upper edge", () => {
    const limited: Panel = { ...panel, unit: "ratio", style: "lines", series: [steady("errors", 0.004)] };
    const { container, rerender } = render(
      <TimeChart panel={{ ...limited, limit: { value: 0.01, label: "1 % alert" } }} from={0} to={120} />,
    );
    expect(Number(screen.getByText("1 % alert").closest("text")?.getAttribute("y"))).toBeGreaterThanOrEqual(12);
    rerender(<TimeChart panel={{ ...limited, limit: { value: 1, label: "far away" } }} from={0} to={120} />);
    expect(texts(container, "text.fill-bad")).toEqual([]);
  });

  it("says the unit of cores once, above the axis", () => {
    const { container } = render(
      <TimeChart panel={{ ...panel, unit: "cores", style: "lines", series: [steady("pod", 0.019)] }} from={0} to={120} />,
    );
    expect(texts(container, "text").filter((text) => text?.includes("cores"))).toEqual(["cores"]);
    expect(endsOf(container)).toEqual(["0.019"]);
  });

  it("tells the values of a moment to the keyboard, on every chart of the page", async () => {
    render(
      <>
        <TimeChart panel={panel} from={0} to={120} />
        <TimeChart panel={{ ...panel, title: "CPU", unit: "cores", series: [steady("pod", 0.02)] }} from={0} to={120} />
      </>,
    );
    fireEvent.keyDown(screen.getByRole("slider", { name: /^Requests/ }), { key: "ArrowLeft" });
    expect(await screen.findByText("refused")).toBeDefined();
    expect(await screen.findByText("0.020 cores")).toBeDefined();
  });
});
