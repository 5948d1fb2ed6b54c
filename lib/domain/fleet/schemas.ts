import { z } from "zod";
import type { WorkloadKind } from "#lib/kubernetes/objects.ts";
import type { Track } from "./candidate.ts";

/** The label that makes a workload a managed service, and its well-known values. */
export const kindLabel = "switchyard.dev/kind";
export const listedKinds = ["relay", "connector", "hub", "edge"] as const;

export const healthWords = ["healthy", "degraded", "down", "unknown", "progressing", "paused"] as const;
export type Health = (typeof healthWords)[number];

/** Where a service is: its namespace and name, e.g. { namespace: "fleet", name: "relay" }. */
export const serviceRefSchema = z.object({
  namespace: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "Not a namespace name."),
  name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "Not a workload name."),
});
export type ServiceRef = z.infer<typeof serviceRefSchema>;

/** One managed workload as lists and headers show it. Times are ISO 8601 in UTC. */
export type Service = {
  /** namespace/name */
  id: string;
  uid: string;
  namespace: string;
  name: string;
  kind: string;
  workload: WorkloadKind;
  desired: number;
  ready: number;
  updated: number;
  available: number;
  unavailable: number;
  /** The first container's image, and the part of it after the colon (or the short digest). */
  image: string;
  version: string;
  /** Name of the container whose image is the service's. */
  container: string;
  containers: { name: string; image: string }[];
  /** The value by which pods name the present template; empty while the cluster has not made its revision yet. */
  templateHash: string;
  revision: number | null;
  restarts: number;
  health: Health;
  /** One sentence on why the health is what it is. */
  healthReason: string;
  paused: boolean;
  /** metadata.generation and status.observedGeneration. */
  generation: number;
  observedGeneration: number;
  createdAt: string;
  /** The second Deployment of a rollout with a strategy; the numbers above are without it. Null while there is none. */
  candidate: Candidate | null;
  about: ServiceAbout;
};

/** What stands beside a service while a rollout with a strategy is carried out. */
export type Candidate = {
  /** The Deployment's name. */
  name: string;
  image: string;
  version: string;
  templateHash: string;
  desired: number;
  ready: number;
  available: number;
};

/** What a workload's annotations say of the service, each `switchyard.dev/<name>`; null or empty where they say nothing. */
export type ServiceAbout = {
  owner: string | null;
  /** An address (annotation `runbook`). */
  runbook: string | null;
  /** What is behind its instances' circuit breaker, where that can be switched (annotations `breaker`, `admin-port`, `admin-secret`). */
  breaker: string | null;
  /** A replica of its database is configured (annotations `database-secret`, `database-replica`). */
  hasReplica: boolean;
  /** Ids of the services that it needs (annotation `depends-on`: names or namespace/name, by commas). */
  dependsOn: string[];
  /** Objectives as written, not judged yet: annotations `slo-availability`, `slo-latency`, `slo-latency-threshold`, `slo-window`. */
  objectives: { availability: string | null; latency: string | null; latencyThreshold: string | null; window: string | null };
};

/** One pod of a service. */
export type Instance = {
  uid: string;
  namespace: string;
  name: string;
  service: string;
  node: string | null;
  address: string | null;
  /** What kubectl's STATUS column shows: Running, Pending, ImagePullBackOff, CrashLoopBackOff, Terminating ... */
  status: string;
  /** The message behind a status that is not Running, if there is one. */
  statusMessage: string | null;
  phase: string;
  ready: boolean;
  restarts: number;
  lastRestart: { reason: string; exitCode: number | null; at: string | null } | null;
  image: string;
  version: string;
  /** Null for a candidate's, which is in nobody's history yet. */
  revision: number | null;
  track: Track;
  templateHash: string;
  containers: string[];
  startedAt: string | null;
  createdAt: string;
  deleting: boolean;
};

/** One entry of a service's history. `template` is the pod template as YAML, without the hash label. */
export type Revision = {
  revision: number;
  /** The object that keeps it, e.g. "ReplicaSet relay-698cb7cbc5". */
  source: string;
  templateHash: string;
  images: string[];
  version: string;
  createdAt: string;
  changeCause: string | null;
  replicas: number;
  current: boolean;
  template: string;
};

export type ServiceEvent = {
  uid: string;
  type: string;
  reason: string;
  message: string;
  objectKind: string;
  objectName: string;
  count: number;
  firstAt: string;
  lastAt: string;
  source: string;
};

