import { describe, expect, it } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";

describe("a rate limit", () => {
  it("lets a burst through, then so many a second, for each key by itself", () => {
    let now = 0;
    const limiter = new RateLimiter({ perSecond: 10, burstSeconds: 2, now: () => now });
    const taken = (key: string) => Array.from({ length: 100 }, () => limiter.take(key)).filter(Boolean).length;
    expect(taken("a")).toBe(20);
    expect(taken("b")).toBe(20);
    now = 500;
    expect(taken("a")).toBe(5);
    now = 60_000;
    expect(taken("a")).toBe(20);
  });

  it("remembers a bounded number of keys, and not the one that was used longest ago", () => {
    const limiter = new RateLimiter({ perSecond: 1, burstSeconds: 1, now: () => 0 });
    limiter.take("first");
    for (let key = 0; key < 50_000; key += 1) limiter.take(String(key));
    expect(limiter.size).toBe(20_000);
    expect(limiter.take("49999")).toBe(false);
    expect(limiter.take("first")).toBe(true);
  });
});
