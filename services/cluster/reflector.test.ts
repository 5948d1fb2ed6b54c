import { expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { ApiError, type WatchEvent } from "./api-client.ts";
import { type Reflected, Reflector } from "./reflector.ts";

type Entry = Reflected & { value?: string };

function entry(name: string, resourceVersion: string, uid = name): Entry {
  return { metadata: { name, namespace: "n", uid, resourceVersion } };
}

/** A server whose lists and watches are given one by one; a watch that has nothing left stays open until it is aborted. */
function script(lists: { version: string; items: Entry[] }[], watches: (WatchEvent<Entry>[] | Error)[]) {
  const asked: string[] = [];
  const client = {
    async get(path: string) {
      asked.push(path);
      const list = lists.shift();
      if (!list) throw new Error("no further list");
      return { metadata: { resourceVersion: list.version }, items: list.items };
    },
    async *watch(path: string, _silentMs: number, signal: AbortSignal) {
      asked.push(path);
      const next = watches.shift();
      if (next instanceof Error) throw next;
      yield* next ?? [];
      if (watches.length === 0 && !signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  return { asked, client: client as unknown as ConstructorParameters<typeof Reflector<Entry>>[0]["client"] };
}

async function run(server: ReturnType<typeof script>, until: (changes: string[]) => boolean): Promise<string[]> {
  const changes: string[] = [];
  await new Promise<void>((resolve) => {
    const reflector = new Reflector<Entry>({
      client: server.client,
      path: "/api/v1/pods",
      logger: createLogger("test", "silent"),
      onChange: ({ previous, current }) => {
        const name = (current ?? previous)?.metadata.name;
        changes.push(current ? (previous ? `~${name}` : `+${name}`) : `-${name}`);
        if (until(changes)) void reflector.stop().then(resolve);
      },
    });
    reflector.start();
  });
  return changes;
}

const expired = { type: "ERROR", object: { code: 410, reason: "Expired" } } as unknown as WatchEvent<Entry>;

it("lists, then watches from the list's version and from each event's", async () => {
  const server = script(
    [{ version: "5", items: [entry("a", "3")] }],
    [[{ type: "ADDED", object: entry("b", "6") }], [{ type: "DELETED", object: entry("a", "7") }]],
  );
  expect(await run(server, (changes) => changes.length === 3)).toEqual(["+a", "+b", "-a"]);
  expect(server.asked.filter((path) => path.includes("watch")).map((path) => /resourceVersion=(\d+)/.exec(path)?.[1])).toEqual([
    "5",
    "6",
  ]);
});

it("takes the version of a bookmark without a change", async () => {
  const bookmark = { type: "BOOKMARK", object: entry("", "90") } as WatchEvent<Entry>;
  const server = script([{ version: "5", items: [] }], [[bookmark], [{ type: "ADDED", object: entry("b", "91") }]]);
  expect(await run(server, (changes) => changes.length === 1)).toEqual(["+b"]);
  expect(server.asked.at(-1)).toContain("resourceVersion=90");
});

it.each([
  ["as an event", [expired]],
  ["as the answer", new ApiError(410, "Expired", "too old")],
])("lists again at once after 410 %s, and finds what it missed", async (_, failure) => {
  const server = script(
    [
      { version: "5", items: [entry("a", "1"), entry("b", "2")] },
      { version: "9", items: [entry("b", "8"), entry("c", "9")] },
    ],
    [failure, []],
  );
  expect(await run(server, (changes) => changes.length === 5)).toEqual(["+a", "+b", "-a", "~b", "+c"]);
});

it("lists at once after 410 although the connection was lost before, and with a pause only when it is gone again", async () => {
  const gone = new ApiError(410, "Expired", "too old");
  const server = script(
    [
      { version: "5", items: [] },
      { version: "9", items: [entry("a", "8")] },
      { version: "12", items: [entry("a", "8"), entry("b", "11")] },
    ],
    [new Error("reset"), gone, gone, []],
  );
  const at: number[] = [];
  await run(server, (changes) => {
    at.push(performance.now());
    return changes.length === 2;
  });
  const kinds = server.asked.map((path) => (path.includes("watch") ? "watch" : "list"));
  expect(kinds.slice(0, 6)).toEqual(["list", "watch", "watch", "list", "watch", "list"]);
  // The second pause of the back-off is at least 200 ms; jitter may halve it.
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(90);
});

it("watches again from the same version after a lost connection", async () => {
  const server = script([{ version: "5", items: [] }], [new Error("reset"), [{ type: "ADDED", object: entry("a", "6") }]]);
  expect(await run(server, (changes) => changes.length === 1)).toEqual(["+a"]);
  expect(server.asked.filter((path) => !path.includes("watch"))).toHaveLength(1);
});

it("tells an object that took another's name as one that went and one that came", async () => {
  const server = script(
    [
      { version: "5", items: [entry("a", "1", "first")] },
      { version: "9", items: [entry("a", "8", "second")] },
    ],
    [[expired], []],
  );
  expect(await run(server, (changes) => changes.length === 3)).toEqual(["+a", "-a", "+a"]);
});
