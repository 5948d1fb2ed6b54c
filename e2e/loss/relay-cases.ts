import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import type { CaseGroup, Load } from "./case.ts";
import type { History } from "./history.ts";
import { runOnRelays } from "./relay-run.ts";
import { RelaySite, type SiteSettings } from "./relay-site.ts";
import { stopReaders } from "./relay-stopped-reader.ts";

type Fault = (site: RelaySite, history: History) => Promise<void>;

const clockOffsetMs = 600_000;
const quietMs = 1_000;

const faults: Record<string, Fault> = {
  "relay: nothing breaks": () => sleep(2_000),
  "relay: kill -9 at random of a relay, Redis and PostgreSQL": killAtRandom,
  "relay: kill -9 of each replica": async (site) => {
    for (const index of [0, 1]) {
      await sleep(Math.random() * 500);
      await site.killRelay(index);
    }
  },
  "relay: Redis killed and restarted, twice": async (site) => {
    for (const awayMs of [100, 2_000]) {
      await site.killRedis(awayMs);
      await sleep(1_000);
    }
  },
  "relay: Redis gone without a word": vanishRedis,
  "relay: PostgreSQL stopped for 30 s and continued": async ({ stack }) => {
    stack.postgres.signal("SIGSTOP");
    await sleep(30_000);
    stack.postgres.signal("SIGCONT");
  },
  "relay: PostgreSQL crashed, away for 3 s": async ({ stack }) => {
    await stack.postgres.stop("SIGQUIT");
    await sleep(3_000);
    await stack.postgres.start();
  },
  "relay: network cut three times": async ({ proxy }) => {
    for (const cutMs of [50, 500, 2_000]) {
      proxy.cut();
      await sleep(cutMs);
      proxy.mend();
      await sleep(700);
    }
  },
  "relay: resets in mid-message": async ({ proxy }) => {
    proxy.faults = { resetAfterBytes: 20_000 };
    await sleep(4_000);
    proxy.faults = {};
    proxy.reset();
  },
  "relay: slices of 1 byte, 20 ms late": async ({ proxy }) => {
    proxy.faults = { sliceBytes: 1, latencyMs: 20 };
    await sleep(3_000);
    proxy.faults = {};
  },
  "relay: a replica frozen for 5 s": async ({ relays }) => {
    relays[0]?.process.child.kill("SIGSTOP");
    await sleep(5_000);
    relays[0]?.process.child.kill("SIGCONT");
  },
};

/** Redis may be away for longer than a write waits for it: then the write is refused, and its producer is told. */
const mayRefuse = new Set(["relay: kill -9 at random of a relay, Redis and PostgreSQL", "relay: Redis gone without a word"]);

/** A connection that is silent for 2 s is cut. */
const withShortHeartbeat = { HEARTBEAT_INTERVAL_SECS: "1", HEARTBEAT_TIMEOUT_SECS: "2" };

/** Faults that want a site of their own. */
const ownSites: Record<string, { settings: SiteSettings; fault: Fault }> = {
  "relay: keys rotated, then the issuer killed, back with other keys": {
    settings: { issuer: { ISSUER_ROTATE_SECONDS: "10" } },
    fault: rotateKeys,
  },
  "relay: a replica frozen past the heartbeat": {
    settings: { relays: [withShortHeartbeat, withShortHeartbeat] },
    fault: async ({ relays }) => {
      for (const relay of relays) {
        relay.process.child.kill("SIGSTOP");
        await sleep(6_000);
        relay.process.child.kill("SIGCONT");
        await sleep(2_000);
      }
    },
  },
  "relay: clocks 10 min ahead and 10 min behind": {
    settings: { relays: [withClock(clockOffsetMs), withClock(-clockOffsetMs)] },
    fault: tryTokensByClock,
  },
};

/** The cases of the relay, most of them on one site, which is started with the first. */
export function relayCases(load: Load): CaseGroup {
  let shared: Promise<RelaySite> | undefined;
  const onShared = (run: (site: RelaySite, history: History) => Promise<void>) => async (history: History) => {
    shared ??= RelaySite.start();
    try {
      await run(await shared, history);
    } catch (error) {
      // What has failed may have left a relay dead: the next case gets a site of its own.
      const failed = shared;
      shared = undefined;
      await failed.then((site) => site.stop()).catch(() => {});
      throw error;
    }
  };
  const underLoad = (fault: Fault) => (site: RelaySite, history: History) =>
    runOnRelays(site, history, load, () => fault(site, history));
  const cases = [
    ...Object.entries(faults).map(([name, fault]) => ({
      name,
      mayRefuse: mayRefuse.has(name),
      run: onShared(underLoad(fault)),
    })),
    ...Object.entries(ownSites).map(([name, { settings, fault }]) => ({
      name,
      async run(history: History) {
        const site = await RelaySite.start(settings);
        await underLoad(fault)(site, history).finally(() => site.stop());
      },
    })),
    {
      name: "relay: a reader stops, again and again",
      isAlone: true,
      run: onShared((site, history) => stopReaders(site, history, load.pairs)),
    },
  ];
  return { cases, stop: async () => (await shared)?.stop() };
}

