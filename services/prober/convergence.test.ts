import { expect, it } from "vitest";
import { Convergence } from "./convergence.ts";

const text = (insert: string) => () => [{ insert }];

it("compares what two clients have at the same revision, whoever comes first", () => {
  const convergence = new Convergence();
  expect(convergence.reached(10, text("a"))).toBeUndefined();
  expect(convergence.reached(20, text("b"))).toBeUndefined();
  expect(convergence.reached(10, text("a"))).toBe(true);
  expect(convergence.reached(20, text("c"))).toBe(false);
});

it("looks at every tenth revision only, and remembers a bounded number of them", () => {
  const convergence = new Convergence();
  for (let revision = 1; revision <= 2000; revision += 1) expect(convergence.reached(revision, text("a"))).toBeUndefined();
  expect(convergence.reached(1000, text("b"))).toBeUndefined();
  expect(convergence.reached(1999, text("b"))).toBeUndefined();
  expect(convergence.reached(2000, text("b"))).toBe(false);
});

it("compares nothing across a restart, for the history may be another one", () => {
  const convergence = new Convergence();
  convergence.reached(10, text("a"));
  convergence.restarted();
  expect(convergence.reached(10, text("b"))).toBeUndefined();
});
