import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "./objects.ts";
import { applyWatchEvent, FreshList, keyOf, type WatchEvent } from "./watch-event.ts";

function object(name: string, resourceVersion: string, uid = `uid-${name}`): KubernetesObject {
  return { metadata: { namespace: "fleet", name, uid, resourceVersion, creationTimestamp: "2026-11-01T00:00:00Z" } };
}

describe("one event", () => {
  test("of an unknown object adds it, whatever its type says", () => {
    for (const type of ["ADDED", "MODIFIED"] as const) {
      const step = applyWatchEvent(undefined, { type, object: object("a", "5") });
      expect(step).toEqual({ kind: "upsert", object: object("a", "5"), resourceVersion: "5" });
    }
  });

  test("that comes twice changes nothing the second time", () => {
    expect(applyWatchEvent(object("a", "5"), { type: "MODIFIED", object: object("a", "5") })).toEqual({
      kind: "keep",
      resourceVersion: "5",
    });
  });

  test("that was overtaken by a newer one changes nothing, and does not turn the watch back", () => {
    expect(applyWatchEvent(object("a", "10"), { type: "MODIFIED", object: object("a", "9") })).toEqual({
      kind: "keep",
      resourceVersion: null,
    });
  });

  test("compares resourceVersions as numbers of any length", () => {
    const long = "90071992547409931234";
    expect(applyWatchEvent(object("a", "9"), { type: "MODIFIED", object: object("a", long) }).kind).toBe("upsert");
    expect(applyWatchEvent(object("a", long), { type: "MODIFIED", object: object("a", "9") }).kind).toBe("keep");
  });

  test("believes a server whose resourceVersions are no numbers", () => {
    expect(applyWatchEvent(object("a", "zz"), { type: "MODIFIED", object: object("a", "aa") }).kind).toBe("upsert");
  });

  test("of a removal removes what is known, and nothing when nothing is known", () => {
    expect(applyWatchEvent(object("a", "5"), { type: "DELETED", object: object("a", "6") })).toEqual({
      kind: "remove",
      resourceVersion: "6",
    });
    expect(applyWatchEvent(undefined, { type: "DELETED", object: object("a", "6") })).toEqual({
      kind: "keep",
      resourceVersion: "6",
    });
  });

  test("of a late removal spares the object that was made anew under the name", () => {
    const made = object("a", "8", "uid-new");
    expect(applyWatchEvent(made, { type: "DELETED", object: object("a", "7", "uid-old") })).toEqual({
      kind: "keep",
      resourceVersion: "7",
    });
  });

  test("that comes after the removal of its object does not bring the object back, and one that is newer than that does", () => {
    expect(applyWatchEvent(undefined, { type: "MODIFIED", object: object("a", "9") }, "10").kind).toBe("keep");
    expect(applyWatchEvent(undefined, { type: "ADDED", object: object("a", "11") }, "10").kind).toBe("upsert");
  });

  test("that is a bookmark moves the watch on only", () => {
    const bookmark: WatchEvent<KubernetesObject> = { type: "BOOKMARK", object: { metadata: { resourceVersion: "70" } } };
    expect(applyWatchEvent(undefined, bookmark)).toEqual({ kind: "keep", resourceVersion: "70" });
  });

  test("that says the history is gone asks for a new list; another error fails the watch", () => {
    expect(applyWatchEvent(undefined, { type: "ERROR", object: { code: 410, reason: "Expired" } })).toEqual({ kind: "relist" });
    expect(applyWatchEvent(undefined, { type: "ERROR", object: { code: 500, message: "etcd is away" } })).toEqual({
      kind: "fail",
      message: "etcd is away",
    });
  });
});

describe("many events", () => {
  test("in any order and doubled give what a list gives, as long as nothing was removed", () => {
    const history = [object("a", "1"), object("b", "2"), object("a", "3"), object("a", "4"), object("b", "5")];
    for (let seed = 1; seed <= 50; seed += 1) {
      const known = new Map<string, KubernetesObject>();
      for (const event of shuffle([...history, ...history], seed)) {
        const step = applyWatchEvent(known.get(keyOf(event)), { type: "MODIFIED", object: event });
        if (step.kind === "upsert") known.set(keyOf(event), step.object);
      }
      expect([...known.values()].map(({ metadata }) => metadata.resourceVersion).toSorted()).toEqual(["4", "5"]);
    }
  });
});

describe("a fresh list", () => {
  function compare(known: KubernetesObject[], listed: KubernetesObject[]) {
    const list = new FreshList(new Map(known.map((one) => [keyOf(one), one])));
    const seen = listed.map((one) => ({ name: one.metadata.name, ...list.see(one) }));
    return { seen, missing: [...list.missing()].map(keyOf) };
  }

  test("names what came, what changed and what went", () => {
    const { seen, missing } = compare(
      [object("a", "1"), object("b", "2"), object("c", "3")],
      [object("a", "1"), object("b", "4"), object("d", "5")],
    );
    expect(seen.filter(({ isNew }) => isNew).map(({ name }) => name)).toEqual(["b", "d"]);
    expect(missing).toEqual(["fleet/c"]);
  });

  test("counts an object that was made anew as removed and as new", () => {
    const { seen } = compare([object("a", "1", "old")], [object("a", "9", "new")]);
    expect(seen).toMatchObject([{ isNew: true, replaced: { metadata: { uid: "old" } } }]);
  });

  test("believes a list that is older than what is known, since the server may have been restored", () => {
    expect(compare([object("a", "9")], [object("a", "1")]).seen).toMatchObject([{ isNew: true }]);
  });
});

function shuffle<T>(items: T[], seed: number): T[] {
  let state = seed;
  const shuffled = [...items];
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const other = state % (index + 1);
    [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
  }
  return shuffled;
}