export const feedNames = ["kubernetes", "prometheus", "alertmanager", "database"] as const;
export type FeedName = (typeof feedNames)[number];

/** The state of one outside system. */
export type Feed = {
  name: FeedName;
  state: "connected" | "stale" | "not-connected";
  /** Since when the state is what it is. */
  since: string;
  /** What went wrong last, for the person; null when connected. */
  lastError: string | null;
  /** What to do about it, e.g. a command to run; null when there is nothing to say. */
  hint: string | null;
};

/** Figures of one service from Prometheus; null where there is no data. */
export type ServiceFigures = { requestsPerSecond: number | null; errorRatio: number | null; latencyP95Seconds: number | null };
export type InstanceFigures = { cpuCores: number | null; memoryBytes: number | null };

/** What the live stream sends, each as one SSE message whose event name is its `type`. The first is always `snapshot`. */
export type LiveMessage =
  | {
      type: "snapshot";
      at: string;
      services: Service[];
      feeds: Feed[];
      figures: Record<string, ServiceFigures>;
      service: LiveService | null;
    }
  | { type: "services"; upserted: Service[]; removed: string[]; changed?: Changed<Service>[] }
  | { type: "instances"; service: string; upserted: Instance[]; removed: string[]; changed?: Changed<Instance>[] }
  | { type: "events"; service: string; upserted: ServiceEvent[]; removed: string[] }
  | { type: "figures"; services: Record<string, ServiceFigures> }
  | { type: "instanceFigures"; service: string; instances: Record<string, InstanceFigures> }
  | { type: "feeds"; feeds: Feed[] }
  /** Alerts changed: what shows them asks again. */
  | { type: "alerts"; at: string }
  | { type: "heartbeat"; at: string };

/**
 * The fields that changed of a service (by its id) or an instance (by its uid). Some 10 s later the whole is sent once more, so that
 * a page which missed a step is right again.
 */
export type Changed<T> = { key: string; fields: Partial<T> };

/** What a stream carries of the one service that its page shows (`/api/stream?service=namespace/name`). */
export type LiveService = { id: string; instances: Instance[]; events: ServiceEvent[]; figures: Record<string, InstanceFigures> };

/** GET /api/services, and what the live messages keep up to date. */
export type ServicesAnswer = { services: Service[]; figures: Record<string, ServiceFigures>; feeds: Feed[] };

/** GET /api/services/:namespace/:name, likewise. */
export type ServiceAnswer = {
  service: Service;
  instances: Instance[];
  events: ServiceEvent[];
  figures: Record<string, InstanceFigures>;
  serviceFigures: ServiceFigures | null;
};

/** One target that Prometheus scrapes and that is no pod of the cluster: a systemd host, an edge box. */
export type OutsideInstance = {
  /** The target's `instance` label, usually host:port. */
  address: string;
  job: string;
  version: string | null;
  /** What Prometheus' last scrape said. */
  state: "up" | "down" | "unknown";
  lastError: string | null;
  lastScrapeAt: string | null;
};

/** Targets outside the cluster with the same `namespace` and `service` labels: shown and charted, but not scaled. */
export type OutsideService = {
  /** namespace/name; the namespace is `outside` where the targets name none. */
  id: string;
  namespace: string;
  name: string;
  kind: string;
  instances: OutsideInstance[];
  health: Health;
  healthReason: string;
};

/** GET /api/outside. `problem` says why the list is older than it should be. */
export type OutsideAnswer = { services: OutsideService[]; at: string | null; problem: string | null };

/** What a node's host does, from node_exporter; null where there is no data. Ratios are between 0 and 1. */
export type HostFigures = {
  node: string;
  /** The exporter's `instance` label. */
  instance: string;
  cpuRatio: number | null;
  cores: number | null;
  load1: number | null;
  memoryBytes: number | null;
  memoryTotalBytes: number | null;
  receivedBytesPerSecond: number | null;
  sentBytesPerSecond: number | null;
  /** The fullest file system. */
  diskRatio: number | null;
  /** The busiest disk's share of time with something to do. */
  diskBusyRatio: number | null;
};

/** GET /api/hosts: the hosts of the cluster's nodes that Prometheus has figures of. */
export type HostsAnswer = { hosts: HostFigures[]; at: string | null; problem: string | null };
