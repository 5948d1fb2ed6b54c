import { describe, expect, it } from "vitest";
import { onHint } from "./hints.ts";

/** A cache whose rounds end when the test says so. */
function aCache() {
  const ends: (() => void)[] = [];
  return {
    ends,
    invalidateQueries: () => new Promise<void>((resolve) => ends.push(resolve)),
  };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a hint that something changed", () => {
  it("asks at once", () => {
    const cache = aCache();
    onHint(cache, ["alerts"])();
    expect(cache.ends).toHaveLength(1);
  });

  it("does not disturb a round that is under way, and starts one more when that is done", async () => {
    const cache = aCache();
    const hint = onHint(cache, ["alerts"]);
    for (let count = 0; count < 5; count += 1) hint();
    await settle();
    expect(cache.ends).toHaveLength(1);
    cache.ends[0]?.();
    await settle();
    expect(cache.ends).toHaveLength(2);
    cache.ends[1]?.();
    await settle();
    expect(cache.ends).toHaveLength(2);
  });

  it("asks again after a round that ended", async () => {
    const cache = aCache();
    const hint = onHint(cache, ["alerts"]);
    hint();
    cache.ends[0]?.();
    await settle();
    hint();
    expect(cache.ends).toHaveLength(2);
  });
});
