// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DensityBucket } from "#lib/domain/alerts/schemas.ts";
import { DensityLegend, DensityStrip } from "./density-strip.tsx";

const minute = 60_000;
const from = Date.parse("2026-11-21T11:00:00.000Z");
const bucket = (minutes: number, bySeverity: Record<string, number> = {}, unknown = false): DensityBucket => ({
  at: new Date(from + minutes * minute).toISOString(),
  bySeverity,
  unknown,
});
const buckets = [
  bucket(0, { critical: 2 }),
  bucket(1, { warning: 1 }),
  bucket(2, {}, true),
  ...[3, 4, 5, 6, 7, 8, 9].map((at) => bucket(at)),
];

const show = (onZoom = vi.fn()) => {
  render(<DensityStrip from={from} to={from + 10 * minute} stepSeconds={60} buckets={buckets} onZoom={onZoom} />);
  return { onZoom, strip: screen.getByRole("slider") };
};

beforeEach(() => {
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 1000, 52));
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** jsdom has no pointer events of its own. */
const pointer = (element: Element, type: string, clientX: number) =>
  fireEvent(element, new MouseEvent(type, { bubbles: true, clientX, button: 0 }));

describe("the strip of alerts over time", () => {
  it("says in words how many began and that a part is unknown", () => {
    expect(show().strip.getAttribute("aria-label")).toMatch(/^3 alerts began .*1 span unknown/);
  });

  it("hatches what could not be heard, and nothing else", () => {
    const { strip } = show();
    const hatched = [...strip.querySelectorAll("rect")].filter((rect) => /^url\(#/.test(rect.getAttribute("fill") ?? ""));
    expect(hatched).toHaveLength(1);
    expect(Number.parseFloat(hatched[0]?.getAttribute("x") ?? "")).toBeCloseTo(20);
    expect(Number.parseFloat(hatched[0]?.getAttribute("width") ?? "")).toBeCloseTo(10);
  });

  it("zooms to the whole steps that were dragged over", () => {
    const { onZoom, strip } = show();
    pointer(strip, "pointerdown", 150);
    pointer(strip, "pointermove", 320);
    expect(onZoom).not.toHaveBeenCalled();
    pointer(strip, "pointerup", 320);
    expect(onZoom).toHaveBeenCalledExactlyOnceWith({ from: from + minute, to: from + 4 * minute });
  });

  it("takes a click for no zoom", () => {
    const { onZoom, strip } = show();
    pointer(strip, "pointerdown", 150);
    pointer(strip, "pointerup", 150);
    expect(onZoom).not.toHaveBeenCalled();
  });

  it("zooms by the keyboard: Shift with the arrows marks, Enter chooses, Escape gives up", () => {
    const { onZoom, strip } = show();
    const key = (name: string, shiftKey = false) => fireEvent.keyDown(strip, { key: name, shiftKey });
    key("ArrowLeft");
    key("ArrowLeft", true);
    key("ArrowLeft", true);
    key("Escape");
    key("Enter");
    expect(onZoom).not.toHaveBeenCalled();
    key("ArrowLeft");
    key("ArrowLeft", true);
    key("ArrowLeft", true);
    key("Enter");
    expect(onZoom).toHaveBeenCalledExactlyOnceWith({ from: from + 7 * minute, to: from + 9 * minute });
  });

  it("tells what a step holds where it is pointed at", () => {
    const { strip } = show();
    pointer(strip, "pointermove", 50);
    expect(strip.getAttribute("aria-valuetext")).toBe("2 critical");
    pointer(strip, "pointermove", 250);
    expect(strip.getAttribute("aria-valuetext")).toBe("unknown");
    pointer(strip, "pointermove", 950);
    expect(strip.getAttribute("aria-valuetext")).toBe("none began");
  });
});

describe("its legend", () => {
  it("counts each severity and names the hatching only where there is some", () => {
    render(<DensityLegend buckets={buckets} />);
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
      "Critical 2",
      "Warning 1",
      "Unknown: not heard",
    ]);
    cleanup();
    render(<DensityLegend buckets={[bucket(0, { info: 4 })]} />);
    expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Info 4"]);
  });
});
