import { describe, expect, test } from "vitest";
import type { PrometheusClient, PrometheusSeries } from "#lib/prometheus/client.ts";
import { DomainError } from "../errors.ts";
import { PanelStore, type PanelStoreOptions } from "./panel-store.ts";
import { shiftWindow, type Window } from "./range.ts";
import { SharedReads } from "./shared-reads.ts";
import { Turnstile } from "./turnstile.ts";

const window: Window = { from: 0, to: 900, stepSeconds: 5, rateSeconds: 8, settleSeconds: 2 };
const later = (seconds: number): Window => ({ ...window, from: window.from + seconds, to: window.to + seconds });
type Asked = { expr: string; from: number; to: number };

/** A Prometheus whose value at a time is that time, and which can fail or hang. */
function prometheus(options: PanelStoreOptions = {}) {
  const asked: Asked[] = [];
  let now = 1_000_000;
  let answer = async ({ from, to }: Asked): Promise<PrometheusSeries[]> => [
    { labels: { pod: "a" }, points: pointsBetween(from, to) },
  ];
  const client = {
    queryRange: (expr: string, { from, to }: Window) => {
      asked.push({ expr, from, to });
      return answer({ expr, from, to });
    },
  } as unknown as PrometheusClient;
  const panels = new PanelStore(client, () => new Date(now), options);
  const advance = (ms: number) => {
    now += ms;
  };
  const answerWith = (next: typeof answer) => {
    answer = next;
  };
  return { panels, asked, advance, answerWith };
}

function pointsBetween(from: number, to: number): [number, number][] {
  return Array.from({ length: (to - from) / 5 + 1 }, (_, index) => [from + index * 5, from + index * 5]);
}

