import { describe, expect, it } from "vitest";
import { aService } from "./fixtures.ts";
import { fleetViewParameters, parseFleetView, readinessOf, selectServices, steadyOrder } from "./fleet-view.ts";

const view = (query: string) => parseFleetView(new URLSearchParams(query));
const services = [
  aService({ name: "relay", health: "degraded" }),
  aService({ name: "hub", kind: "hub" }),
  aService({ name: "edge", kind: "edge", namespace: "far", restarts: 7 }),
  aService({ name: "issuer", kind: "issuer" }),
  aService({ name: "connector", kind: "connector", health: "down", version: "1.10.0" }),
];
const names = (query: string, figures = {}) => selectServices(services, figures, view(query)).map((service) => service.name);

describe("the view of the fleet in the address", () => {
  it("comes back from the parameters that it writes", () => {
    const wanted = view("q=re+2.0&kind=relay,hub&health=down,degraded&namespace=fleet&all=true&sort=-restarts&hide=age,kind");
    const written = new URLSearchParams();
    for (const [key, value] of Object.entries(fleetViewParameters(wanted))) if (value !== null) written.set(key, value);
    expect(parseFleetView(written)).toEqual(wanted);
  });

  it("writes nothing for what is the default", () => {
    expect(Object.values(fleetViewParameters(view(""))).every((value) => value === null)).toBe(true);
  });

  it("leaves out what makes no sense", () => {
    expect(view("health=broken,down&sort=-nonsense&hide=x,age")).toMatchObject({
      health: ["down"],
      sort: "status",
      descending: false,
      hidden: ["age"],
    });
  });
});

describe("a service with a rollout's candidate", () => {
  const candidate = { name: "c", image: "relay:2.1.0", version: "2.1.0", templateHash: "c", desired: 2, ready: 1, available: 1 };

  it("has the instances of both", () => {
    expect(readinessOf(aService({ ready: 3, desired: 3, candidate }))).toEqual({ ready: 4, desired: 5 });
    expect(readinessOf(aService({ ready: 2, desired: 3 }))).toEqual({ ready: 2, desired: 3 });
  });

  it("is sorted by them", () => {
    const all = [aService({ name: "a" }), aService({ name: "b", candidate })];
    expect(selectServices(all, {}, view("sort=ready")).map(({ name }) => name)).toEqual(["b", "a"]);
  });
});

describe("the services shown", () => {
  it("are those of the four listed kinds, the worst first", () => {
    expect(names("")).toEqual(["connector", "relay", "edge", "hub"]);
  });

  it("are all of them, or a named kind, when asked", () => {
    expect(names("all=true")).toContain("issuer");
    expect(names("kind=issuer")).toEqual(["issuer"]);
  });

  it("match every word of the search, in name, version, kind or health", () => {
    expect(names("q=1.10")).toEqual(["connector"]);
    expect(names("q=far+edge")).toEqual(["edge"]);
    expect(names("q=far+hub")).toEqual([]);
  });

  it("are filtered by health and namespace together", () => {
    expect(names("health=healthy&namespace=fleet")).toEqual(["hub"]);
  });

  it("put services without a figure last in both directions", () => {
    const figures = {
      "fleet/relay": { requestsPerSecond: 5, errorRatio: null, latencyP95Seconds: null },
      "fleet/hub": { requestsPerSecond: 9, errorRatio: null, latencyP95Seconds: null },
    };
    expect(names("sort=rate", figures).slice(0, 2)).toEqual(["relay", "hub"]);
    expect(names("sort=-rate", figures).slice(0, 2)).toEqual(["hub", "relay"]);
  });
});

describe("rows under the pointer", () => {
  const key = (row: { id: string }) => row.id;
  it("stay where they are, new ones go to the end, gone ones leave", () => {
    const rows = [{ id: "c" }, { id: "new" }, { id: "a" }];
    expect(steadyOrder(["a", "b", "c"], rows, key).map(key)).toEqual(["a", "c", "new"]);
  });
  it("carry their fresh content", () => {
    const fresh = { id: "a", value: 2 };
    expect(steadyOrder(["a"], [fresh], key)[0]).toBe(fresh);
  });
});
