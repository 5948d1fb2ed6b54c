import { randomUUID } from "node:crypto";
import { Breaker } from "#lib/protocol/breaker.ts";
import { packReadings } from "#lib/protocol/hub-batch.ts";
import type { HubTls } from "#lib/protocol/hub-client.ts";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { createHubPool, type HubPool, type PooledClient } from "#lib/protocol/hub-pool.ts";
import { countPorts, parsePorts } from "#lib/protocol/hub-ports.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { ProbeMetrics } from "./metrics.ts";
import type { Probe } from "./probe.ts";

export type HubProbeOptions = {
  hub: { host: string; port: number };
  token: string;
  tls: HubTls;
  /** The tenant whose connectors do the scans. */
  tenant: string;
  instance: string;
  version: string;
  localAddress?: string | undefined;
  metrics: ProbeMetrics;
  logger: Logger;
  scanIntervalMs?: number;
  messageIntervalMs?: number;
  /** Every so many scans one has a name and is asked for twice: a hub has it done once. 30 by default, for hubs keep such results. */
  namedEvery?: number;
  /** A scan or message without an answer for this long counts as a timeout. */
  timeoutMs?: number;
  /** Each connection is replaced this often, so that every hub behind the address is seen, also one that came later. */
  reconnectSeconds: number;
};

const target = "hub";

/** Scans and messages go side by side. */
const connections = 2;

/** A scan or message that gets no connection for so long has failed. */
const connectionTimeoutMs = 1_000;

/**
 * A synthetic client of the hub: has connectors scan the hub's own port and its neighbours and checks the result against what it
 * knows, and sends numbered messages as an edge does, each until it is acknowledged.
 */
export class HubProbe implements Probe {
  readonly name = target;
  readonly #options: HubProbeOptions;
  readonly #pool: HubPool;
  readonly #loops: Loop[];
  readonly #stream = randomUUID();
  #patience: NodeJS.Timeout | undefined;
  #scans = 0;
  #sequence = 1;
  #isRepeated = false;
  #works = { scan: false, message: false };

  constructor(options: HubProbeOptions) {
    const {
      hub,
      token,
      tls,
      tenant,
      instance,
      version,
      localAddress,
      reconnectSeconds,
      logger,
      scanIntervalMs = 1_000,
      messageIntervalMs = 500,
    } = options;
    this.#options = options;
    this.#pool = createHubPool(
      {
        hubs: [hub],
        hello: { role: "client", tenant, instance, version, token: () => token },
        tls,
        localAddress,
        // A probe must see the hub come back at once, so its breaker never opens.
        breaker: new Breaker({ failures: Number.POSITIVE_INFINITY }),
        backoff: { initialMs: 100, maxMs: 1_000 },
        logger,
        onConnect: () => this.#startLoops(),
      },
      { min: connections, max: connections, lifetimeMs: reconnectSeconds * 1_000, acquireTimeoutMs: connectionTimeoutMs },
    );
    const scan = () => this.#probe("scan", (client) => this.#scan(client));
    const send = () => this.#probe("message", (client) => this.#send(client));
    this.#loops = [
      new Loop({ name: "hub scans", intervalMs: scanIntervalMs, pass: scan, logger }),
      new Loop({ name: "hub messages", intervalMs: messageIntervalMs, pass: send, logger }),
    ];
  }

  async start(): Promise<void> {
    this.#options.metrics.declare(target, ["scan", "message"]);
    this.#pool.start();
    this.#patience = setTimeout(() => this.#startLoops(), 2_000);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#patience);
    const loops = this.#loops.map((loop) => loop.stop());
    await this.#pool.stop();
    await Promise.all(loops);
  }

  /** The time that the first connection takes is no failure of the hub; a hub that stays away for longer is. */
  #startLoops(): void {
    clearTimeout(this.#patience);
    for (const loop of this.#loops) loop.start();
  }

  async #probe(operation: "scan" | "message", run: (client: PooledClient) => Promise<void>): Promise<void> {
    const { metrics, logger } = this.#options;
    try {
      await this.#pool.use(async (client) => {
        const startedAt = performance.now();
        await run(client);
        metrics.request(target, operation, "ok", (performance.now() - startedAt) / 1000);
      });
      this.#works[operation] = true;
    } catch (error) {
      const isTimeout = error instanceof HubError && error.code === "timeout";
      metrics.request(target, operation, isTimeout ? "timeout" : "error");
      if (this.#works[operation]) logger.warn({ operation, reason: String(error) }, "an operation of the hub probe failed");
      this.#works[operation] = false;
    }
    metrics.up(target, this.#works.scan && this.#works.message);
  }

  async #scan(client: PooledClient): Promise<void> {
    const { hub, metrics, namedEvery = 30, timeoutMs = 5_000 } = this.#options;
    const ports = `${Math.max(1, hub.port - 3)}-${Math.min(65_535, hub.port + 3)}`;
    const scan = { target: hub.host, ports, timeoutMs, portTimeoutMs: Math.min(1_000, timeoutMs) };
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

  async #send(client: PooledClient): Promise<void> {
    const { metrics, timeoutMs = 5_000 } = this.#options;
    const sequence = this.#sequence;
    const wasSent = this.#isRepeated;
    const readings = packReadings([{ sensor: "probe", atMs: Date.now(), value: String(sequence) }]);
    this.#isRepeated = client.isConnected || wasSent;
    const body = { stream: this.#stream, first: sequence, readings };
    const answer = await client.request({ name: "batch", body }, { timeoutMs });
    if (answer.name !== "ack") throw new Error(`the hub answered a message with ${answer.name}`);
    if (answer.body.sequence !== sequence) throw new Error(`the hub acknowledged ${answer.body.sequence} instead of ${sequence}`);
    if (answer.body.duplicates > 0 && !wasSent) metrics.duplicated(target);
    this.#sequence += 1;
    this.#isRepeated = false;
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
