import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type DaemonProcess, HubFleet, readMetric } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { History } from "./history.ts";
import { HubTap } from "./hub-tap.ts";
import type { Case } from "./relay-cases.ts";
import type { Load } from "./relay-run.ts";

type Edge = Awaited<ReturnType<HubFleet["startEdge"]>>;
type Fault = (site: EdgeSite) => Promise<void>;
type Variant = { fault: Fault; isDurable?: boolean; bufferSize?: number; isControl?: boolean };

const instance = "e1";
const drainMs = 60_000;

const variants: Record<string, Variant> = {
  "edge: kill -9 of the edge, three times": {
    isDurable: true,
    fault: async (site) => {
      for (const _ of [1, 2, 3]) {
        await sleep(700 + Math.random() * 300);
        await site.killEdge();
      }
    },
  },
  "edge: kill -9 of the edge while the hub is away": {
    isDurable: true,
    fault: async (site) => {
      await site.killHub(async () => {
        await sleep(700);
        await site.killEdge();
      });
    },
  },
  "edge: network cut three times": {
    fault: async ({ proxy }) => {
      for (const cutMs of [50, 500, 2_000]) {
        proxy.cut();
        await sleep(cutMs);
        proxy.mend();
        await sleep(1_000);
      }
    },
  },
  "edge: resets in mid-frame": {
    fault: async ({ proxy }) => {
      proxy.faults = { resetAfterBytes: 30_000 };
      await sleep(5_000);
      proxy.faults = {};
      proxy.reset();
    },
  },
  "edge: slices of 7 bytes, 20 ms late": {
    fault: async ({ proxy }) => {
      proxy.faults = { sliceBytes: 7, latencyMs: 20 };
      await sleep(3_000);
      proxy.faults = {};
    },
  },
  "edge: an outage that overfills the buffer": {
    bufferSize: 200,
    fault: async ({ proxy }) => {
      proxy.cut();
      await sleep(4_000);
      proxy.mend();
    },
  },
  "control: kill -9 of an edge without a disk, the hub away": {
    isControl: true,
    fault: async (site) => {
      await site.killHub(async () => {
        await sleep(700);
        await site.killEdge();
      });
    },
  },
  "hub: kill -9, three times": {
    fault: async (site) => {
      for (const awayMs of [0, 500, 1_500]) {
        await sleep(500 + Math.random() * 300);
        await site.killHub(() => sleep(awayMs));
      }
    },
  },
  "hub: frozen past the heartbeat": {
    fault: async ({ hub }) => {
      hub.child.kill("SIGSTOP");
      await sleep(3_000);
      hub.child.kill("SIGCONT");
    },
  },
};

/** The cases of edge and hub; each has a hub and an edge of its own. */
export function edgeCases(load: Load): { cases: Case[]; stop: () => Promise<void> } {
  const cases = Object.entries(variants).map(([name, variant]) => ({
    name,
    isControl: variant.isControl ?? false,
    run: (history: History) => runOnEdge(history, load, variant),
  }));
  return { cases, stop: async () => {} };
}

/** Sensors, an edge, a network that can be made bad, and a hub with a connector. */
class EdgeSite {
  readonly fleet = new HubFleet();
  readonly proxy: FaultProxy;
  readonly #tap: HubTap;
  readonly #variant: Variant;
  #tapPort = 0;
  #proxyPort = 0;
  #hub: DaemonProcess | undefined;
  #edge: Edge | undefined;

