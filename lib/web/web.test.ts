import { expect, test } from "vitest";
import { DomainError } from "#lib/domain/errors.ts";
import type { LiveMessage } from "#lib/domain/fleet/schemas.ts";
import { Subscription } from "#lib/domain/fleet/subscription.ts";
import { contentSecurityPolicy } from "./headers.ts";
import { streamLines } from "./lines.ts";
import { streamLive } from "./live-stream.ts";
import { toProblem } from "./problem.ts";

test("a refusal becomes problem+json with its code, its details and the request's id", async () => {
  const changed = [{ field: "replicas", seen: "3", now: "5" }];
  const response = toProblem(new DomainError("stale", "It has changed.", { changed }), "request-1");
  expect(response.status).toBe(409);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toEqual({
    type: "https://switchyard.dev/problems/stale",
    title: "What you saw has changed",
    status: 409,
    detail: "It has changed.",
    code: "stale",
    requestId: "request-1",
    changed,
  });
});

test("too many attempts say when to come back", () => {
  const response = toProblem(new DomainError("too-many-attempts", "Wait.", { retryAfterSeconds: 90 }), "request-1");
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "90"]);
});

test("an unknown error tells the browser nothing but the request's id", async () => {
  const response = toProblem(new Error("password=hunter2 at /srv/app.ts:12"), "request-1");
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).toContain("request-1");
  expect(text).not.toMatch(/hunter2|app\.ts/);
});

test("the policy of a built page runs no inline script without its nonce", () => {
  const policy = contentSecurityPolicy("abc", false);
  const scripts = policy.split("; ").find((directive) => directive.startsWith("script-src"));
  expect(scripts).toBe("script-src 'self' 'nonce-abc' 'strict-dynamic'");
});

function follow() {
  let taken = 0;
  const snapshot = (): LiveMessage => {
    taken += 1;
    return { type: "heartbeat", at: `snapshot ${taken}` };
  };
  return { subscription: new Subscription(null, snapshot, () => {}), taken: () => taken };
}

test("a live message becomes one Server-Sent Event whose name is its type", async () => {
  const { subscription } = follow();
  const reader = streamLive(subscription, new AbortController().signal, async () => true).body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  expect(new TextDecoder().decode(value)).toBe('event: heartbeat\ndata: {"type":"heartbeat","at":"snapshot 1"}\n\n');
  await reader?.cancel();
  expect(await subscription.next(1)).toBeNull();
});

test("a viewer that falls far behind gets one fresh snapshot when it goes on", async () => {
  const { subscription, taken } = follow();
  const reader = streamLive(subscription, new AbortController().signal, async () => true).body?.getReader();
  await reader?.read();
  for (let at = 0; at < 10_000; at += 1) subscription.push([{ type: "heartbeat", at: `${at}` }]);
  const { value } = (await reader?.read()) ?? {};
  expect(new TextDecoder().decode(value)).toContain("snapshot 2");
  expect(taken()).toBe(2);
  await reader?.cancel();
});

test.each([
  ["ends within a minute when its session is no more", async () => false, true],
  ["goes on while nobody can say whether its session is", async () => Promise.reject(new Error("no database")), false],
])("a stream that always has something to send %s", async (_, mayGoOn, ends) => {
  const { subscription } = follow();
  let now = 0;
  let asked = 0;
  const ask = () => {
    asked += 1;
    return mayGoOn();
  };
  const reader = streamLive(subscription, new AbortController().signal, ask, () => now).body?.getReader();
  let isDone = false;
  for (now = 0; now <= 125_000 && !isDone; now += 5_000) {
    subscription.push([{ type: "heartbeat", at: `${now}` }]);
    isDone = (await reader?.read())?.done ?? true;
  }
  expect([isDone, asked]).toEqual([ends, ends ? 1 : 2]);
  await reader?.cancel();
});

test("a stream whose browser is gone ends", async () => {
  const { subscription } = follow();
  const abort = new AbortController();
  const reader = streamLive(subscription, abort.signal, async () => true).body?.getReader();
  await reader?.read();
  const next = reader?.read();
  abort.abort();
  expect((await next)?.done).toBe(true);
});

test("lines are taken from their source only as fast as they are read", async () => {
  let made = 0;
  async function* endless() {
    for (;;) {
      made += 1;
      yield { made };
    }
  }
  const reader = streamLines(endless(), new AbortController()).body?.getReader();
  await reader?.read();
  await new Promise((resolve) => setImmediate(resolve));
  expect(made).toBeLessThan(30);
  await reader?.cancel();
});
