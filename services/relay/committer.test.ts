import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { Committer, type CommitterOptions } from "./committer.ts";
import type { Submission } from "./ordering.ts";
import type { BatchResult } from "./placing.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const submission = (size = 1): Submission => ({
  documentId: "d",
  clientId: "c",
  actor: "a",
  base: 0,
  characters: 10 * size,
  operations: Array.from({ length: size }, (_, index) => ({ sequence: index + 1, delta: [{ insert: "x" }] })),
});

const committed = (submissions: Submission[]): BatchResult => ({
  outcomes: submissions.map(({ operations }) => ({ kind: "committed", committed: operations.length, duplicates: 0 })),
  documents: new Map(),
});

function createCommitter(options: Partial<CommitterOptions> = {}) {
  const batches: number[] = [];
  const commit = vi.fn(async (submissions: Submission[]) => {
    batches.push(submissions.length);
    return committed(submissions);
  });
  const committer = new Committer({
    commit,
    onCommitted: () => {},
    batchSize: 10,
    windowMs: 5,
    maxQueuedOperations: 100,
    maxQueuedCharacters: 10_000,
    gate: { opens: async () => true, patienceMs: 3000 },
    patienceMs: 10_000,
    logger: createLogger("test", "silent"),
    ...options,
  });
  return { committer, commit, batches };
}