  constructor(variant: Variant, onTaken: (value: unknown) => void) {
    this.#variant = variant;
    this.#tap = new HubTap({ certificate: this.fleet.certificate, hubPort: () => this.fleet.port, onTaken });
    this.proxy = new FaultProxy(() => ({ host: "127.0.0.1", port: this.#tapPort }));
  }

  async start(): Promise<void> {
    this.#hub = await this.fleet.startHub();
    this.#tapPort = await this.#tap.listen();
    this.#proxyPort = await this.proxy.listen();
    await this.#startEdge();
  }

  get hub(): DaemonProcess {
    if (!this.#hub) throw new Error("the hub was not started");
    return this.#hub;
  }

  get edge(): Edge {
    if (!this.#edge) throw new Error("the edge was not started");
    return this.#edge;
  }

  async killEdge(): Promise<void> {
    await this.edge.end("SIGKILL");
    await this.#startEdge();
  }

  async killHub(meanwhile: () => Promise<void>): Promise<void> {
    await this.hub.end("SIGKILL");
    await meanwhile();
    this.#hub = await this.fleet.startHub();
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    this.#tap.close();
    await this.proxy.close();
  }

  async #startEdge(): Promise<void> {
    const { isDurable, bufferSize = 1_000_000 } = this.#variant;
    this.#edge = await this.fleet.startEdge(instance, {
      HUB_ADDRESS: `127.0.0.1:${this.#proxyPort}`,
      EDGE_OFFLINE_BUFFER_SIZE: String(bufferSize),
      EDGE_CONNECTION_TIMEOUT_MS: "2000",
      ...(isDurable && { EDGE_BUFFER_DIR: `${this.fleet.folder}/buffer` }),
    });
  }
}

async function runOnEdge(history: History, load: Load, variant: Variant): Promise<void> {
  const site = new EdgeSite(variant, (value) => {
    const { producer, sequence } = value as { producer: string; sequence: number };
    history.add({ kind: "delivered", observer: "hub", producer, sequence });
  });
  let sensors: Sensor[] = [];
  try {
    await site.start();
    const perSecond = (load.perSecond * 4) / load.producers;
    sensors = Array.from({ length: load.producers }, (_, index) => new Sensor(`s${index}`, history, perSecond));
    const path = site.edge.socketPath;
    for (const sensor of sensors) sensor.start(path);
    await sleep(1_000);
    await variant.fault(site);
    await sleep(1_500);
    await Promise.all(sensors.map((sensor) => sensor.finish()));
    await eventually(async () => (await readMetric(site.edge.healthPort, "edge_buffer_depth")) === 0, drainMs);
    const dropped = (await readMetric(site.edge.healthPort, "edge_dropped_total")) ?? 0;
    if (dropped > 0) history.add({ kind: "dropped", count: dropped });
  } finally {
    for (const sensor of sensors) sensor.destroy();
    await site.stop();
  }
}

/** Writes numbered readings to the local socket, and connects again when the edge was gone. What was not answered is not sent again. */
class Sensor {
  readonly #name: string;
  readonly #history: History;
  readonly #perSecond: number;
  readonly #waiting = new Set<number>();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #isOver = false;

  constructor(name: string, history: History, perSecond: number) {
    this.#name = name;
    this.#history = history;
    this.#perSecond = perSecond;
  }

  start(path: string): void {
    this.#dial(path);
    this.#timer = setInterval(() => this.#write(), 1000 / this.#perSecond);
  }

  /** Stops writing, and waits for the answers to what this connection has carried. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await eventually(() => this.#waiting.size === 0);
  }

  destroy(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#socket?.destroy();
  }

  #dial(path: string): void {
    const socket = connect(path).on("error", () => {});
    this.#socket = socket;
    createInterface(socket)
      .on("error", () => {})
      .on("line", (line) => this.#answered(JSON.parse(line)));
    socket.on("close", () => {
      this.#waiting.clear();
      if (!this.#isOver) setTimeout(() => this.#dial(path), 100);
    });
  }

  #write(): void {
    if (this.#socket?.readyState !== "open") return;
    this.#sequence += 1;
    const message = { producer: this.#name, sequence: this.#sequence };
    this.#history.add({ kind: "sent", ...message });
    this.#waiting.add(this.#sequence);
    this.#socket.write(`${JSON.stringify({ id: this.#sequence, sensor: this.#name, value: message })}\n`);
  }

  #answered(answer: { ack?: number; id?: number; error?: string }): void {
    const sequence = answer.ack ?? answer.id ?? 0;
    this.#waiting.delete(sequence);
    const kind = answer.ack === undefined ? "refused" : "acknowledged";
    this.#history.add({ kind, producer: this.#name, sequence });
  }
}
