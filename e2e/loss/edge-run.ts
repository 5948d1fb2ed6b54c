import { setTimeout as sleep } from "node:timers/promises";
import { readMetric } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import type { Case, Load } from "./case.ts";
import { EdgeSite, type SiteSettings } from "./edge-site.ts";
import type { Expectations, History } from "./history.ts";
import { Sensor } from "./sensor.ts";

export type EdgeRun = { site: EdgeSite; history: History; load: Load; sensors: Sensor[] };

export type EdgeScenario = Expectations & {
  name: string;
  /** Made anew for each round; may throw Skip. */
  settings?: () => SiteSettings | Promise<SiteSettings>;
  breaks: (run: EdgeRun) => Promise<void>;
};

/** A case: the site is started, things break, all that was kept is handed over, and the counters are read. */
export function edgeCase({ settings = () => ({}), breaks, ...rest }: EdgeScenario, load: Load): Case {
  return {
    ...rest,
    async run(history) {
      const taken = new Set<unknown>();
      const site = new EdgeSite(await settings(), (value) => {
        const { producer, sequence } = value as { producer: string; sequence: number };
        taken.add(`${producer}:${sequence}`);
        history.add({ kind: "delivered", observer: "hub", producer, sequence });
      });
      const sensors: Sensor[] = [];
      try {
        await site.start();
        await breaks({ site, history, load, sensors });
        await Promise.all(sensors.map((sensor) => sensor.finish()));
        await site.untilDrained();
        const dropped = await site.dropped();
        if (dropped > 0) history.add({ kind: "dropped", count: dropped });
        await compareWithStore(site, history, taken.size);
      } finally {
        for (const sensor of sensors) sensor.destroy();
        await site.stop();
      }
    },
  };
}

/** Sensors write at the rate of the load to every edge, a second before the fault, during it and a while after it. */
export function underLoad(fault: (site: EdgeSite) => Promise<void>): EdgeScenario["breaks"] {
  return async ({ site, history, load, sensors }) => {
    for (let index = 0; index < load.producers; index += 1) {
      const edge = site.edges[index % site.edges.length];
      if (!edge) throw new Error("this site has no edge");
      const sensor = new Sensor(`s${index}`, edge.socketPath, history);
      sensor.start((load.perSecond * 4) / load.producers);
      sensors.push(sensor);
    }
    await sleep(1_000);
    await fault(site);
    await sleep(1_500);
  };
}

/** So many readings as fast as the edge takes them, all answered. */
export async function burst({ site, history, sensors }: EdgeRun, count: number): Promise<void> {
  const sensor = new Sensor(`s${sensors.length}`, site.edge.socketPath, history);
  sensors.push(sensor);
  await sensor.burst(count);
}

/** A Redis counts over all hubs and restarts: what the hub that took the last readings read there must be what the tap saw. */
async function compareWithStore(site: EdgeSite, history: History, taken: number): Promise<void> {
  if (!site.hasRedis) return;
  const stored = async () => {
    const counts = site.hubs.map(({ healthPort }) => readMetric(healthPort, "hub_edge_messages_stored"));
    return Math.max(...(await Promise.all(counts)).map((count) => count ?? 0));
  };
  await eventually(async () => (await stored()) === taken, 10_000).catch(async () => {
    history.add({ kind: "wrong", what: `the hub has counted ${await stored()} readings, the tap saw ${taken}` });
  });
}
