import { expect, test } from "vitest";
import { listAffected, listUnwell } from "./standing.ts";

const services = [
  { id: "fleet/relay", dependsOn: ["fleet/postgres", "fleet/redis"] },
  { id: "fleet/hub", dependsOn: ["fleet/redis"] },
  { id: "fleet/edge", dependsOn: ["fleet/hub"] },
  { id: "fleet/redis", dependsOn: [] },
  { id: "fleet/postgres", dependsOn: [] },
];

test("what is struck takes along what needs it, however far away, and nothing that it needs", () => {
  expect(listAffected(services, ["fleet/redis"]).toSorted()).toEqual(["fleet/edge", "fleet/hub", "fleet/redis", "fleet/relay"]);
  expect(listAffected(services, ["fleet/relay"])).toEqual(["fleet/relay"]);
});

test("services that need each other do not make it endless", () => {
  const ring = [
    { id: "a", dependsOn: ["b"] },
    { id: "b", dependsOn: ["a"] },
  ];
  expect(listAffected(ring, ["a"])).toEqual(["a", "b"]);
});

test("a service with fewer ready instances than it wants is not well, and one that is scaled to 0 is", () => {
  const counted = [
    { id: "a", desired: 3, ready: 2 },
    { id: "b", desired: 0, ready: 0 },
    { id: "c", desired: 1, ready: 1 },
  ];
  expect(listUnwell(counted)).toEqual(["a"]);
});
