import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { labelConnections } from "./metrics.ts";
import { type OwnPresence, PresenceThrottle } from "./presence-throttle.ts";
import { Readiness } from "./readiness.ts";
import { expireAll, RecentHistory } from "./recent-history.ts";

const operation = (revision: number) => ({ revision, clientId: "c", sequence: revision, actor: "a", delta: [] });

describe("the labels of connections", () => {
  it("name the busiest documents and sum up the rest, so that there are never more than the limit and one", () => {
    const byDocument = new Map(Array.from({ length: 50 }, (_, index) => [`d${String(index).padStart(2, "0")}`, index + 1]));
    const labelled = labelConnections(byDocument, 3);
    expect([...labelled]).toEqual([
      ["d49", 50],
      ["d48", 49],
      ["d47", 48],
      ["other", (47 * 48) / 2],
    ]);
  });

  it("have other even when there are no connections", () => {
    expect([...labelConnections(new Map())]).toEqual([["other", 0]]);
  });
});

describe("recent history", () => {
  it("gives the operations between two revisions, and none when some are missing", () => {
    const history = new RecentHistory(1000, () => 0);
    history.add([operation(5), operation(6), operation(7)]);
    expect(history.find(4, 7)?.map(({ revision }) => revision)).toEqual([5, 6, 7]);
    expect(history.find(5, 6)?.map(({ revision }) => revision)).toEqual([6]);
    expect(history.find(3, 7)).toBeUndefined();
    expect(history.find(5, 8)).toBeUndefined();
  });

  it("forgets what is older than its time, and is bounded however much comes", () => {
    let now = 0;
    const history = new RecentHistory(1000, () => now);
    history.add([operation(1)]);
    now = 2000;
    history.add([]);
    expect(history.find(0, 1)).toBeUndefined();
    for (let revision = 2; revision < 10_000; revision += 1) history.add([operation(revision)]);
    expect(history.find(9998 - 2000, 9999)?.length).toBe(2001);
    expect(history.find(9998 - 2600, 9999)).toBeUndefined();
  });

  it("forgets what is older than its time also when nothing is added", () => {
    let now = 0;
    const history = new RecentHistory(1000, () => now);
    history.add([operation(1), operation(2)]);
    now = 1001;
    history.expire();
    expect(history.find(0, 2)).toBeUndefined();
  });

  it("gives a page that is bounded in number and in characters, and has at least one operation", () => {
    const history = new RecentHistory(1000, () => 0);
    const delta = [{ insert: "x".repeat(1000) }];
    history.add(Array.from({ length: 10 }, (_, index) => ({ ...operation(index + 1), delta })));
    const pageOf = (after: number, upTo: number, most: number) =>
      history.page(after, upTo, most)?.map(({ revision }) => revision);
    expect(pageOf(2, 5, 1_000_000)).toEqual([3, 4, 5]);
    expect(pageOf(2, 10, 3500)).toEqual([3, 4, 5]);
    expect(pageOf(2, 10, 10)).toEqual([3]);
    expect(pageOf(2, 11, 10)).toBeUndefined();
  });

  it("is bounded over all documents: those that hold the most give up their oldest operations", () => {
    const histories = [1, 10, 400].map((count) => {
      const history = new RecentHistory(1000, () => 0);
      const delta = [{ insert: "x".repeat(1000) }];
      history.add(Array.from({ length: count }, (_, index) => ({ ...operation(index + 1), delta })));
      return history;
    });
    expireAll(histories, 200_000);
    const kept = histories.reduce((sum, history) => sum + history.expire(), 0);
    expect(kept).toBeLessThanOrEqual(200_000);
    const [small, middle, large] = histories;
    expect(small?.find(0, 1)).toHaveLength(1);
    expect(middle?.find(0, 10)).toHaveLength(10);
    expect(large?.find(350, 400)).toHaveLength(50);
    expect(large?.find(0, 400)).toBeUndefined();
  });

  it("is bounded in characters when operations are long", () => {
    const history = new RecentHistory(1000, () => 0);
    const delta = [{ insert: "x".repeat(100_000) }];
    for (let revision = 1; revision <= 500; revision += 1) history.add([{ ...operation(revision), delta }]);
    expect(history.find(500 - 40, 500)).toHaveLength(40);
    expect(history.find(500 - 90, 500)).toBeUndefined();
  });
});

describe("presence", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("sends a cursor at once and then the newest one when its time has passed", () => {
    const sent: OwnPresence[] = [];
    const throttle = new PresenceThrottle({ cursorThrottleMs: 50, typingDebounceMs: 500 }, (event) => sent.push(event));
    for (let position = 0; position < 20; position += 1) throttle.cursor({ position, length: 0 });
    expect(sent).toEqual([{ event: "cursor", cursor: { position: 0, length: 0 } }]);
    vi.advanceTimersByTime(50);
    expect(sent[1]).toEqual({ event: "cursor", cursor: { position: 19, length: 0 } });
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(2);
  });

  it("announces typing once and takes it back after the pause", () => {
    const sent: OwnPresence[] = [];
    const throttle = new PresenceThrottle({ cursorThrottleMs: 50, typingDebounceMs: 500 }, (event) => sent.push(event));
    throttle.typing();
    vi.advanceTimersByTime(400);
    throttle.typing();
    vi.advanceTimersByTime(400);
    expect(sent).toEqual([{ event: "typing", typing: true }]);
    vi.advanceTimersByTime(100);
    expect(sent[1]).toEqual({ event: "typing", typing: false });
  });
});

describe("readiness", () => {
  it("names each check that fails and answers 503", async () => {
    const readiness = new Readiness({ database: async () => {}, redis: () => Promise.reject(new Error("away")) }, () => false);
    expect(await readiness.answer()).toEqual({
      status: 503,
      body: { status: "not_ready", checks: { database: "ok", redis: "error" } },
    });
  });

  it("runs its checks once for many questions at the same time", async () => {
    const check = vi.fn(async () => {});
    const readiness = new Readiness({ database: check }, () => false);
    await Promise.all(Array.from({ length: 20 }, () => readiness.answer()));
    expect(check).toHaveBeenCalledTimes(1);
  });

  it("is over as soon as the relay drains", async () => {
    let isDraining = false;
    const readiness = new Readiness({ database: async () => {} }, () => isDraining);
    expect((await readiness.answer()).status).toBe(200);
    isDraining = true;
    expect(await readiness.answer()).toMatchObject({ status: 503, body: { checks: { accepting: "error" } } });
  });
});
