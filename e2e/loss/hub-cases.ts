import { setTimeout as sleep } from "node:timers/promises";
import type { CaseGroup, Load } from "./case.ts";
import { type EdgeScenario, edgeCase, underLoad } from "./edge-run.ts";
import type { EdgeSite } from "./edge-site.ts";

const scenarios: EdgeScenario[] = [
  {
    name: "control: a hub in memory killed with acknowledgements on their way",
    control: "duplicates",
    breaks: underLoad(killHubWithAcknowledgementsOnTheirWay),
  },
  {
    name: "hub: killed with acknowledgements on their way, state in Redis",
    settings: () => ({ hasRedis: true }),
    breaks: underLoad(killHubWithAcknowledgementsOnTheirWay),
  },
  {
    name: "hub: kill -9, three times, state in memory",
    breaks: underLoad(threeTimes((site, whileAway) => site.killHub(whileAway), [0, 500, 1_500])),
  },
  {
    name: "hub: kill -9, three times, state in Redis",
    settings: () => ({ hasRedis: true }),
    breaks: underLoad(threeTimes((site, whileAway) => site.killHub(whileAway))),
  },
  {
    name: "hub: two hubs on one Redis, killed in turn",
    settings: () => ({ hasRedis: true, hubs: 2, edges: [{}, {}] }),
    breaks: underLoad(async (site) => {
      for (const index of [0, 1, 0]) {
        await sleep(500);
        await site.killHub(() => sleep(700), index);
      }
    }),
  },
  {
    name: "hub: Redis killed and restarted, twice",
    settings: () => ({ hasRedis: true }),
    breaks: underLoad(async ({ redis }) => {
      for (const awayMs of [100, 2_000]) {
        await redis.kill();
        await sleep(awayMs);
        await redis.restart();
        await sleep(700);
      }
    }),
  },
  {
    name: "hub: network to Redis cut three times",
    settings: () => ({ hasRedis: true }),
    breaks: underLoad(async ({ redis: { network } }) => {
      for (const cutMs of [50, 500, 2_000]) {
        network.cut();
        await sleep(cutMs);
        network.mend();
        await sleep(700);
      }
    }),
  },
  {
    name: "hub: frozen past the heartbeat",
    breaks: underLoad(async ({ hub }) => {
      hub.process.child.kill("SIGSTOP");
      await sleep(3_000);
      hub.process.child.kill("SIGCONT");
    }),
  },
  {
    name: "hub: edges, regional and central hub; the regional one killed three times",
    settings: centralAndRegional,
    breaks: underLoad(threeTimes((site, whileAway) => site.killRegional(whileAway))),
  },
  {
    name: "hub: edges, regional and central hub; the central one killed three times",
    settings: centralAndRegional,
    breaks: underLoad(threeTimes((site, whileAway) => site.killHub(whileAway))),
  },
  {
    name: "hub: edges, regional and central hub; cut from each other, with resets in mid-frame",
    settings: centralAndRegional,
    breaks: underLoad(async ({ uplink }) => {
      uplink.cut();
      await sleep(1_500);
      uplink.faults = { resetAfterBytes: 30_000 };
      uplink.mend();
      await sleep(3_000);
      uplink.faults = {};
      uplink.reset();
    }),
  },
];

/** What breaks at hubs and behind them; each case has hubs and edges of its own. */
export function hubCases(load: Load): CaseGroup {
  return { cases: scenarios.map((scenario) => edgeCase(scenario, load)), stop: async () => {} };
}

/** The hub has counted batches whose edge will send them again: only a memory that outlives the hub knows them. */
async function killHubWithAcknowledgementsOnTheirWay(site: EdgeSite): Promise<void> {
  site.tap.replace = ({ name, bytes }) => (name === "ack" ? [] : [bytes]);
  await sleep(500);
  await site.killHub(async () => {
    site.tap.replace = ({ bytes }) => [bytes];
  });
  await sleep(500);
}

function centralAndRegional() {
  return { hasRedis: true, isRegional: true };
}

function threeTimes(kill: (site: EdgeSite, whileAway: () => Promise<void>) => Promise<void>, awaysMs = [0, 500, 1_000]) {
  return async (site: EdgeSite) => {
    for (const awayMs of awaysMs) {
      await sleep(500 + Math.random() * 300);
      await kill(site, () => sleep(awayMs));
    }
  };
}
