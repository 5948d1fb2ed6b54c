import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SaveInput } from "#lib/domain/incidents/postmortem/schemas.ts";
import { ApiError } from "./api.ts";
import { DraftSession } from "./draft-session.ts";
import type { DraftStore } from "./kept-drafts.ts";

class MemoryStore implements DraftStore {
  readonly entries = new Map<string, string>();
  get length() {
    return this.entries.size;
  }
  key = (index: number) => [...this.entries.keys()][index] ?? null;
  getItem = (key: string) => this.entries.get(key) ?? null;
  setItem = (key: string, value: string) => void this.entries.set(key, value);
  removeItem = (key: string) => void this.entries.delete(key);
}

const refusal = (code: "unreachable" | "stale" | "precondition-failed") =>
  new ApiError({ status: 0, code, detail: `It was ${code}.` });

let store: MemoryStore;
let server: { version: number; text: string };
let saves: SaveInput[];
let done: Map<string, number>;
let fail: (() => Error | null) | null;
const sessions: DraftSession[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  store = new MemoryStore();
  server = { version: 1, text: "start\n" };
  saves = [];
  done = new Map();
  fail = null;
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
  vi.useRealTimers();
});

const olga = { id: "1", name: "olga" };
const otto = { id: "2", name: "otto" };

function open(own: DraftStore = store, author = olga): DraftSession {
  const session = new DraftSession({
    incidentId: "incident",
    author,
    known: server,
    save: async (input) => {
      saves.push(input);
      const error = fail?.();
      if (error) throw error;
      const before = done.get(input.saveId);
      if (before !== undefined) return { version: before };
      if (input.version !== server.version) throw refusal("stale");
      server = { version: server.version + 1, text: input.text };
      return { version: server.version };
    },
    ask: async () => server,
    store: own,
    onChange: () => {},
  });
  sessions.push(session);
  return session;
}

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a session of writing", () => {
  it("saves within a second what is typed, and keeps nothing in the browser afterwards", async () => {
    const session = open();
    session.type("start\nm");
    session.type("start\nmine\n");
    expect(session.view().status).toBe("saving");
    expect(store.entries.size).toBe(1);
    await wait(1_000);
    expect(saves.map(({ text, version }) => [text, version])).toEqual([["start\nmine\n", 1]]);
    expect(session.view().status).toBe("saved");
    expect(store.entries.size).toBe(0);
  });

  it("sends the same save until there is an answer, then what was typed since", async () => {
    const session = open();
    let left = 2;
    fail = () => (left-- > 0 ? refusal("unreachable") : null);
    session.type("a\n");
    await wait(1_000);
    expect(session.view()).toMatchObject({ status: "unreachable", error: { message: "It was unreachable." } });
    session.type("ab\n");
    await wait(10_000);
    expect(saves.map(({ text }) => text)).toEqual(["a\n", "a\n", "a\n", "ab\n"]);
    expect(new Set(saves.slice(0, 3).map(({ saveId }) => saveId)).size).toBe(1);
    expect(session.view()).toMatchObject({ status: "saved", error: null });
    expect(server.text).toBe("ab\n");
  });

  it("joins what another wrote meanwhile, and saves both", async () => {
    const session = open();
    session.type("start\nmine\n");
    server = { version: 2, text: "before\nstart\n" };
    await wait(3_000);
    expect(session.view()).toMatchObject({ text: "before\nstart\nmine\n", status: "saved" });
    expect(server).toEqual({ version: 3, text: "before\nstart\nmine\n" });
  });

  it("waits for a choice where both changed the same words", async () => {
    const session = open();
    session.type("mine\n");
    server = { version: 2, text: "theirs\n" };
    await wait(10_000);
    expect(session.view().status).toBe("conflict");
    expect(server.version).toBe(2);
    session.settle(["both"]);
    await wait(1_000);
    expect(server.text).toBe("mine\ntheirs\n");
  });

  it("says why it was refused, and keeps the text here", async () => {
    const session = open();
    fail = () => refusal("precondition-failed");
    session.type("late\n");
    await wait(2_000);
    expect(session.view()).toMatchObject({ status: "refused", text: "late\n" });
    expect(store.entries.size).toBe(1);
    fail = null;
    await wait(10_000);
    expect(server.text).toBe("late\n");
  });

  it("gives up what was refused when the person says so, for what the server has", async () => {
    const session = open();
    fail = () => refusal("precondition-failed");
    session.type("late\n");
    await wait(2_000);
    session.hear({ version: 4, text: "published\n" });
    session.discard();
    expect(session.view()).toMatchObject({ status: "saved", text: "published\n" });
    expect(store.entries.size).toBe(0);
    await wait(20_000);
    expect(saves).toHaveLength(1);
  });
});