/** Each of the three dies once, at instants and for times that chance chooses, so that they are also away together. */
async function killAtRandom(site: RelaySite, history: History): Promise<void> {
  const index = Math.random() < 0.5 ? 0 : 1;
  const kills = {
    [`relay ${index}`]: (awayMs: number) => site.killRelay(index, awayMs),
    Redis: (awayMs: number) => site.killRedis(awayMs),
    PostgreSQL: (awayMs: number) => site.killPostgres(awayMs),
  };
  const died = Object.entries(kills).map(async ([what, kill]) => {
    const [afterMs, awayMs] = [Math.random() * 2_500, Math.random() * 2_000];
    await sleep(afterMs);
    history.add({ kind: "fault", what: `kill -9 of ${what}, away for ${awayMs.toFixed(0)} ms` });
    await kill(awayMs);
  });
  await Promise.all(died);
}

/** Nothing passes between the relays and Redis, and no connection ends: they are to notice it and to take no more writes. */
async function vanishRedis({ redisProxy }: RelaySite, history: History): Promise<void> {
  redisProxy.faults = { timeoutMs: 0 };
  const isQuiet = () => {
    const last = history.events.findLast(({ kind }) => kind === "acknowledged");
    return performance.now() - (last?.at ?? 0) > quietMs;
  };
  await eventually(isQuiet).catch(() => history.add({ kind: "wrong", what: "writes were taken though Redis was gone" }));
  redisProxy.faults = {};
}

/** Connections are made anew, with new tokens, across two rotations; then the issuer goes and comes back without its old keys. */
async function rotateKeys(site: RelaySite, history: History): Promise<void> {
  const firstKeys = await publishedKeys(site);
  const known = site.refusals.length;
  await resetEvery(500, 25_000, site);
  const keys = await publishedKeys(site);
  if (keys.filter((kid) => !firstKeys.includes(kid)).length < 2) {
    history.add({ kind: "wrong", what: "the keys were not rotated twice" });
  }
  const refused = site.refusals.slice(known).filter((message) => message.includes("401"));
  if (refused.length > 0) history.add({ kind: "wrong", what: `${refused.length} upgrades were refused during the rotation` });
  await site.stack.issuer.process.end("SIGKILL");
  const acknowledged = () => history.events.filter(({ kind }) => kind === "acknowledged").length;
  const before = acknowledged();
  await resetEvery(500, 4_000, site);
  if (acknowledged() === before) history.add({ kind: "wrong", what: "nothing was acknowledged while the issuer was away" });
  await site.stack.issuer.restart();
  await resetEvery(500, 5_000, site);
}

/** What each clock makes of tokens that are near their end, while clients move between the two. */
async function tryTokensByClock(site: RelaySite, history: History): Promise<void> {
  const [ahead, behind] = site.relays;
  if (!ahead || !behind) return;
  const shortToken = await site.stack.token(undefined, 2);
  const expect = async (what: string, url: string, token: string, wanted: number) => {
    const status = await upgradeStatus(url, token);
    if (status !== wanted) history.add({ kind: "wrong", what: `${what}: ${status} instead of ${wanted}` });
  };
  await expect("a token of 5 min where the clock is 10 min ahead", ahead.httpUrl, await site.stack.token(undefined, 300), 401);
  await expect("a token of 1 h where the clock is 10 min ahead", ahead.httpUrl, await site.stack.token(undefined, 3600), 101);
  await resetEvery(500, 4_000, site);
  await expect("an expired token where the clock is 10 min behind", behind.httpUrl, shortToken, 101);
  await site.killRelay(0);
}

function withClock(offsetMs: number): Record<string, string> {
  return { NODE_OPTIONS: `--import=${import.meta.resolve("./relay-clock.ts")}`, CLOCK_OFFSET_MS: String(offsetMs) };
}

async function resetEvery(intervalMs: number, forMs: number, { proxy }: RelaySite): Promise<void> {
  for (const until = performance.now() + forMs; performance.now() < until; ) {
    await sleep(intervalMs);
    proxy.reset();
  }
}

async function publishedKeys({ stack }: RelaySite): Promise<string[]> {
  const set = (await (await fetch(`${stack.issuer.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return set.keys.map(({ kid }) => kid);
}

function upgradeStatus(url: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/collab?document=${randomUUID()}`, ["relay.v1", `bearer.${token}`]);
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.once("unexpected-response", (_request, response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once("error", reject);
  });
}
