/**
 * A process that answers as an API server does, from bytes that were made before: lists in pages, and a watch of pods whose events
 * are sent when it is told to. So what is measured is the reader.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { lastPodName, podsOfService } from "./api-names.ts";
import { deploymentObject, podObject, replicaSetObject, runningPod, type ServiceName } from "./fleet-objects.ts";

export type ApiServerOrder =
  /** A fleet of so many pods, and so many events to send. `changedShare` of the pods differ in the second list. */
  | { order: "make"; pods: number; events: number; changedShare: number }
  /** Sends the events on every open watch of pods, so many times over, each time as newer ones. */
  | { order: "send"; passes: number }
  /** Says on every open watch of pods that history is gone; from then on lists are the second ones. */
  | { order: "expire" }
  | { order: "begin-again" };

/** Some lines, and where in them the resourceVersions stand. */
type EventPiece = { bytes: Buffer; versionsAt: number[] };

const startVersion = 100_000_000;
const mark = '"resourceVersion":"';

let serviceCount = 0;
let podCount = 0;
let changedEvery = 0;
let isExpired = false;
let eventPieces: EventPiece[] = [];
let nextVersion = startVersion;
const pages = new Map<string, Buffer>();
const podWatches = new Set<ServerResponse>();

const nameOf = (pod: number): ServiceName => ({ service: pod % serviceCount, revision: 1 });

function make({ pods, events, changedShare }: ApiServerOrder & { order: "make" }): void {
  podCount = pods;
  serviceCount = Math.max(1, Math.round(pods / podsOfService));
  changedEvery = changedShare > 0 ? Math.round(1 / changedShare) : 0;
  isExpired = false;
  pages.clear();
  eventPieces = [];
  nextVersion = startVersion;
  for (let from = 0; from < events; from += 50) {
    const lines = Array.from({ length: Math.min(50, events - from) }, (_, index) => eventLine(from + index, pods));
    const bytes = Buffer.from(lines.join(""));
    const versionsAt: number[] = [];
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) versionsAt.push(at + mark.length);
    eventPieces.push({ bytes, versionsAt });
  }
}

/** The step is prime to the sizes: neighbours in time are far from each other, and no pod comes again before all have come. */
function eventLine(index: number, pods: number): string {
  const pod = (index * 7919) % pods;
  const state = { ...runningPod, ready: index % 2 === 0, restarts: 1 + Math.floor(index / pods) };
  return `${JSON.stringify({ type: "MODIFIED", object: podObject(nameOf(pod), pod, startVersion, state) })}\n`;
}

function listPage(resource: string, limit: number, from: number): Buffer {
  const key = `${resource} ${limit} ${from} ${isExpired}`;
  const known = pages.get(key);
  if (known) return known;
  const total = resource === "pods" ? podCount : resource === "deployments" || resource === "replicasets" ? serviceCount : 0;
  const end = Math.min(total, from + limit);
  const items = Array.from({ length: Math.max(0, end - from) }, (_, index) => objectOf(resource, from + index));
  const resourceVersion = String(startVersion + (isExpired ? 50_000_000 : 0));
  const metadata = { resourceVersion, ...(end < total ? { continue: String(end) } : {}) };
  const page = Buffer.from(JSON.stringify({ kind: "List", apiVersion: "v1", metadata, items }));
  pages.set(key, page);
  return page;
}

function objectOf(resource: string, index: number): object {
  const counts = { desired: podsOfService, ready: podsOfService, updated: podsOfService, replicas: podsOfService };
  if (resource === "deployments") return deploymentObject({ service: index, revision: 1 }, index + 1, counts);
  if (resource === "replicasets") return replicaSetObject({ service: index, revision: 1 }, index + 1, podsOfService);
  const isChanged = isExpired && changedEvery > 0 && index % changedEvery === 0;
  // As an API server sorts its list by name, the pods of a service come together.
  const service = Math.floor(index / podsOfService) % serviceCount;
  const pod = (index % podsOfService) * serviceCount + service;
  const version = isChanged ? startVersion + 40_000_000 + index : index + 1;
  return podObject(nameOf(pod), pod, version, isChanged ? { ...runningPod, restarts: 5 } : runningPod);
}

/** The last pass ends with a line that names the last pod. */
async function send(response: ServerResponse, passes: number): Promise<void> {
  for (let pass = 0; pass < passes; pass += 1) {
    for (const piece of eventPieces) {
      if (response.destroyed) return;
      renew(piece);
      await new Promise((resolve) => response.write(piece.bytes, resolve));
    }
  }
  response.write(lastLine());
}

/** Gives the events of a piece versions that come behind all that were sent. */
function renew({ bytes, versionsAt }: EventPiece): void {
  for (const at of versionsAt) {
    nextVersion += 1;
    bytes.write(String(nextVersion), at, "latin1");
  }
}

function lastLine(): string {
  nextVersion += 1;
  const object = podObject(nameOf(podCount), podCount, nextVersion);
  (object.metadata as { name: string }).name = lastPodName;
  return `${JSON.stringify({ type: "ADDED", object })}\n`;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const resource = pathname.split("/").at(-1) ?? "";
  response.setHeader("content-type", "application/json");
  if (searchParams.has("watch")) {
    response.flushHeaders();
    if (resource !== "pods") return;
    podWatches.add(response);
    response.on("close", () => podWatches.delete(response));
    process.send?.("watched");
    return;
  }
  response.end(listPage(resource, Number(searchParams.get("limit") ?? 1e9), Number(searchParams.get("continue") ?? 0)));
});

process.on("message", (order: ApiServerOrder) => {
  if (order.order === "make") make(order);
  else if (order.order === "send") for (const response of podWatches) void send(response, order.passes);
  else if (order.order === "begin-again") isExpired = false;
  else {
    isExpired = true;
    const gone = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" } };
    for (const response of podWatches) response.end(`${JSON.stringify(gone)}\n`);
  }
  process.send?.("done");
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
