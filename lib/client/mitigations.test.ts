import { expect, test } from "vitest";
import { aService } from "./fixtures.ts";
import { mitigationsOf, refusalOf } from "./mitigations.ts";

const about = { ...aService().about, breaker: null, hasReplica: false };
const verbs = (service: ReturnType<typeof aService>) => mitigationsOf(service).map(({ verb }) => verb);

test("a service offers the mitigations that it has", () => {
  expect(verbs(aService({ about }))).toEqual(["rollback", "restart", "scale"]);
  expect(verbs(aService({ about: { ...about, breaker: "hub" } }))).toContain("open-breaker");
  expect(verbs(aService({ about: { ...about, hasReplica: true } }))).toContain("fail-over");
});

test("what it does not have, or cannot do while it is paused, is refused with the reason", () => {
  expect(refusalOf("open-breaker", aService({ about }))).toMatch(/no circuit breaker/);
  expect(refusalOf("fail-over", aService({ about }))).toMatch(/No replica/);
  const paused = aService({ about: { ...about, hasReplica: true }, paused: true });
  expect(refusalOf("rollback", paused)).toMatch(/paused/);
  expect(refusalOf("fail-over", paused)).toMatch(/paused/);
  expect(refusalOf("scale", paused)).toBeNull();
});
