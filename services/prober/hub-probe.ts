import { randomUUID } from "node:crypto";
import { Breaker } from "#lib/protocol/breaker.ts";
import type { HubTls } from "#lib/protocol/hub-client.ts";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { createHubPool, type HubPool, type PooledClient } from "#lib/protocol/hub-pool.ts";
import { countPorts, parsePorts } from "#lib/protocol/hub-ports.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { createTraceparent, traceFields } from "#lib/runtime/trace.ts";
import { EdgeEntry, SensorEntry } from "./message-entry.ts";
import { MessageProbe } from "./message-probe.ts";
import type { ProbeMetrics } from "./metrics.ts";
import type { ObservedPath } from "./observations.ts";
import type { Probe } from "./probe.ts";
import type { StoredReadings } from "./stored-readings.ts";

export type HubProbeOptions = {
  hub: { host: string; port: number };
  /** Asked anew for every connection, so that they may be renewed. */
  token: () => string;
  tls: () => HubTls;
  /** The tenant whose connectors do the scans. */
  tenant: string;
  instance: string;
  version: string;
  localAddress?: string | undefined;
  metrics: ProbeMetrics;
  logger: Logger;
  /** Of a sensor of an edge, by which messages go in; without it they go in as an edge's. */
  sensorSocket?: string | undefined;
  /** Where messages are read back. */
  stored?: StoredReadings | undefined;
  /** Scans and messages a second, at most: the next one waits for the outcome of this one. */
  scanHz: number;
  messageHz: number;
  /** Every so many scans one has a name and is asked for twice: a hub has it done once. 30 by default, for hubs keep such results. */
  namedEvery?: number;
  /** A scan or message without an answer for this long counts as a timeout. */
  timeoutMs?: number;
  /** Each connection is replaced this often, so that every hub behind the address is seen, also one that came later. */
  reconnectSeconds: number;
};

const target = "hub";

/** A scan or message that gets no connection for so long has failed. */
const connectionTimeoutMs = 1_000;

/**
 * A synthetic client of the hub: has connectors scan the hub's own port and its neighbours and checks the result against what it
 * knows, and sends messages through to the hub's store (MessageProbe).
 */
export class HubProbe implements Probe {
  readonly name = target;
  readonly #options: HubProbeOptions;
  readonly #pool: HubPool;
  /** Of the connection by which messages go in where there is no socket for sensors. */
  readonly #edgePool: HubPool;
  readonly #scanning: Loop;
  readonly #messages: MessageProbe;
  readonly #stream = randomUUID();
  readonly #works: Map<string, boolean>;
  readonly #path: ObservedPath;
  #patience: NodeJS.Timeout | undefined;
  #scans = 0;