describe("what a page leaves behind", () => {
  it("is taken up by the next one at once, when it was closed", async () => {
    fail = () => refusal("unreachable");
    const first = open();
    first.type("start\nunsaved\n");
    await wait(100);
    first.close();
    fail = null;
    server = { version: 2, text: "other\nstart\n" };
    const second = open();
    expect(second.view().text).toContain("unsaved");
    await wait(5_000);
    expect(server.text).toBe("other\nstart\nunsaved\n");
    expect(store.entries.size).toBe(0);
  });

  it("shows at once what others wrote after a save of it whose answer was lost", async () => {
    const first = open();
    fail = () => {
      const input = saves.at(-1);
      if (input && !done.has(input.saveId)) {
        server = { version: server.version + 1, text: input.text };
        done.set(input.saveId, server.version);
      }
      return refusal("unreachable");
    };
    first.type("start\nmine\n");
    await wait(1_500);
    first.close();
    await wait(0);
    server = { version: 3, text: "before\nstart\nmine\n" };
    fail = null;
    const second = open();
    await wait(500);
    expect(second.view()).toMatchObject({ status: "saved", text: "before\nstart\nmine\n" });
    expect(server.version).toBe(3);
  });

  it("is left alone while that page lives, and taken up when its browser crashed", async () => {
    fail = () => refusal("unreachable");
    const alive = open();
    alive.type("start\nalive\n");
    await wait(100);
    const other = open();
    await wait(20_000);
    expect(other.view().text).toBe("start\n");
    const [kept] = store.entries.values();
    alive.close();
    store.entries.clear();
    store.setItem("switchyard postmortem incident crashed", kept ?? "");
    fail = null;
    await wait(30_000);
    expect(server.text).toBe("start\nalive\n");
  });

  it("is no trouble when the browser keeps nothing", async () => {
    const full = new MemoryStore();
    full.setItem = () => {
      throw new Error("quota");
    };
    const session = open(full);
    session.type("typed\n");
    await wait(1_000);
    expect(server.text).toBe("typed\n");
  });

  it("is only shown to another person, who takes it over or throws it away", async () => {
    fail = () => refusal("unreachable");
    const first = open();
    first.type("start\nby olga\n");
    await wait(100);
    first.close();
    fail = null;
    saves = [];
    const second = open(store, otto);
    await wait(30_000);
    expect(saves).toEqual([]);
    const [left] = second.view().left;
    expect(left).toMatchObject({ by: "olga", kind: "unsaved", text: "start\nby olga\n" });
    server = { version: 2, text: "before\nstart\n" };
    second.hear(server);
    second.type("before\nstart\nby otto\n");
    second.takeOver(left?.key ?? "");
    await wait(2_000);
    expect(server.text).toBe("before\nstart\nby olga\nby otto\n");
    expect(saves.at(-1)?.authorId).toBe("2");
    expect(second.view().left).toEqual([]);
    expect(store.entries.size).toBe(0);
  });

  it("stays in the browser for its author when another person throws nothing away", async () => {
    fail = () => refusal("unreachable");
    const first = open();
    first.type("start\nby olga\n");
    first.close();
    const second = open(store, otto);
    await wait(20_000);
    second.close();
    fail = null;
    open();
    await wait(2_000);
    expect(server.text).toBe("start\nby olga\n");
  });

  it("is no trouble when it was kept by an earlier version of the page: it is nobody's", async () => {
    fail = () => refusal("unreachable");
    const first = open();
    first.type("start\nold\n");
    first.close();
    const [key = "", kept = ""] = [...store.entries][0] ?? [];
    store.setItem(key, JSON.stringify({ ...JSON.parse(kept), by: undefined }));
    store.setItem("switchyard postmortem incident broken", "{");
    fail = null;
    expect(open().view().left).toMatchObject([{ by: "Somebody", text: "start\nold\n" }]);
    expect(server.text).toBe("start\n");
  });
});

describe("a database that was put back to an older one", () => {
  it("is written over from what it has, and what it lost is there to be taken over", async () => {
    const session = open();
    session.type("start\none\n");
    await wait(2_000);
    session.type("start\none\ntwo\n");
    await wait(2_000);
    expect(server.version).toBe(3);
    server = { version: 1, text: "start\n" };
    session.hear(server);
    await wait(0);
    expect(session.view()).toMatchObject({ text: "start\n", status: "saved" });
    const [left] = session.view().left;
    expect(left).toMatchObject({ kind: "lost", text: "start\none\ntwo\n" });
    session.type("start\nthree\n");
    await wait(2_000);
    expect(server).toEqual({ version: 2, text: "start\nthree\n" });
    session.takeOver(left?.key ?? "");
    await wait(2_000);
    expect(server.text.split("\n").toSorted()).toEqual(["", "one", "start", "three", "two"]);
  });

  it("has what was typed and not saved joined with its text", async () => {
    const session = open();
    session.type("start\none\n");
    await wait(2_000);
    server = { version: 1, text: "before\nstart\n" };
    session.type("start\none\nunsaved\n");
    await wait(5_000);
    expect(server.text).toContain("unsaved");
    expect(server.text).toContain("before");
    expect(session.view().status).toBe("saved");
  });

  it("is not believed in when only an answer is late", async () => {
    const session = open();
    session.type("start\none\n");
    await wait(2_000);
    session.hear({ version: 1, text: "start\n" });
    await wait(0);
    expect(session.view()).toMatchObject({ text: "start\none\n", left: [] });
  });
});