describe("the committer", () => {
  it("commits together what comes within its window", async () => {
    const { committer, batches } = createCommitter();
    const all = Promise.all([committer.submit(submission()), committer.submit(submission())]);
    await vi.advanceTimersByTimeAsync(4);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await all).toHaveLength(2);
    expect(batches).toEqual([2]);
  });

  it("does not wait for the window when a batch is full, and never puts more into one", async () => {
    const { committer, batches } = createCommitter();
    const all = Promise.all(Array.from({ length: 7 }, () => committer.submit(submission(3))));
    await vi.advanceTimersByTimeAsync(5);
    await all;
    expect(batches).toEqual([3, 3, 1]);
  });

  it("puts at most 1 Mi characters into a batch, and a longer submission into one of its own", async () => {
    const { committer, batches } = createCommitter({ maxQueuedCharacters: 10_000_000 });
    const long = (characters: number) => committer.submit({ ...submission(), characters });
    const all = Promise.all([400_000, 600_000, 400_000, 2_000_000, 10].map(long));
    await vi.advanceTimersByTimeAsync(20);
    await all;
    expect(batches).toEqual([2, 1, 1, 1]);
  });

  it("commits batches of different documents at the same time, but never two of one document", async () => {
    const finish: (() => void)[] = [];
    const underWay: string[][] = [];
    const commit = (submissions: Submission[]) => {
      underWay.push(submissions.map(({ documentId }) => documentId));
      return new Promise<BatchResult>((resolve) => finish.push(() => resolve(committed(submissions))));
    };
    const { committer } = createCommitter({ commit, batchSize: 2 });
    const all = Promise.all(
      ["a", "b", "a", "c", "b", "c"].map((documentId) => committer.submit({ ...submission(), documentId })),
    );
    await vi.advanceTimersByTimeAsync(20);
    expect(underWay).toEqual([
      ["a", "b"],
      ["c", "c"],
    ]);
    finish.shift()?.();
    await vi.advanceTimersByTimeAsync(20);
    expect(underWay).toHaveLength(3);
    expect(underWay[2]).toEqual(["a", "b"]);
    for (const one of finish) one();
    expect((await all).map(({ kind }) => kind)).toEqual(Array(6).fill("committed"));
  });

  it("commits one batch of a document at a time; what comes meanwhile goes into the next", async () => {
    let finish = () => {};
    const commit = vi.fn((submissions: Submission[]) => {
      return new Promise<BatchResult>((resolve) => {
        finish = () => resolve(committed(submissions));
      });
    });
    const { committer } = createCommitter({ commit });
    const first = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(5);
    const second = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(50);
    expect(commit).toHaveBeenCalledTimes(1);
    finish();
    await first;
    await vi.advanceTimersByTimeAsync(5);
    expect(commit).toHaveBeenCalledTimes(2);
    finish();
    await second;
  });

  it("tries again while the database is away, and does not know the outcome when its patience ends", async () => {
    const commit = vi.fn(() => Promise.reject(new Error("connection refused")));
    const { committer } = createCommitter({ commit, patienceMs: 3000 });
    const outcome = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(6000);
    expect(await outcome).toEqual({ kind: "unknown" });
    expect(commit.mock.calls.length).toBeGreaterThan(4);
  });

  it("commits nothing while the gate is closed, and refuses each submission when it has waited long enough", async () => {
    const opens = vi.fn((waitMs: number) => new Promise<boolean>((resolve) => setTimeout(() => resolve(false), waitMs)));
    const { committer, commit } = createCommitter({ gate: { opens, patienceMs: 3000 } });
    const outcomes: string[] = [];
    for (let index = 0; index < 3; index += 1) void committer.submit(submission(8)).then(({ kind }) => outcomes.push(kind));
    await vi.advanceTimersByTimeAsync(2900);
    expect(outcomes).toEqual([]);
    // Those of the later batches have waited as long: they do not wait for the gate once more each.
    await vi.advanceTimersByTimeAsync(200);
    expect(outcomes).toEqual(["unavailable", "unavailable", "unavailable"]);
    expect(commit).not.toHaveBeenCalled();
  });

  it("does not count the time for which a submission has waited for the database before the gate closed", async () => {
    let isOpen = true;
    const opens = async (waitMs: number) => {
      await new Promise((resolve) => setTimeout(resolve, isOpen ? 0 : waitMs));
      return isOpen;
    };
    let isAway = true;
    const commit = vi.fn(async (submissions: Submission[]) => {
      if (isAway) throw new Error("connection refused");
      return committed(submissions);
    });
    const { committer } = createCommitter({ commit, gate: { opens, patienceMs: 3000 } });
    const first = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(10);
    const second = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(5000);
    [isOpen, isAway] = [false, false];
    await vi.advanceTimersByTimeAsync(2000);
    expect((await first).kind).toBe("committed");
    isOpen = true;
    await vi.advanceTimersByTimeAsync(3000);
    expect((await second).kind).toBe("committed");
  });

  it("commits what has waited as soon as the gate opens", async () => {
    let open = (_: boolean) => {};
    const opens = async (waitMs: number) => waitMs > 0 && new Promise<boolean>((resolve) => (open = resolve));
    const { committer, batches } = createCommitter({ gate: { opens, patienceMs: 3000 } });
    const outcome = committer.submit(submission());
    await vi.advanceTimersByTimeAsync(1000);
    expect(batches).toEqual([]);
    open(true);
    expect((await outcome).kind).toBe("committed");
  });

  it("holds a bounded number of operations and characters while the database is away, and turns the rest away", async () => {
    const commit = vi.fn(() => Promise.reject(new Error("connection refused")));
    const { committer } = createCommitter({ commit, patienceMs: 3000, maxQueuedOperations: 50, maxQueuedCharacters: 300 });
    const kinds: string[] = [];
    for (let index = 0; index < 200; index += 1) void committer.submit(submission()).then(({ kind }) => kinds.push(kind));
    await vi.advanceTimersByTimeAsync(0);
    // Ten are being tried, thirty wait.
    expect(kinds).toEqual(Array(160).fill("overloaded"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(kinds.slice(160)).toEqual(Array(40).fill("unknown"));
  });

  it("refuses only the submission that the database will not take", async () => {
    const commit = vi.fn(async (submissions: Submission[]) => {
      if (submissions.some(({ clientId }) => clientId === "bad")) throw Object.assign(new Error("no"), { code: "22P02" });
      return committed(submissions);
    });
    const { committer } = createCommitter({ commit });
    const outcomes = Promise.all([
      committer.submit(submission()),
      committer.submit({ ...submission(), clientId: "bad" }),
      committer.submit(submission()),
    ]);
    await vi.advanceTimersByTimeAsync(5);
    expect((await outcomes).map(({ kind }) => kind)).toEqual(["committed", "refused", "committed"]);
  });

  it("finds the one that the database will not take in few commits", async () => {
    const commit = vi.fn(async (submissions: Submission[]) => {
      if (submissions.some(({ clientId }) => clientId === "bad")) throw Object.assign(new Error("no"), { code: "23505" });
      return committed(submissions);
    });
    const { committer } = createCommitter({ commit, batchSize: 64 });
    const clients = Array.from({ length: 64 }, (_, index) => (index === 40 ? "bad" : "good"));
    const outcomes = Promise.all(clients.map((clientId) => committer.submit({ ...submission(), clientId })));
    await vi.advanceTimersByTimeAsync(5);
    expect((await outcomes).map(({ kind }) => kind)).toEqual(
      clients.map((clientId) => (clientId === "bad" ? "refused" : "committed")),
    );
    expect(commit).toHaveBeenCalledTimes(1 + 2 * 6);
  });

  it("does not refuse what may be committed already because the gate has closed meanwhile", async () => {
    let isOpen = true;
    const commit = vi.fn(async (submissions: Submission[]) => {
      isOpen = false;
      if (submissions.length > 1) throw Object.assign(new Error("no"), { code: "23505" });
      return committed(submissions);
    });
    const { committer } = createCommitter({ commit, gate: { opens: async () => isOpen, patienceMs: 3000 } });
    const outcomes = Promise.all([committer.submit(submission()), committer.submit(submission())]);
    await vi.advanceTimersByTimeAsync(5);
    expect((await outcomes).map(({ kind }) => kind)).toEqual(["committed", "committed"]);
  });

  it("does not look at all that waits for each submission that comes", async () => {
    let looks = 0;
    let finish = (_: BatchResult) => {};
    const commit = vi.fn(() => new Promise<BatchResult>((resolve) => (finish = resolve)));
    const { committer } = createCommitter({ commit, maxQueuedOperations: 10_000 });
    void committer.submit(submission());
    await vi.advanceTimersByTimeAsync(5);
    for (let index = 0; index < 1000; index += 1) {
      const counted = { ...submission(), characters: 1 };
      const { documentId } = counted;
      Object.defineProperty(counted, "documentId", {
        get: () => {
          looks += 1;
          return documentId;
        },
      });
      void committer.submit(counted);
    }
    expect(looks).toBeLessThan(10_000);
    finish({ outcomes: [], documents: new Map() });
  });

  it("turns away what does not fit into its queue", async () => {
    const { committer } = createCommitter({ maxQueuedOperations: 5 });
    const first = committer.submit(submission(5));
    expect(await committer.submit(submission())).toEqual({ kind: "overloaded" });
    await vi.advanceTimersByTimeAsync(5);
    expect((await first).kind).toBe("committed");
    const third = committer.submit(submission(5));
    await vi.advanceTimersByTimeAsync(5);
    expect((await third).kind).toBe("committed");
  });

  it("has an outcome for everything once it is flushed", async () => {
    const { committer, batches } = createCommitter({ windowMs: 1000 });
    const all = Promise.all(Array.from({ length: 25 }, () => committer.submit(submission())));
    await committer.flush();
    expect(await all).toHaveLength(25);
    expect(batches.reduce((sum, size) => sum + size, 0)).toBe(25);
  });
});
