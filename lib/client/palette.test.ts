import { describe, expect, it } from "vitest";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { aService } from "./fixtures.ts";
import { readRecoveryWishes, readWishes } from "./palette.ts";

const services = [
  aService(),
  aService({ name: "relay-canary" }),
  aService({ name: "hub", image: "reg:5000/switchyard/hub:1.0" }),
];
const read = (text: string) => readWishes(text, services).map(({ service, ...wish }) => ({ ...wish, name: service.name }));

describe("a sentence in the palette", () => {
  it("scales the service of exactly that name", () => {
    expect(read("scale relay to 5")).toEqual([{ verb: "scale", name: "relay", replicas: 5 }]);
    expect(read("Scale relay 5")).toEqual([{ verb: "scale", name: "relay", replicas: 5 }]);
  });
  it("offers every service that begins so", () => {
    expect(read("restart rel").map((wish) => wish.name)).toEqual(["relay", "relay-canary"]);
  });
  it("rolls back to a revision or to the one before", () => {
    expect(read("roll back hub to revision 7")).toEqual([{ verb: "rollback", name: "hub", toRevision: 7 }]);
    expect(read("undo hub")).toEqual([{ verb: "rollback", name: "hub", toRevision: undefined }]);
  });
  it("puts a bare tag onto the present image", () => {
    expect(read("set image hub 1.1")).toEqual([{ verb: "image", name: "hub", image: "reg:5000/switchyard/hub:1.1" }]);
    expect(read("deploy hub other/hub:2")).toEqual([{ verb: "image", name: "hub", image: "other/hub:2" }]);
  });
  it("switches a breaker and fails over where the service has that", () => {
    const edge = aService({ name: "edge", id: "fleet/edge", about: { ...aService().about, breaker: "hub", hasReplica: true } });
    const verbsOf = (text: string, service: Service) => readWishes(text, [service]).map(({ verb }) => verb);
    expect(verbsOf("open breaker edge", edge)).toEqual(["open-breaker"]);
    expect(verbsOf("close breaker edge", edge)).toEqual(["close-breaker"]);
    expect(verbsOf("fail over edge", edge)).toEqual(["fail-over"]);
    expect(verbsOf("fail over edge", { ...edge, about: aService().about })).toEqual([]);
  });
  it("means nothing when it is none, or makes no sense", () => {
    for (const text of ["relay", "scale", "scale relay to many", "pause relay now", "roll back hub to yesterday", ""]) {
      expect(read(text)).toEqual([]);
    }
  });
});

describe("a sentence about recovery", () => {
  it("backs up or drills every subject that begins so, Switchyard among them", () => {
    expect(readRecoveryWishes("back up relay", services)).toEqual([{ kind: "back-up", subject: "fleet/relay" }]);
    expect(readRecoveryWishes("Backup rel", services).map(({ subject }) => subject)).toEqual([
      "fleet/relay",
      "fleet/relay-canary",
    ]);
    expect(readRecoveryWishes("drill switch", services)).toEqual([{ kind: "drill", subject: "switchyard" }]);
  });
  it("means nothing when it names no subject, or more than one word", () => {
    for (const text of ["back up", "drill relay now", "drills", "backup nothing-like-it"]) {
      expect(readRecoveryWishes(text, services)).toEqual([]);
    }
  });
});
