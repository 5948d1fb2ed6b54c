import { describe, expect, it } from "vitest";
import { LiveStream, type Source, type StreamState } from "./live-stream.ts";

class FakeSource implements Source {
  readonly url: string;
  closed = false;
  readonly #listeners = new Map<string, (event: { data?: string }) => void>();
  constructor(url: string) {
    this.url = url;
  }
  addEventListener(type: string, listener: (event: { data?: string }) => void) {
    this.#listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
  emit(type: string, body?: unknown) {
    this.#listeners.get(type)?.(body === undefined ? {} : { data: JSON.stringify(body) });
  }
}

function setUp() {
  const sources: FakeSource[] = [];
  const states: StreamState[] = [];
  const messages: string[] = [];
  const timers = new Map<number, { at: number; callback: () => void }>();
  let now = 1000;
  let failures = 0;
  let nextTimer = 1;
  const stream = new LiveStream({
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    onMessage: (message) => messages.push(message.type),
    onState: (state) => states.push(state),
    onFailure: () => {
      failures += 1;
    },
    now: () => now,
    silenceMs: 25_000,
    setTimer: (callback, ms) => {
      timers.set(nextTimer, { at: now + ms, callback });
      return nextTimer++;
    },
    clearTimer: (timer) => timers.delete(timer as number),
  });
  const pass = (ms: number) => {
    now += ms;
    for (const [id, timer] of [...timers]) {
      if (timer.at > now) continue;
      timers.delete(id);
      timer.callback();
    }
  };
  const last = () => sources.at(-1) ?? new FakeSource("none");
  return { stream, sources, states, messages, pass, last, failures: () => failures, timers };
}

const heartbeat = { type: "heartbeat", at: "2026-11-20T10:00:00.000Z" };

describe("the live stream", () => {
  it("is live from the first message on, and says so once", () => {
    const { stream, states, last, messages } = setUp();
    stream.follow(null);
    last().emit("heartbeat", heartbeat);
    last().emit("heartbeat", heartbeat);
    expect(states).toEqual([{ state: "live", since: 1000 }]);
    expect(messages).toEqual(["heartbeat", "heartbeat"]);
  });

  it("is lost at once on an error, tells since when, and opens again with growing waits", () => {
    const { stream, states, last, pass, sources, failures } = setUp();
    stream.follow(null);
    last().emit("heartbeat", heartbeat);
    pass(300);
    last().emit("error");
    expect(states.at(-1)).toEqual({ state: "lost", since: 1300 });
    expect(sources[0]?.closed).toBe(true);
    pass(500);
    expect(sources).toHaveLength(2);
    last().emit("error");
    pass(500);
    expect(sources).toHaveLength(2);
    pass(500);
    expect(sources).toHaveLength(3);
    expect(states.at(-1)).toEqual({ state: "lost", since: 1300 });
    expect(failures()).toBe(2);
  });

  it("starts the waits over after a connection that worked", () => {
    const { stream, last, pass, sources } = setUp();
    stream.follow(null);
    for (let round = 0; round < 4; round += 1) {
      last().emit("heartbeat", heartbeat);
      last().emit("error");
      pass(500);
    }
    expect(sources).toHaveLength(5);
  });

  it("takes a connection without a heartbeat for dead", () => {
    const { stream, states, last, pass, sources } = setUp();
    stream.follow(null);
    last().emit("heartbeat", heartbeat);
    pass(24_000);
    last().emit("heartbeat", heartbeat);
    pass(24_000);
    expect(states.at(-1)?.state).toBe("live");
    pass(1000);
    expect(states.at(-1)?.state).toBe("lost");
    expect(sources[0]?.closed).toBe(true);
  });

  it("moves to another service with one connection, and ignores what the old one still says", () => {
    const { stream, sources, messages } = setUp();
    stream.follow(null);
    stream.follow("fleet/relay");
    stream.follow("fleet/relay");
    expect(sources.map((source) => source.url)).toEqual(["/api/stream", "/api/stream?service=fleet%2Frelay"]);
    expect(sources[0]?.closed).toBe(true);
    sources[0]?.emit("heartbeat", heartbeat);
    expect(messages).toEqual([]);
  });

  it("pauses and closes without leaving a timer", () => {
    const { stream, states, last, timers } = setUp();
    stream.follow(null);
    last().emit("heartbeat", heartbeat);
    stream.pause();
    expect(states.at(-1)?.state).toBe("paused");
    expect(timers.size).toBe(0);
    stream.follow(null);
    last().emit("heartbeat", heartbeat);
    expect(states.at(-1)?.state).toBe("live");
    stream.close();
    expect(last().closed).toBe(true);
    expect(timers.size).toBe(0);
  });
});
