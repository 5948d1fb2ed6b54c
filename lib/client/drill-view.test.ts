import { describe, expect, it } from "vitest";
import { aDrill, aDrillDetail, aDrillReport } from "./drill-fixtures.ts";
import { comparedOf, countProbes, detectMs, frameOf, offsetWords, phaseMs, ticksAround } from "./drill-view.ts";

const at = (clock: string) => Date.parse(`2026-11-21T${clock}Z`) / 1000;

describe("the time that a drill's drawing spans", () => {
  it("reaches from the first probe to the objective, counted from the last success before the fault", () => {
    expect(frameOf(aDrillDetail(), at("12:00:00"))).toEqual({
      from: at("11:50:08"),
      to: at("11:50:40"),
      zero: at("11:50:10"),
      objectiveAt: at("11:50:40"),
    });
  });

  it("leaves an objective out that is hours away", () => {
    const detail = aDrillDetail({ drill: aDrill({ rtoObjectiveMs: 14_400_000 }) });
    expect(frameOf(detail, at("12:00:00"))).toMatchObject({ to: at("11:50:28"), objectiveAt: null });
  });

  it("goes on to now while the drill does, and knows no fault before there is one", () => {
    const drill = aDrill({ state: "running", finishedAt: null, faultAt: null });
    const report = aDrillReport({ phases: [] });
    expect(frameOf({ drill, report }, at("11:51:30"))).toEqual({
      from: at("11:50:08"),
      to: at("11:51:30"),
      zero: null,
      objectiveAt: null,
    });
  });

  it("is counted from the fault while it runs, for the last success before it may turn out to be another one", () => {
    const detail = aDrillDetail({ drill: aDrill({ state: "running", finishedAt: null, faultAt: "2026-11-21T11:50:11.000Z" }) });
    expect(frameOf(detail, at("11:50:20"))?.zero).toBe(at("11:50:11"));
  });

  it("is none before it has begun", () => {
    expect(frameOf({ drill: aDrill({ startedAt: null }), report: null }, at("12:00:00"))).toBeNull();
  });
});

it("puts the ticks on round seconds around the fault", () => {
  const ticks = ticksAround({ from: 92, to: 131, zero: 100 }, 5);
  expect(ticks).toEqual([
    { at: 100, label: "0" },
    { at: 110, label: "+10 s" },
    { at: 120, label: "+20 s" },
    { at: 130, label: "+30 s" },
  ]);
  expect(ticksAround({ from: 80, to: 131, zero: 100 }, 8)[0]).toEqual({ at: 80, label: "−20 s" });
});

it("says how long before or after the fault something was", () => {
  expect([0, -5, 90, 3600, 5400].map(offsetWords)).toEqual(["0", "−5 s", "+1 m 30 s", "+1 h", "+1 h 30 m"]);
});

it("counts an open phase up to now", () => {
  const [, , , recover] = aDrillReport().phases;
  if (!recover) throw new Error("The report has four phases.");
  expect(phaseMs(recover, 0)).toBe(700);
  expect(phaseMs({ ...recover, endedAt: null, durationMs: null }, Date.parse("2026-11-21T11:50:15.500Z"))).toBe(2000);
});

it("takes the time to detect from its phase", () => {
  expect(detectMs(aDrillDetail())).toBe(2000);
  expect(detectMs({ report: null })).toBeNull();
});

it("counts what clients saw", () => {
  expect(countProbes(aDrillReport().series)).toEqual({ ok: 17, failed: 3 });
});

it("stands a drill at the end of the earlier ones, once", () => {
  const detail = aDrillDetail();
  const twice = { ...detail, earlier: [...detail.earlier, { ...detail.drill }] };
  expect(comparedOf(twice).map(({ number, isThis }) => [number, isThis])).toEqual([
    [2, false],
    [4, false],
    [5, true],
  ]);
});