  constructor(options: HubProbeOptions) {
    const { tenant, metrics, logger, sensorSocket, stored, scanHz, messageHz: rateHz, timeoutMs = 5_000 } = options;
    this.#options = options;
    this.#works = new Map((stored ? ["scan", "message", "read"] : ["scan", "message"]).map((operation) => [operation, false]));
    this.#path = metrics.observations.path(target, "scan", 1000 / scanHz);
    this.#pool = this.#createPool("client", () => this.#startLoops());
    const onDoubled = () => metrics.duplicated(target);
    this.#edgePool = this.#createPool("edge", () => {});
    const entry = sensorSocket ? new SensorEntry(sensorSocket) : new EdgeEntry(this.#edgePool, onDoubled);
    const onOutcome = (operation: string, isOk: boolean) => this.#outcome(operation, isOk);
    this.#messages = new MessageProbe({ entry, stored, tenant, rateHz, timeoutMs, metrics, logger, onOutcome });
    this.#scanning = new Loop({ name: "hub scans", intervalMs: 1000 / scanHz, pass: () => this.#tryScan(), logger });
  }

  async start(): Promise<void> {
    this.#options.metrics.declare(target, ["scan", ...this.#messages.operations]);
    this.#pool.start();
    if (!this.#options.sensorSocket) this.#edgePool.start();
    this.#patience = setTimeout(() => this.#startLoops(), 2_000);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#patience);
    const loop = this.#scanning.stop();
    await Promise.all([this.#pool.stop(), this.#messages.stop()]);
    await loop;
  }

  /** One connection, which is replaced every so often, for this role. */
  #createPool(role: "client" | "edge", onConnect: () => void): HubPool {
    const { hub, token, tls, tenant, instance, version, localAddress, reconnectSeconds, logger } = this.#options;
    return createHubPool(
      {
        hubs: [hub],
        hello: { role, tenant, instance, version, token },
        tls,
        localAddress,
        // A probe must see the hub come back at once, so its breaker never opens.
        breaker: new Breaker({ failures: Number.POSITIVE_INFINITY }),
        backoff: { initialMs: 100, maxMs: 1_000 },
        logger,
        onConnect,
      },
      { min: 1, max: 1, lifetimeMs: reconnectSeconds * 1_000, acquireTimeoutMs: connectionTimeoutMs },
    );
  }

  /** The time that the first connection takes is no failure of the hub; a hub that stays away for longer is. */
  #startLoops(): void {
    clearTimeout(this.#patience);
    this.#scanning.start();
    this.#messages.start();
  }

  #outcome(operation: string, isOk: boolean): void {
    this.#works.set(operation, isOk);
    this.#options.metrics.up(target, [...this.#works.values()].every(Boolean));
  }

  async #tryScan(): Promise<void> {
    const { metrics, logger } = this.#options;
    const traceparent = createTraceparent();
    const madeAt = performance.now();
    try {
      await this.#pool.use(async (client) => {
        const startedAt = performance.now();
        await this.#scan(client, traceparent);
        metrics.request(target, "scan", "ok", (performance.now() - startedAt) / 1000);
      });
      this.#path.ok(madeAt);
      this.#outcome("scan", true);
    } catch (error) {
      const isTimeout = error instanceof HubError && error.code === "timeout";
      metrics.request(target, "scan", isTimeout ? "timeout" : "error");
      this.#path.failed(madeAt);
      const found = { ...traceFields(traceparent), operation: "scan", reason: String(error) };
      if (this.#works.get("scan")) logger.warn(found, "an operation of the hub probe failed");
      this.#outcome("scan", false);
    }
  }

  async #scan(client: PooledClient, traceparent: string): Promise<void> {
    const { hub, metrics, namedEvery = 30, timeoutMs = 5_000 } = this.#options;
    const ports = `${Math.max(1, hub.port - 3)}-${Math.min(65_535, hub.port + 3)}`;
    const scan = { target: hub.host, ports, traceparent, timeoutMs, portTimeoutMs: Math.min(1_000, timeoutMs) };
    const ask = async (body: HubBody<"scan">) => {
      const answer = await client.request({ name: "scan", body }, { timeoutMs: timeoutMs + 2_000 });
      if (answer.name !== "result") throw new Error(`the hub answered a scan with ${answer.name}`);
      return answer.body;
    };
    this.#scans += 1;
    const isNamed = this.#scans % namedEvery === 0;
    const body = isNamed ? { ...scan, job: `${this.#stream}/${this.#scans}` } : scan;
    const result = await ask(body);
    const falsehood = findFalsehood(result, hub.port, ports);
    if (falsehood) throw new Error(`the result of a scan is not true: ${falsehood}`);
    if (isNamed && !isSameScan(result, await ask(body))) metrics.duplicated(target);
  }
}

/** What is wrong with a result, given that the hub's own port is open; undefined when nothing is. */
export function findFalsehood(result: HubBody<"result">, openPort: number, ports: string): string | undefined {
  const count = (list: string) => (list === "" ? 0 : countPorts(parsePorts(list)));
  const answered = result.open.length + count(result.closed) + count(result.filtered) + count(result.unknown);
  const asked = count(ports);
  if (answered !== asked) return `it speaks of ${answered} ports instead of ${asked}`;
  if (!result.open.some(({ port }) => port === openPort)) return `port ${openPort} is open and is not among the open ones`;
  if (result.unknown !== "") return `ports ${result.unknown} are unknown`;
  return undefined;
}

/** Whether two results are of one scan: whoever asks again for a job gets the result that there is. */
export function isSameScan(one: HubBody<"result">, other: HubBody<"result">): boolean {
  return one.connector === other.connector && one.startedAt === other.startedAt && one.durationMs === other.durationMs;
}
