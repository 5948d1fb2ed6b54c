import { expect, test } from "vitest";
import type { Severity } from "../schemas.ts";
import { type OpenIncident, placeTrigger } from "./joining.ts";

const incident = (id: string, severity: Severity, rest: Partial<OpenIncident> = {}): OpenIncident => ({
  id,
  severity,
  step: "detect",
  acknowledgedAt: null,
  ...rest,
});
const taken = (id: string, severity: Severity) => incident(id, severity, { step: "assess", acknowledgedAt: new Date(0) });
const place = (severity: Severity, open: OpenIncident[]) => {
  const found = placeTrigger(severity, open);
  return found.kind === "joins" ? [found.incident.id, found.isRaised] : found.related.map(({ id }) => id);
};

test("it joins what is as severe or more severe, taken or not", () => {
  expect(place("P1", [taken("a", "P1")])).toEqual(["a", false]);
  expect(place("P3", [incident("a", "P1")])).toEqual(["a", false]);
});

test("it raises what is less severe while nobody has taken it", () => {
  expect(place("P1", [incident("a", "P4")])).toEqual(["a", true]);
});

test("it opens its own beside what people have taken as something less severe, and names those as related", () => {
  expect(place("P1", [taken("a", "P4"), taken("b", "P2")])).toEqual(["a", "b"]);
  expect(place("P1", [incident("a", "P4", { step: "resolve" })])).toEqual(["a"]);
  expect(place("P1", [])).toEqual([]);
});

test("of several the one that is as severe goes before one to raise, and the latest before the others", () => {
  expect(place("P2", [incident("a", "P4"), taken("b", "P2"), taken("c", "P1")])).toEqual(["b", false]);
  expect(place("P2", [taken("a", "P4"), incident("b", "P3"), incident("c", "P4")])).toEqual(["b", true]);
});
