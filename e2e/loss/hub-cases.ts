import { setTimeout as sleep } from "node:timers/promises";
import { type EdgeScenario, underLoad } from "./edge-run.ts";

/** What breaks at the hub and behind it, with edges as witnesses. */
export const hubScenarios: EdgeScenario[] = [
  {
    name: "hub: kill -9, three times, state in memory",
    breaks: underLoad(async (site) => {
      for (const awayMs of [0, 500, 1_500]) {
        await sleep(500 + Math.random() * 300);
        await site.killHub(() => sleep(awayMs));
      }
    }),
  },
  {
    name: "hub: kill -9, three times, state in Redis",
    settings: () => ({ hasRedis: true }),
    breaks: underLoad(async (site) => {
      for (const awayMs of [0, 500, 1_000]) {
        await sleep(500 + Math.random() * 300);
        await site.killHub(() => sleep(awayMs));
      }
    }),
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
];
