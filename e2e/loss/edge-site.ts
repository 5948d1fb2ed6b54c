import { join } from "node:path";
import { type DaemonProcess, HubFleet, readMetric } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { HubTap } from "./hub-tap.ts";
import { ScratchRedis } from "./scratch-redis.ts";

type Variables = Record<string, string>;
type Edge = Awaited<ReturnType<HubFleet["startEdge"]>>;
type Hub = { process: DaemonProcess; port: number; healthPort: number };

export type SiteSettings = {
  /** How many hubs share the Redis; 1 by default. */
  hubs?: number;
  /** Whether the hub keeps its state in a Redis; without one it is in its memory. */
  hasRedis?: boolean;
  hub?: Variables;
  /** Whether the edges' hub is a regional one, which passes on to the hubs behind the tap. */
  isRegional?: boolean;
  /** One edge for each; one with the defaults of the site by default. */
  edges?: Variables[];
  /** What the tap shows to the hub, and what edges must show to the tap. */
  clientCertificate?: () => { cert: string; key: string };
  clientAuthorities?: string;
};

const drainMs = 60_000;

/** Edges, a network that can be made bad, a tap, and hubs with or without a Redis; between network and tap maybe a regional hub. */
export class EdgeSite {
  readonly fleet = new HubFleet();
  readonly network: FaultProxy;
  /** From the regional hub to the tap. */
  readonly uplink = new FaultProxy(() => ({ host: "127.0.0.1", port: this.#tapPort }));
  readonly tap: HubTap;
  /** Whether the network leads to the hub itself: the tap sees nothing of that. */
  isPastTap = false;
  readonly edges: Edge[] = [];
  readonly hubs: Hub[] = [];
  readonly #away = new Set<Hub>();
  readonly #settings: SiteSettings;
  #redis: ScratchRedis | undefined;
  #regional: Hub | undefined;
  #tapPort = 0;
  #uplinkPort = 0;
  #networkPort = 0;
  #turn = 0;

  constructor(settings: SiteSettings, onTaken: (value: unknown) => void) {
    const { certificate } = this.fleet;
    const { clientCertificate, clientAuthorities } = settings;
    this.#settings = settings;
    this.tap = new HubTap({
      certificate,
      hubPort: () => this.#nextHub(),
      onTaken,
      ...(clientCertificate && { clientCertificate }),
      ...(clientAuthorities && { clientAuthorities }),
    });
    const port = () => (this.isPastTap ? this.hub.port : (this.#regional?.port ?? this.#tapPort));
    this.network = new FaultProxy(() => ({ host: "127.0.0.1", port: port() }));
  }

  async start(): Promise<void> {
    const { hubs = 1, hasRedis = false, isRegional = false, edges = [{}] } = this.#settings;
    if (hasRedis) this.#redis = await ScratchRedis.start();
    this.#tapPort = await this.tap.listen();
    this.#networkPort = await this.network.listen();
    for (let index = 0; index < hubs; index += 1) await this.#startHub(index);
    if (isRegional) {
      this.#uplinkPort = await this.uplink.listen();
      await this.#startRegional();
    }
    for (const index of edges.keys()) await this.startEdge(index);
  }

  get hasRedis(): boolean {
    return this.#redis !== undefined;
  }

  get redis(): ScratchRedis {
    if (!this.#redis) throw new Error("this site has no Redis");
    return this.#redis;
  }

  get hub(): Hub {
    const [hub] = this.hubs;
    if (!hub) throw new Error("the hub was not started");
    return hub;
  }

  get edge(): Edge {
    const [edge] = this.edges;
    if (!edge) throw new Error("the edge was not started");
    return edge;
  }

  async startEdge(index = 0, more: Variables = {}): Promise<void> {
    this.edges[index] = await this.fleet.startEdge(`e${index + 1}`, {
      HUB_ADDRESS: `127.0.0.1:${this.#networkPort}`,
      EDGE_CONNECTION_TIMEOUT_MS: "2000",
      ...this.#settings.edges?.[index],
      ...more,
    });
  }

  async killEdge(index = 0): Promise<void> {
    await this.edges[index]?.end("SIGKILL");
    await this.startEdge(index);
  }

  /** kill -9; it is started again when `meanwhile` is done. */
  async killHub(meanwhile: () => Promise<void>, index = 0): Promise<void> {
    const hub = this.hubs[index];
    if (!hub) throw new Error(`there is no hub ${index}`);
    this.#away.add(hub);
    await hub.process.end("SIGKILL");
    await meanwhile();
    await this.#startHub(index);
  }

  /** kill -9 of the regional hub, which keeps nothing. */
  async killRegional(meanwhile: () => Promise<void>): Promise<void> {
    await this.#regional?.process.end("SIGKILL");
    await meanwhile();
    await this.#startRegional();
  }

  /** No edge is connected, so that nothing is on its way. */
  async untilCutOff(): Promise<void> {
    await eventually(async () => (await this.metric("edge_hub_connected")) === 0);
  }

  /** Every reading that an edge has kept is acknowledged by a hub. */
  async untilDrained(): Promise<void> {
    for (const { healthPort } of this.edges) {
      await eventually(async () => (await readMetric(healthPort, "edge_buffer_depth")) === 0, drainMs);
    }
  }

  /** A sample of the first edge. */
  async metric(sample: string): Promise<number> {
    return (await readMetric(this.edge.healthPort, sample)) ?? Number.NaN;
  }

  async dropped(): Promise<number> {
    const counts = this.edges.map(async ({ healthPort }) => (await readMetric(healthPort, "edge_dropped_total")) ?? 0);
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    this.tap.close();
    await this.network.close();
    if (this.#regional) await this.uplink.close();
    await this.#redis?.stop();
  }

  async #startHub(index: number): Promise<void> {
    const { port = 0, healthPort = 0 } = this.hubs[index] ?? {};
    Object.assign(this.fleet, { port, healthPort });
    const process = await this.fleet.startHub({ ...(this.#redis && { REDIS_URL: this.#redis.url }), ...this.#settings.hub });
    this.hubs[index] = { process, port: this.fleet.port, healthPort: this.fleet.healthPort };
  }

  async #startRegional(): Promise<void> {
    const { port = 0, healthPort = 0 } = this.#regional ?? {};
    Object.assign(this.fleet, { port, healthPort });
    const process = await this.fleet.startHub({
      HUB_NAME: "regional",
      HUB_UPSTREAM_ADDRESS: `127.0.0.1:${this.#uplinkPort}`,
      HUB_UPSTREAM_AUTH_TOKEN: this.fleet.token,
      HUB_UPSTREAM_CA_FILE: join(this.fleet.folder, "ca.pem"),
      HUB_UPSTREAM_TIMEOUT_MS: "2000",
    });
    this.#regional = { process, port: this.fleet.port, healthPort: this.fleet.healthPort };
  }

  /** In turn, of those that are there. */
  #nextHub(): number {
    const there = this.hubs.filter((hub) => !this.#away.has(hub));
    this.#turn += 1;
    return (there[this.#turn % there.length] ?? this.hubs[0])?.port ?? 0;
  }
}
