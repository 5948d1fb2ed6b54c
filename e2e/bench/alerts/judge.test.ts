import { expect, test } from "vitest";
import { judge, type StoredSpan } from "./judge.ts";
import type { TrueEpisode } from "./world.ts";

const episode = (from: number, to: number | null): TrueEpisode => ({ fingerprint: "a", labels: {}, from, to, secondLateMs: 0 });
const span = (from: number, to: number | null, closedBy = "webhook"): StoredSpan => ({
  fingerprint: "a",
  from,
  to,
  closedBy: to === null ? null : closedBy,
});
const world = [episode(10, 20), episode(50, null)];
const all = { accepted: new Set(["a/10", "a/50"]), resolved: new Set(["a/10"]), shown: new Set<string>() };
const verdict = (stored: StoredSpan[], told = all, maxUntoldShare = 0.5) =>
  judge({ world, stored, told, pollSlackMs: 5, ms: 1_000, maxUntoldShare });

test("what was stored as it happened passes", () => {
  expect(verdict([span(10, 20), span(50, null)])).toMatchObject({ passes: true, happened: 2, told: 2 });
});

test("a lost, a doubled, an invented, a moved and an open episode do not", () => {
  expect(verdict([span(10, 20)])).toMatchObject({ passes: false, lost: 1 });
  expect(verdict([span(10, 20), span(15, 18), span(50, null)])).toMatchObject({ passes: false, duplicates: 1 });
  expect(verdict([span(10, 20), span(50, null), { ...span(1, 2), fingerprint: "b" }])).toMatchObject({ duplicates: 1 });
  expect(verdict([span(11, 20), span(50, null)])).toMatchObject({ passes: false, wrongStart: 1 });
  expect(verdict([span(10, 21), span(50, null)])).toMatchObject({ passes: false, wrongEnd: 1 });
  expect(verdict([span(10, 20), span(50, 60)])).toMatchObject({ passes: false, wrongState: 1 });
});

test("an end that no webhook told may be late by what polls take, and not early", () => {
  const told = { ...all, resolved: new Set<string>(), shown: new Set(["a/50"]) };
  expect(verdict([span(10, 25, "poll"), span(50, null)], told)).toMatchObject({ passes: true, endedByPoll: 1 });
  expect(verdict([span(10, 26, "poll"), span(50, null)], told)).toMatchObject({ passes: false });
  expect(verdict([span(10, 19, "poll"), span(50, null)], told)).toMatchObject({ passes: false });
});

test("what was stored though the answer was lost counts as told", () => {
  const unanswered = { accepted: new Set(["a/50"]), resolved: new Set<string>(), shown: new Set<string>() };
  expect(verdict([span(10, null)], unanswered)).toMatchObject({ passes: true, overwritten: 1 });
  expect(verdict([span(50, null)], unanswered)).toMatchObject({ passes: true, untold: 1 });
  expect(verdict([], unanswered)).toMatchObject({ passes: false, lost: 1 });
});

test("a storm of which too little was told does not pass, however well that was stored", () => {
  const none = { accepted: new Set<string>(), resolved: new Set<string>(), shown: new Set<string>() };
  expect(verdict([], none, 0.01)).toMatchObject({ passes: false, untold: 2, lost: 0 });
  expect(verdict([span(10, 20)], { ...all, accepted: new Set(["a/10"]) }, 0.01)).toMatchObject({ passes: false, untold: 1 });
  expect(verdict([span(10, 20), span(50, null)], all, 0)).toMatchObject({ passes: true, untold: 0 });
});

test("what Alertmanager never told is counted apart, and what it overwrote belongs to the one before", () => {
  const silent = { ...all, accepted: new Set(["a/10"]) };
  expect(verdict([span(10, 20)], silent)).toMatchObject({ passes: true, untold: 1, told: 1 });
  const overwritten = { ...all, resolved: new Set<string>() };
  expect(verdict([span(10, null)], overwritten)).toMatchObject({ passes: true, overwritten: 1 });
  expect(verdict([span(10, 20), span(50, null)], overwritten)).toMatchObject({ passes: false });
});
