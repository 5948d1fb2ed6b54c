import { expect, it } from "vitest";
import { DomainError } from "./errors.ts";
import { SharedAnswer } from "./shared-answer.ts";

function setUp(read: () => Promise<number>) {
  let now = 0;
  const shared = new SharedAnswer(read, { freshMs: 1000, now: () => new Date(now) });
  return { shared, pass: (ms: number) => (now += ms) };
}

it("asks once for all who ask at the same time, and again only when the answer is old", async () => {
  let asked = 0;
  const { shared, pass } = setUp(async () => ++asked);
  expect((await Promise.all([shared.get(), shared.get(), shared.get()])).map(({ value }) => value)).toEqual([1, 1, 1]);
  pass(999);
  expect((await shared.get()).value).toBe(1);
  pass(1);
  expect((await shared.get()).value).toBe(2);
});

it("asks again soon after a failure, however long an answer stays fresh", async () => {
  let asked = 0;
  let now = 0;
  const shared = new SharedAnswer(
    async () => {
      asked += 1;
      throw new DomainError("prometheus-unavailable", "It is away.");
    },
    { freshMs: 300_000, now: () => new Date(now) },
  );
  await shared.get();
  now = 4_999;
  await shared.get();
  expect(asked).toBe(1);
  now = 5_000;
  await shared.get();
  expect(asked).toBe(2);
});

it("answers with what it knows, and says so, when a newer answer takes long", async () => {
  let asked = 0;
  const { shared, pass } = setUp(() => {
    asked += 1;
    return asked === 1 ? Promise.resolve(7) : new Promise(() => {});
  });
  await shared.get();
  pass(1000);
  expect(await shared.get()).toEqual({ value: 7, at: new Date(0), problem: "No newer answer yet: it is slow." });
});

it("keeps the last good answer with its time and the reason when it fails, and asks no more often for it", async () => {
  let asked = 0;
  const { shared, pass } = setUp(async () => {
    asked += 1;
    if (asked > 1) throw new DomainError("prometheus-unavailable", "It is away.");
    return 7;
  });
  await shared.get();
  pass(1000);
  await shared.get();
  expect(await shared.get()).toEqual({ value: 7, at: new Date(0), problem: "It is away." });
  expect(asked).toBe(2);
});

it("lets an error of our own through", async () => {
  const { shared } = setUp(async () => {
    throw new TypeError("a defect");
  });
  await expect(shared.get()).rejects.toThrow("a defect");
});
