// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aMark, aPanel } from "#lib/client/fixtures.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { ChartCursor, ChartPageContext } from "./cursor.ts";
import { isSameChart, TimeChart, type TimeChartProperties } from "./time-chart.tsx";

const steady = (name: string, value: number | null) => ({
  name,
  points: [0, 60, 120].map((time): [number, number | null] => [time, value]),
});
const panel = aPanel({
  title: "Requests",
  style: "stacked",
  series: [steady("ok", 30), steady("failed", 5), steady("refused", 0)],
});
const at = (seconds: number) => new Date(seconds * 1000).toISOString();
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

  it("ends a stack's label where its line ends, also when a series below it is newer by a point", () => {
    const left: Panel = {
      ...panel,
      series: [
        {
          name: "gone",
          points: [
            [0, 9],
            [60, 9],
            [120, null],
          ],
        },
        {
          name: "new",
          points: [
            [0, null],
            [60, null],
            [120, 9],
          ],
        },
      ],
    };
    const { container } = render(<TimeChart panel={left} from={0} to={120} />);
    const heights = [...container.querySelectorAll("circle[r='2']")].map((each) => each.getAttribute("cy"));
    expect(new Set(heights).size).toBe(1);
    expect(Number(heights[0])).toBeGreaterThanOrEqual(18);
  });

  it("says of a moment without any value that there is no data", () => {
    render(<TimeChart panel={{ ...panel, series: [steady("ok", null), steady("failed", null)] }} from={0} to={120} />);
    fireEvent.pointerMove(screen.getByRole("slider"), { clientX: 200 });
    expect(screen.getByText("no data")).toBeDefined();
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

  it("is drawn again for new data, marks or time, and not when only the time of the answer is another", () => {
    const drawn: TimeChartProperties = { panel: { ...panel, limit: { value: 1, label: "alert" } }, from: 0, to: 120, marks: [] };
    const changed = (over: Partial<Panel>) => ({ ...drawn, panel: { ...drawn.panel, ...over } });
    const later = changed({ at: "2026-11-20T10:00:00.000Z", problem: "slow", limit: { value: 1, label: "alert" } });
    expect(isSameChart(drawn, later)).toBe(true);
    expect(isSameChart(drawn, changed({ series: [...panel.series] }))).toBe(false);
    expect(isSameChart(drawn, changed({ limit: { value: 2, label: "alert" } }))).toBe(false);
    expect(isSameChart(drawn, { ...drawn, to: 180 })).toBe(false);
    expect(isSameChart(drawn, { ...drawn, marks: [aMark()] })).toBe(false);
  });

  it("does not draw its lines again while the pointer moves", () => {
    const { container } = render(<TimeChart panel={panel} from={0} to={120} />);
    const lines = container.querySelector("[role=img]");
    const before = lines?.outerHTML;
    const observer = new MutationObserver(() => {});
    if (lines) observer.observe(lines, { subtree: true, childList: true, attributes: true });
    fireEvent.pointerMove(screen.getByRole("slider"), { clientX: 200 });
    expect(screen.getByText("refused")).toBeDefined();
    expect(observer.takeRecords()).toEqual([]);
    expect(lines?.outerHTML).toBe(before);
  });
});