const unavailable = (cause?: Error) => new DomainError("prometheus-unavailable", "Prometheus cannot be asked.", {}, { cause });
const refusedConnection = unavailable(new Error("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) }));

describe("the shared panels", () => {
  test("ask once for a hundred viewers, and again only when a step has passed", async () => {
    const { panels, asked } = prometheus();
    await Promise.all(Array.from({ length: 100 }, () => panels.query("up", window)));
    await panels.query("up", window);
    expect(asked).toHaveLength(1);
    await Promise.all(Array.from({ length: 100 }, () => panels.query("up", later(5))));
    expect(asked).toHaveLength(2);
    await panels.query("down", window);
    expect(asked).toHaveLength(3);
  });

  test("ask only for the new points, with the last one again, and put them on", async () => {
    const { panels, asked } = prometheus();
    await panels.query("up", window);
    const { series, window: known } = await panels.query("up", later(10));
    expect(asked.at(-1)).toEqual({ expr: "up", from: 900, to: 910 });
    expect(known).toEqual(later(10));
    expect([...(series[0]?.values ?? [])]).toEqual(pointsBetween(10, 910).map(([, value]) => value));
  });

  test("ask again for the points that were younger than a scrape", async () => {
    const { panels, asked } = prometheus();
    await panels.query("up", { ...window, settleSeconds: 15 });
    await panels.query("up", { ...later(5), settleSeconds: 15 });
    expect(asked.at(-1)).toMatchObject({ from: 890, to: 905 });
  });

  test("ask for all when what they have lies outside the window, and now and then in any case", async () => {
    const { panels, asked } = prometheus();
    await panels.query("up", window);
    await panels.query("up", later(5000));
    expect(asked.at(-1)).toMatchObject({ from: 5000, to: 5900 });
    for (let step = 1; step <= 121; step += 1) await panels.query("up", later(5000 + step * 5));
    expect(asked.filter(({ from, to }) => to - from === 900)).toHaveLength(3);
  });

  test("keep apart windows of another length, step or place", async () => {
    const { panels, asked } = prometheus();
    await panels.query("up", window);
    await panels.query("up", { ...window, from: 450 });
    await panels.query("up", { ...window, stepSeconds: 10 });
    await panels.query("up", window, { lagSeconds: null });
    expect(asked.every(({ from, to }) => to - from >= 450)).toBe(true);
    expect(asked).toHaveLength(4);
  });

  test("share the window of a comparison likewise, and move it on", async () => {
    const { panels, asked } = prometheus();
    await panels.query("up", later(86_400));
    await panels.query("up", shiftWindow(later(86_400), 86_400), { lagSeconds: 86_400 });
    await panels.query("up", shiftWindow(later(86_405), 86_400), { lagSeconds: 86_400 });
    expect(asked.slice(1)).toEqual([
      { expr: "up", from: 0, to: 900 },
      { expr: "up", from: 900, to: 905 },
    ]);
  });

  test("ask a fixed time that ended just now once more when its last points have settled, and never again", async () => {
    const { panels, asked, advance } = prometheus();
    const fixed = { ...window, to: 1_000, from: 100 };
    for (const ms of [0, 1_000, 7_000, 60_000]) {
      advance(ms);
      await panels.query("up", fixed, { lagSeconds: null });
    }
    expect(asked).toHaveLength(2);
  });

  test("keep the last data while Prometheus is away, say so, and do not ask again at once", async () => {
    const { panels, asked, advance, answerWith } = prometheus();
    await panels.query("up", window);
    answerWith(() => Promise.reject(unavailable()));
    const answer = await panels.query("up", later(5));
    expect(answer).toMatchObject({ window, problem: "Prometheus cannot be asked.", at: new Date(1_000_000) });
    expect(answer.series[0]?.values.at(-1)).toBe(900);
    await panels.query("up", later(5));
    expect(asked).toHaveLength(2);
    answerWith(async ({ from, to }) => [{ labels: { pod: "a" }, points: pointsBetween(from, to) }]);
    advance(5_000);
    expect(await panels.query("up", later(10))).toMatchObject({ problem: null, window: later(10) });
    expect(asked.at(-1)).toMatchObject({ from: 900, to: 910 });
  });

  test("ask less often for what Prometheus refuses", async () => {
    const { panels, asked, advance, answerWith } = prometheus();
    answerWith(() => Promise.reject(new DomainError("prometheus-refused", "Too many series.")));
    for (const ms of [0, 5_000, 24_999]) {
      advance(ms);
      expect(await panels.query("many", window)).toMatchObject({ problem: "Too many series.", at: null });
    }
    expect(asked).toHaveLength(1);
    advance(1);
    await panels.query("many", window);
    expect(asked).toHaveLength(2);
  });

  test("learn for all expressions at once that nothing listens", async () => {
    const { panels, asked, answerWith } = prometheus();
    answerWith(() => Promise.reject(refusedConnection));
    await panels.query("a", window);
    const { problem } = await panels.query("b", window);
    expect(problem).toBe("Prometheus cannot be asked.");
    expect(asked).toHaveLength(1);
  });

  test("answer with what they have while a query hangs, and keep to the one in flight", async () => {
    const { panels, asked, answerWith } = prometheus();
    await panels.query("up", window);
    let release = (_: PrometheusSeries[]) => {};
    answerWith(() => new Promise((resolve) => (release = resolve)));
    const answers = await Promise.all(Array.from({ length: 20 }, () => panels.query("up", later(5))));
    await panels.query("up", later(10));
    for (const { series, problem } of answers) {
      expect(problem).toBe("Prometheus is slow to answer.");
      expect(series[0]?.values.at(-1)).toBe(900);
    }
    expect(asked).toHaveLength(2);
    release([]);
  });

  test("have only so many queries under way, and ask for the newest window when their turn comes", async () => {
    const { panels, asked, answerWith } = prometheus({ maxInFlight: 1 });
    let release = () => {};
    answerWith(() => new Promise((resolve) => (release = () => resolve([]))));
    const first = panels.query("a", window);
    const second = [panels.query("b", window), panels.query("b", later(5))];
    expect(asked).toEqual([{ expr: "a", from: 0, to: 900 }]);
    answerWith(async () => []);
    release();
    await Promise.all([first, ...second]);
    expect(asked.at(-1)).toEqual({ expr: "b", from: 5, to: 905 });
  });

  test("take no more memory than they may, and let go what was not used for longest", async () => {
    const { panels, asked } = prometheus({ maxBytes: 20_000 });
    for (let index = 0; index < 50; index += 1) {
      await panels.query(`expr_${index}`, window);
      await panels.query("kept", window);
      expect(panels.bytes).toBeLessThanOrEqual(20_000);
    }
    expect(asked.filter(({ expr }) => expr === "kept")).toHaveLength(1);
    await panels.query("expr_0", window);
    expect(asked.filter(({ expr }) => expr === "expr_0")).toHaveLength(2);
  });
});

describe("a shared read", () => {
  const reads = (maxBytes = 1000) => {
    let now = 0;
    const shared = new SharedReads(() => new Date(now), maxBytes);
    const advance = (ms: number) => {
      now += ms;
    };
    return { shared, advance };
  };

  test("is done once while it is under way and as long as it may be kept", async () => {
    const { shared, advance } = reads();
    let done = 0;
    const read = () => shared.get("a", async () => ({ value: ++done, keepMs: 100, bytes: 1 }));
    expect(await Promise.all([read(), read()])).toEqual([1, 1]);
    advance(99);
    expect(await read()).toBe(1);
    advance(1);
    expect(await read()).toBe(2);
    shared.forget("a");
    expect(await read()).toBe(3);
  });

  test("that fails is done again", async () => {
    const { shared } = reads();
    await expect(shared.get("a", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await shared.get("a", async () => ({ value: 1, keepMs: 100, bytes: 1 }))).toBe(1);
  });

  test("that was forgotten while it was under way is not kept", async () => {
    const { shared } = reads();
    let finish = () => {};
    const old = shared.get(
      "a",
      () =>
        new Promise<{ value: string; keepMs: number; bytes: number }>((resolve) => {
          finish = () => resolve({ value: "old", keepMs: 100, bytes: 1 });
        }),
    );
    shared.forget("a");
    finish();
    expect(await old).toBe("old");
    expect(await shared.get("a", async () => ({ value: "new", keepMs: 100, bytes: 1 }))).toBe("new");
  });

  test("gives way to newer ones when there is no room", async () => {
    const { shared } = reads(1000);
    for (let index = 0; index < 20; index += 1) {
      await shared.get(`${index}`, async () => ({ value: index, keepMs: 1000, bytes: 300 }));
      expect(shared.bytes).toBeLessThanOrEqual(1000);
    }
    expect(await shared.get("19", async () => ({ value: -1, keepMs: 1000, bytes: 300 }))).toBe(19);
    expect(await shared.get("0", async () => ({ value: -1, keepMs: 1000, bytes: 300 }))).toBe(-1);
  });
});

test("a turnstile lets in so many at once, in the order in which they came, also after a failure", async () => {
  const turnstile = new Turnstile(2);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const work = (index: number) => async () => {
    inside += 1;
    most = Math.max(most, inside);
    order.push(index);
    await Promise.resolve();
    inside -= 1;
    if (index === 1) throw new Error("failed");
  };
  await Promise.allSettled([0, 1, 2, 3, 4, 5].map((index) => turnstile.pass(work(index))));
  expect(most).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
});
