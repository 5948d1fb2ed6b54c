import { expect, test } from "vitest";
import { type PhaseFacts, phasesOf } from "./phases.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 3, 0, second)).toISOString();
const strike = { intendedAt: at(10), doneAt: at(10), confirmedAt: at(11), evidence: "It is gone." };
const alert = { episodeId: "1", name: "ProbeInterrupted", startsAt: at(14), receivedAt: at(16) };
const facts = (over: Partial<PhaseFacts> = {}): PhaseFacts => ({
  strike,
  alert,
  remedy: null,
  lastSuccessAt: at(9),
  recoveredAt: at(12),
  replacedAt: at(18),
  ...over,
});
const durations = (over: Partial<PhaseFacts>) => phasesOf(facts(over)).map(({ name, durationMs }) => [name, durationMs]);

test("where the platform heals by itself phases lie beside each other, and the alert may come last", () => {
  expect(durations({})).toEqual([
    ["detect", 7_000],
    ["assess", 0],
    ["fail-over", 8_000],
    ["recover", 2_000],
  ]);
  expect(phasesOf(facts())[0]?.message).toBe("ProbeInterrupted arrived 4 s after clients were served again.");
});

test("where somebody has to help they follow each other", () => {
  const remedy = { startedAt: at(17), doneAt: at(30), message: "An alert arrived." };
  expect(durations({ remedy, recoveredAt: at(33) })).toEqual([
    ["detect", 7_000],
    ["assess", 1_000],
    ["fail-over", 13_000],
    ["recover", 3_000],
  ]);
});

test("a pause of clients after the alert tells nothing of the detection, which took from the fault", () => {
  expect(durations({ lastSuccessAt: at(20), recoveredAt: at(21) })[0]).toEqual(["detect", 6_000]);
});

test("what is not over has no duration, and before the fault there are none", () => {
  expect(durations({ alert: null, recoveredAt: null, replacedAt: null }).map(([, ms]) => ms)).toEqual([null, 0, null, null]);
  expect(phasesOf(facts({ strike: null, lastSuccessAt: null }))).toEqual([]);
});
