import { describe, expect, it } from "vitest";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import { describeSeries, type Series } from "./drill-figures.ts";

const faultAt = "2026-01-01T00:00:00.000Z";

function drill(number: number, rtoMs: number | null, more: Partial<DrillView> = {}): DrillView {
  const measured = { rpoMs: 0, lostWrites: 0, errorMs: 250, verdict: "met", message: "", faultAt };
  return { number, rtoMs, ...measured, detectedAt: "2026-01-01T00:00:04.500Z", ...more } as DrillView;
}

const report = (more: Partial<Series>) =>
  describeSeries({ scenario: "instance", subject: "fleet/relay", drills: [], endedBy: null, resolved: [], ...more }).join("\n\n");

const lineOf = (text: string, name: string) =>
  text
    .split("\n")
    .find((line) => line.startsWith(`| ${name}`))
    ?.split("|")
    .slice(2, -1)
    .map((cell) => cell.trim());

describe("drills that are repeated", () => {
  it("are told as a distribution beside the guides' objective", () => {
    const text = report({ drills: [3, 1, 2, 5, 4, 9, 8, 7, 6, 20].map((rto, index) => drill(index + 1, rto * 1000)) });
    expect(text).toContain("## Instance failure of fleet/relay");
    expect(lineOf(text, "RTO")).toEqual(["10", "1.00", "5.50", "9.00", "20.0", "< 30"]);
    expect(lineOf(text, "its error")).toEqual(["10", "0.25", "0.25", "0.25", "0.25", ""]);
    expect(lineOf(text, "RPO")).toEqual(["10", "0.00", "0.00", "0.00", "0.00", "0"]);
    expect(lineOf(text, "told after")).toEqual(["10", "4.50", "4.50", "4.50", "4.50", ""]);
    expect(text).toContain("Verdicts: 10 met, 0 missed, 0 inconclusive.");
    expect(text).toContain("(s): 3.00, 1.00, 2.00, 5.00");
    expect(text).not.toContain("repeated no further");
  });

  it("leave out what one of them could not measure, and say why it did not meet the objective", () => {
    const aborted = drill(2, null, {
      verdict: "inconclusive",
      detectedAt: null,
      lostWrites: null,
      rpoMs: null,
      message: "The prober was restarted.",
    });
    const late = drill(3, 31_000, { verdict: "missed", lostWrites: 4, message: "Away for 31 s." });
    const text = report({ drills: [drill(1, 1000), aborted, late] });
    expect(lineOf(text, "RTO")?.slice(0, 2)).toEqual(["2", "1.00"]);
    expect(lineOf(text, "lost writes")).toEqual(["2", "0.00", "2.00", "4.00", "4.00", "0"]);
    expect(lineOf(text, "told after")?.[0]).toBe("2");
    expect(text).toContain("Verdicts: 1 met, 1 missed, 1 inconclusive.");
    expect(text).toContain("* DR-2, inconclusive: The prober was restarted.\n* DR-3, missed: Away for 31 s.");
  });

  it("say when they could not go on, and what was cleared out of their way", () => {
    const text = report({ scenario: "node", endedBy: "fleet/hub is not healthy.", resolved: ["INC-3 Budget burns"] });
    expect(lineOf(text, "RTO")).toEqual(["0", "-", "-", "-", "-", "< 120"]);
    expect(text).toContain("It was repeated no further: fleet/hub is not healthy.");
    expect(text).toContain("INC-3 Budget burns");
  });
});
