import { FleetStore } from "#lib/domain/fleet/live.ts";
import type { EventObject, Pod, ReplicaSet, Workload } from "#lib/kubernetes/objects.ts";
import { trim } from "#lib/kubernetes/trim.ts";
import { streamLive } from "#lib/web/live-stream.ts";
import type { AreaOptions, Section } from "../daemons/report.ts";
import type { Row } from "../figures.ts";
import { Churn, type ChurnEvent } from "./churn.ts";
import { serviceName } from "./fleet-objects.ts";

const goal = 0.01;
const pages = { list: null, quiet: "quiet", rolling: "rolling" } as const;

type Traffic = {
  watchBytes: number;
  watchEvents: number;
  bytes: Record<keyof typeof pages, number>;
  types: Record<string, number>;
};

/** What one browser is sent in a busy while, beside what the watches of the cluster carry meanwhile. */
export async function measureTraffic({ quick, say }: AreaOptions): Promise<Section> {
  const sizes = [500, 5000, 50_000];
  const results: Traffic[] = [];
  for (const size of sizes) {
    const traffic = await measureAt(size, quick ? 5000 : 10_000);
    results.push(traffic);
    say(`  ${size} pods: ${((traffic.bytes.list / traffic.watchBytes) * 100).toFixed(2)} % for the list of services`);
  }
  const share = (page: keyof typeof pages) => results.map(({ bytes, watchBytes }) => (100 * bytes[page]) / watchBytes);
  const judged = results[1];
  const row = (name: string, unit: string, values: number[]): Row => ({ name, unit, values });
  const aim = { below: goal * 100 };
  return {
    title: "Bytes to the browser",
    goals: [
      {
        name: "one viewer of the list of services, of what the watches carry, 5,000 pods",
        unit: "bytes",
        ours: judged?.bytes.list,
        peer: judged?.watchBytes,
        ratio: judged && judged.bytes.list / judged.watchBytes,
        wanted: { atMost: goal },
        note: "one service in ten rolls out, one pod in 500 crashes; without the first snapshot, as without the first list",
        whenMissed: `bytes by message: ${Object.entries(judged?.types ?? {})
          .map(([type, bytes]) => `${type} ${bytes}`)
          .join(", ")}`,
      },
      {
        name: "one viewer of the page of a service that rolls out, likewise",
        unit: "bytes",
        ours: judged?.bytes.rolling,
        peer: judged?.watchBytes,
        ratio: judged && judged.bytes.rolling / judged.watchBytes,
        wanted: { atMost: goal },
      },
    ],
    curves: [
      {
        title: "Bytes to one browser against the size of the fleet",
        heads: sizes.map((size) => `${size} pods`),
        rows: [
          row(
            "events of all watches",
            "",
            results.map(({ watchEvents }) => watchEvents),
          ),
          row(
            "watches",
            "bytes",
            results.map(({ watchBytes }) => watchBytes),
          ),
          row(
            "list of services",
            "bytes",
            results.map(({ bytes }) => bytes.list),
          ),
          { ...row("list of services", "% of the watches", share("list")), aim },
          { ...row("page of a quiet service", "% of the watches", share("quiet")), aim },
          { ...row("page of a service that rolls out", "% of the watches", share("rolling")), aim },
        ],
      },
    ],
  };
}

async function measureAt(pods: number, durationMs: number): Promise<Traffic> {
  const store = new FleetStore({ now: () => new Date() });
  store.setFeed({ name: "kubernetes", state: "connected", lastError: null, hint: null });
  const traffic: Traffic = { watchBytes: 0, watchEvents: 0, bytes: { list: 0, quiet: 0, rolling: 0 }, types: {} };
  const churn = new Churn(pods, (event) => {
    traffic.watchBytes += Buffer.byteLength(JSON.stringify({ type: event.type, object: event.object })) + 1;
    traffic.watchEvents += 1;
    apply(store, event);
  });
  churn.begin();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const abort = new AbortController();
  const services = { list: null, quiet: `fleet/${serviceName(churn.services - 1)}`, rolling: `fleet/${serviceName(0)}` };
  const readers = (Object.keys(pages) as (keyof typeof pages)[]).map((page) =>
    read(store, services[page], abort.signal, page, traffic),
  );
  await new Promise((resolve) => setTimeout(resolve, 1000));
  traffic.watchBytes = 0;
  traffic.watchEvents = 0;
  traffic.bytes = { list: 0, quiet: 0, rolling: 0 };
  traffic.types = {};
  churn.plan(durationMs);
  await churn.run();
  // What was told by its changed fields is sent whole once more.
  await new Promise((resolve) => setTimeout(resolve, 13_000));
  abort.abort();
  await Promise.all(readers);
  store.close();
  return traffic;
}

function apply(store: FleetStore, { resource, type, object }: ChurnEvent): void {
  const changes = <T>(trimmed: T) =>
    type === "DELETED" ? { upserted: [], removed: [trimmed] } : { upserted: [trimmed], removed: [] };
  if (resource === "pods") store.applyPods(changes(trim.pod(object as Pod)));
  else if (resource === "deployments") store.applyWorkloads(changes(trim.deployment(object as Workload)));
  else if (resource === "replicasets") store.applyRevisions(changes(trim.replicaSet(object as ReplicaSet)));
  else store.applyEvents(changes(trim.event(object as EventObject)));
}

async function read(
  store: FleetStore,
  service: string | null,
  signal: AbortSignal,
  page: keyof typeof pages,
  traffic: Traffic,
): Promise<void> {
  const response = streamLive(store.subscribe(service), signal, () => Promise.resolve(true));
  for await (const piece of response.body ?? []) {
    traffic.bytes[page] += piece.length;
    if (page !== "list") continue;
    for (const message of Buffer.from(piece).toString().split("\n\n")) {
      const type = /^event: (\w+)/.exec(message)?.[1];
      if (type) traffic.types[type] = (traffic.types[type] ?? 0) + message.length + 2;
    }
  }
}
