/** A process that streams a fleet to its viewers: as the product does it, or with the naive loop, one write for each change and viewer. */
import { createServer, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { FleetStore } from "#lib/domain/fleet/live.ts";
import type { Pod, ReplicaSet, Workload } from "#lib/kubernetes/objects.ts";
import { trim } from "#lib/kubernetes/trim.ts";
import { streamLive } from "#lib/web/live-stream.ts";
import { deploymentObject, podObject, replicaSetObject, serviceName } from "./fleet-objects.ts";
import { obeyProfileOrders } from "./profile.ts";

export type StreamOrder =
  /** In each of `ticks` ticks, so many instances change. */
  { order: "change"; perTick: number; ticks: number } | { order: "read" };
export type StreamReport = {
  cpuMs: number;
  ms: number;
  rssMiB: number;
  viewers: number;
  lastChange: number;
  changedAt: Record<number, number>;
};

const instances = 1000;
const tickMs = 150;
const of = { service: 0, revision: 1 };
const id = `fleet/${serviceName(0)}`;
// The way by which Next sends a route's Response: the product's own.
const { pipeToNodeResponse } = createRequire(import.meta.url)("next/dist/server/pipe-readable.js") as {
  pipeToNodeResponse: (body: ReadableStream, response: ServerResponse) => Promise<void>;
};

const store = new FleetStore({ now: () => new Date(), tickMs });
const counts = { desired: instances, ready: instances, updated: instances, replicas: instances };
store.setFeed({ name: "kubernetes", state: "connected", lastError: null, hint: null });
store.applyWorkloads({ upserted: [trim.deployment(deploymentObject(of, 1, counts) as Workload)], removed: [] });
store.applyRevisions({ upserted: [trim.replicaSet(replicaSetObject(of, 1, instances) as unknown as ReplicaSet)], removed: [] });
const templates = Array.from({ length: instances }, (_, pod) => trim.pod(podObject(of, pod, 1) as unknown as Pod));
store.applyPods({ upserted: templates, removed: [] });

const naive = new Set<ServerResponse>();
let change = 0;
let changedAt: Record<number, number> = {};

const server = createServer((request, response) => {
  if (request.url === "/naive") {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    naive.add(response);
    response.on("close", () => naive.delete(response));
    return;
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const answer = streamLive(store.subscribe(id), abort.signal, () => Promise.resolve(true));
  response.writeHead(200, Object.fromEntries(answer.headers));
  if (answer.body) void pipeToNodeResponse(answer.body, response).catch(() => {});
});

/** One instance has restarted once more; the number of restarts is the number of the change. */
function nextPod(): Pod {
  change += 1;
  const pod = templates[change % instances] as Pod;
  const [status] = pod.status?.containerStatuses ?? [];
  const containerStatuses = status ? [{ ...status, restartCount: change }] : [];
  const metadata = { ...pod.metadata, resourceVersion: String(change + 1) };
  return { ...pod, metadata, status: { ...pod.status, containerStatuses } };
}

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

async function run({ perTick, ticks }: StreamOrder & { order: "change" }): Promise<void> {
  const startedAt = performance.now();
  const startedCpu = process.cpuUsage();
  changedAt = {};
  for (let tick = 0; tick < ticks; tick += 1) {
    const dueAt = startedAt + tick * tickMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
    for (let index = 0; index < perTick; index += 1) {
      const pod = nextPod();
      changedAt[change] = nowMs();
      if (naive.size > 0) tellNaively(pod);
      else store.applyPods({ upserted: [pod], removed: [] });
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 2 * tickMs));
  const { user, system } = process.cpuUsage(startedCpu);
  const report: StreamReport = {
    cpuMs: (user + system) / 1000,
    ms: performance.now() - startedAt,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    viewers: naive.size || store.viewers,
    lastChange: change,
    changedAt,
  };
  process.send?.(report);
}

/** The same words that the product has for one change, in a message of its own. */
function tellNaively(pod: Pod): void {
  const changed = [{ key: pod.metadata.uid, fields: { restarts: change } }];
  for (const response of naive) {
    const message = { type: "instances", service: id, upserted: [], removed: [], changed };
    response.write(`event: instances\ndata: ${JSON.stringify(message)}\n\n`);
  }
}

process.on("message", (order: StreamOrder) => {
  if (order.order === "change") void run(order);
  else if (order.order === "read")
    process.send?.({
      cpuMs: 0,
      ms: 0,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
      viewers: naive.size || store.viewers,
      lastChange: change,
      changedAt: {},
    });
});
obeyProfileOrders();
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