describe("zooming a chart", () => {
  const zoomable = () => {
    const page = { cursor: new ChartCursor(), onZoom: vi.fn(), onZoomBack: vi.fn(), isZoomed: true };
    render(
      <ChartPageContext value={page}>
        <TimeChart panel={panel} from={0} to={120} />
      </ChartPageContext>,
    );
    return { ...page, slider: screen.getByRole("slider") };
  };

  it("takes what is dragged over, in either direction", () => {
    const { slider, onZoom } = zoomable();
    fireEvent.pointerDown(slider, { clientX: 484, button: 0, pointerType: "mouse" });
    fireEvent.pointerMove(slider, { clientX: 300 });
    fireEvent.pointerMove(slider, { clientX: 242 });
    fireEvent.pointerUp(slider, { clientX: 242 });
    expect(onZoom).toHaveBeenCalledExactlyOnceWith(60, 120);
  });

  it("is not begun by a click", () => {
    const { slider, onZoom } = zoomable();
    fireEvent.pointerDown(slider, { clientX: 100, button: 0, pointerType: "mouse" });
    fireEvent.pointerMove(slider, { clientX: 103 });
    fireEvent.pointerUp(slider, { clientX: 103 });
    expect(onZoom).not.toHaveBeenCalled();
  });

  it("is given up where the drag ends where it began", () => {
    const { slider, onZoom } = zoomable();
    fireEvent.pointerDown(slider, { clientX: 100, button: 0, pointerType: "mouse" });
    fireEvent.pointerMove(slider, { clientX: 200 });
    fireEvent.pointerMove(slider, { clientX: 101 });
    fireEvent.pointerUp(slider, { clientX: 101 });
    expect(onZoom).not.toHaveBeenCalled();
  });

  describe("by a finger", () => {
    const touch = (clientX: number) => ({ clientX, clientY: 50, button: 0, pointerType: "touch" });
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it("takes what is dragged over after it was held", () => {
      const { slider, onZoom } = zoomable();
      fireEvent.pointerDown(slider, touch(484));
      act(() => void vi.advanceTimersByTime(500));
      fireEvent.pointerMove(slider, touch(242));
      fireEvent.pointerUp(slider, touch(242));
      expect(onZoom).toHaveBeenCalledExactlyOnceWith(60, 120);
    });

    it("is not begun by a drag, which moves the moment that is read; that stays when the finger lifts", () => {
      const { slider, onZoom } = zoomable();
      fireEvent.pointerDown(slider, touch(484));
      fireEvent.pointerMove(slider, touch(400));
      act(() => void vi.advanceTimersByTime(500));
      fireEvent.pointerMove(slider, touch(242));
      expect(slider.getAttribute("aria-valuenow")).toBe("60");
      fireEvent.pointerUp(slider, touch(242));
      fireEvent.pointerLeave(slider, touch(242));
      expect(onZoom).not.toHaveBeenCalled();
      expect(screen.getByText("refused")).toBeDefined();
    });

    it("does not scroll the page while it marks, and does otherwise", () => {
      const { slider } = zoomable();
      fireEvent.pointerDown(slider, touch(484));
      expect(fireEvent.touchMove(slider)).toBe(true);
      act(() => void vi.advanceTimersByTime(500));
      expect(fireEvent.touchMove(slider)).toBe(false);
      fireEvent.pointerCancel(slider, touch(484));
      expect(fireEvent.touchMove(slider)).toBe(true);
    });
  });

  it("works by keys: Shift and an arrow mark, Enter zooms, Escape gives up and then goes back", () => {
    const { slider, onZoom, onZoomBack } = zoomable();
    fireEvent.keyDown(slider, { key: "End" });
    fireEvent.keyDown(slider, { key: "ArrowLeft", shiftKey: true });
    fireEvent.keyDown(slider, { key: "Enter" });
    expect(onZoom).toHaveBeenCalledExactlyOnceWith(60, 120);
    fireEvent.keyDown(slider, { key: "End" });
    fireEvent.keyDown(slider, { key: "ArrowLeft", shiftKey: true });
    fireEvent.keyDown(slider, { key: "Escape" });
    expect(onZoomBack).not.toHaveBeenCalled();
    fireEvent.keyDown(slider, { key: "Escape" });
    expect(onZoomBack).toHaveBeenCalledOnce();
  });

  it("goes back by a double click", () => {
    const { slider, onZoomBack } = zoomable();
    fireEvent.doubleClick(slider);
    expect(onZoomBack).toHaveBeenCalledOnce();
  });
});

describe("marks and alerts on a chart", () => {
  it("name who did what, and lead to the rollout and the audit", async () => {
    const mark = aMark({
      at: new Date(60_000).toISOString(),
      before: { requestsPerSecond: 10, errorRatio: 0, latencyP95Seconds: 0.04 },
      after: { requestsPerSecond: 12, errorRatio: 0, latencyP95Seconds: 0.08 },
    });
    render(<TimeChart panel={panel} from={0} to={120} marks={[mark]} />);
    fireEvent.click(screen.getByRole("button", { name: /^Requests: Scale 3 → 5 instances by ana/ }));
    const card = await screen.findByRole("dialog");
    expect(card.textContent).toContain("“more load”");
    expect(card.textContent).toContain("40 ms80 ms+100 %");
    const links = within(card)
      .getAllByRole("link")
      .map((link) => link.getAttribute("href"));
    expect(links).toEqual(["/rollouts/rollout-1", "/audit?entry=audit-1"]);
  });

  it("say which alert fired at the moment pointed at", () => {
    const span = {
      id: "e1",
      name: "RelayHighLatency",
      severity: "warning",
      startsAt: at(50),
      endsAt: at(70),
      acknowledged: false,
    };
    render(
      <TooltipProvider>
        <TimeChart panel={panel} from={0} to={120} spans={[span]} />
      </TooltipProvider>,
    );
    const slider = screen.getByRole("slider");
    fireEvent.pointerEnter(slider);
    fireEvent.pointerMove(slider, { clientX: 242 });
    expect(screen.getByText("RelayHighLatency")).toBeDefined();
    fireEvent.pointerMove(slider, { clientX: 484 });
    expect(screen.queryByText("RelayHighLatency")).toBeNull();
    expect(screen.getByRole("link", { name: /^RelayHighLatency, warning, from/ }).getAttribute("href")).toBe("/alerts/e1");
  });
});

it("a comparison is drawn fainter and told as a change at the moment pointed at", () => {
  const compared: Panel = { ...panel, style: "lines", series: [steady("ok", 30)], compared: [steady("ok", 20)] };
  const { container } = render(<TimeChart panel={compared} from={0} to={120} compare="day" />);
  expect(container.querySelectorAll("path[stroke-dasharray='4 3']")).toHaveLength(1);
  const slider = screen.getByRole("slider");
  fireEvent.pointerEnter(slider);
  fireEvent.pointerMove(slider, { clientX: 242 });
  expect(screen.getByText("against yesterday")).toBeDefined();
  expect(screen.getByText("+50 %")).toBeDefined();
});
