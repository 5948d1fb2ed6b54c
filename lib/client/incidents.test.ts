import { expect, test } from "vitest";
import { anIncident, aTimelineRow } from "./incident-fixtures.ts";
import { joinTimeline } from "./incidents.ts";

const row = (id: string, at: string, message = id) => aTimelineRow({ id, at: `2026-11-21T12:00:${at}.000Z`, message });
const held = anIncident({ version: 3, timeline: [row("a", "01"), row("b", "02"), row("c", "03")] });
const textsOf = (answer: ReturnType<typeof anIncident>) => joinTimeline(held, answer).timeline.map(({ message }) => message);

test("rows that are new or changed take their places among those that are held", () => {
  const timeline = [row("d", "02"), row("b", "04", "b, corrected")];
  expect(textsOf(anIncident({ version: 5, after: 3, timeline }))).toEqual(["a", "d", "c", "b, corrected"]);
});

test("an answer without rows keeps the very same ones, so that nothing is drawn again", () => {
  const answer = anIncident({ version: 3, after: 3, timeline: [], title: "Another title" });
  const joined = joinTimeline(held, answer);
  expect(joined.timeline).toBe(held.timeline);
  expect(joined.title).toBe("Another title");
});

test("an answer with all replaces what is held", () => {
  expect(textsOf(anIncident({ version: 1, after: null, timeline: [row("x", "01")] }))).toEqual(["x"]);
});
