import { randomUUID } from "node:crypto";
import { type Acknowledged, OperationRefused, RelayClient } from "#lib/protocol/relay-client.ts";
import { requestToken } from "#lib/protocol/relay-token-request.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { traceFields } from "#lib/runtime/trace.ts";
import { Convergence } from "./convergence.ts";
import { type Delivery, Ledger } from "./ledger.ts";
import type { ProbeMetrics } from "./metrics.ts";
import type { ObservedPath, Unsettled } from "./observations.ts";
import type { Probe } from "./probe.ts";

export type RelayProbeOptions = {
  /** Where the relay is, e.g. ws://relay:8081. */
  relayUrl: string;
  issuerUrl: string;
  /** Asked anew for every token, so that it may be renewed. */
  clientSecret: () => string;
  /** The number of clients; they work in pairs, so it is even. */
  clients: number;
  /** Operations a second, of all clients together. */
  rateHz: number;
  /** Each client takes a new connection this often, so that new instances are sampled. */
  reconnectSeconds: number;
  /** The address to dial from. */
  localAddress?: string;
  metrics: ProbeMetrics;
  logger: Logger;
};

type Verb = "insert" | "delete" | "format";
type Side = {
  client: RelayClient;
  partner: RelayClient;
  ledger: Ledger;
  convergence: Convergence;
  /** The connection that it has: since when, one that it left for another by itself included, and to which replica. */
  connection: { liveSince: number | undefined; replica: string };
  path: ObservedPath;
};

const target = "relay";
const operations = ["token", "connect", "insert", "delete", "format", "deliver", "converge"];
const timeoutMs = 10_000;
const settleIntervalMs = 1000;
const upWindowMs = 3000;
/** The close code of a connection whose other end is gone without a close frame. */
const brokenOff = 1006;
const maxTextLength = 600;
/** A client that has so many operations waiting makes no more of them; each turn counts as an error. */
const maxPending = 20;

/** Pairs of clients that edit a document each: measures acknowledgement and delivery, and keeps account of every operation. */
export class RelayProbe implements Probe {
  readonly name = target;
  readonly #options: RelayProbeOptions;
  readonly #sides: Side[] = [];
  #timers: NodeJS.Timeout[] = [];
  #writing: NodeJS.Timeout | undefined;
  #turn = 0;
  #lastSuccess = Number.NEGATIVE_INFINITY;
  #lastProblem = "";

  constructor(options: RelayProbeOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { metrics, clients, rateHz, reconnectSeconds } = this.#options;
    metrics.declare(target, operations);
    metrics.observations.setUnsettled(target, () => this.#unsettled());
    for (let pair = 0; pair < clients / 2; pair += 1) this.#addPair();
    const settle = setInterval(() => this.#settle(), settleIntervalMs);
    let next = 0;
    const reconnect = setInterval(
      () => {
        this.#sides[next % this.#sides.length]?.client.reconnect();
        next += 1;
      },
      (reconnectSeconds * 1000) / clients,
    );
    this.#timers = [settle, reconnect];
    this.setRate(rateHz);
  }

  /** Operations a second from now on, of all clients together. */
  setRate(hz: number): void {
    clearInterval(this.#writing);
    this.#writing = setInterval(() => this.#writeNext(), 1000 / hz);
    for (const { path } of this.#sides) path.setInterval(this.#pathIntervalMs(hz));
  }

  async stop(): Promise<void> {
    for (const timer of [...this.#timers, this.#writing]) clearInterval(timer);
    await Promise.all(this.#sides.map(({ client }) => client.stop()));
  }

  /** Clients write in turn. */
  #pathIntervalMs(hz: number): number {
    return (1000 * this.#options.clients) / hz;
  }

  #addPair(): void {
    const documentId = randomUUID();
    const [ledger, convergence] = [new Ledger(), new Convergence()];
    const [a, b] = [this.#createClient(documentId), this.#createClient(documentId)];
    for (const [client, partner] of [
      [a, b],
      [b, a],
    ] as const) {
      const connection = { liveSince: undefined, replica: "" };
      const { metrics, rateHz } = this.#options;
      const name = `client ${this.#sides.length + 1}`;
      const path = metrics.observations.path(target, name, this.#pathIntervalMs(rateHz));
      const side: Side = { client, partner, ledger, convergence, connection, path };
      this.#sides.push(side);
      this.#watch(side);
    }
    a.start();
    b.start();
  }

  #createClient(documentId: string): RelayClient {
    const { relayUrl, localAddress } = this.#options;
    return new RelayClient({
      url: relayUrl,
      documentId,
      localAddress,
      token: (traceparent) => this.#token(documentId, traceparent),
    });
  }

  async #token(documentId: string, traceparent: string): Promise<string> {
    const { issuerUrl, clientSecret, metrics } = this.#options;
    const startedAt = performance.now();
    try {
      const request = {
        subject: "prober",
        documents: { [documentId]: ["read", "write"] as ("read" | "write")[] },
        ttlSeconds: 600,
      };
      const token = await requestToken({ issuerUrl, clientSecret: clientSecret(), request, traceparent });
      metrics.request(target, "token", "ok", secondsSince(startedAt));
      return token;
    } catch (error) {
      metrics.request(target, "token", "error");
      throw error;
    }
  }

  #watch({ client, partner, ledger, convergence, connection }: Side): void {
    const { metrics, logger } = this.#options;
    client.on("connected", ({ tookMs, version, replica, traceparent }) => {
      connection.liveSince ??= performance.now();
      connection.replica = replica;
      metrics.request(target, "connect", "ok", tookMs / 1000);
      logger.debug({ ...traceFields(traceparent), version, tookMs }, "connected");
    });
    client.on("disconnected", ({ code, isOwn }) => {
      if (!isOwn) connection.liveSince = undefined;
      if (code === brokenOff && !isOwn) metrics.cut(target);
    });
    client.on("connectFailed", (error, traceparent) => {
      connection.liveSince = undefined;
      metrics.request(target, "connect", "error");
      this.#report(error, traceparent);
    });
    client.on("snapshot", ({ revision }) => {
      ledger.restarted(partner.clientId, revision, performance.now());
      convergence.restarted();
    });
    client.on("operation", ({ clientId, sequence, revision }) => {
      this.#converged(
        convergence.reached(revision, () => client.confirmed),
        revision,
      );
      if (clientId === partner.clientId) this.#delivered(ledger.arrived(clientId, sequence, performance.now()));
    });
  }

  #writeNext(): void {
    const side = this.#sides[this.#turn % this.#sides.length];
    this.#turn += 1;
    if (side) void this.#write(side);
  }

  async #write({ client, ledger, path }: Side): Promise<void> {
    const { metrics } = this.#options;
    if (client.pendingCount >= maxPending) {
      metrics.request(target, "insert", "error");
      path.failed(performance.now());
      return;
    }
    const madeAt = performance.now();
    const { verb, submitted } = edit(client);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      metrics.request(target, verb, "timeout");
      path.failed(madeAt);
    }, timeoutMs);
    try {
      const { sequence, revision } = await submitted;
      this.#lastSuccess = performance.now();
      if (!isLate) metrics.request(target, verb, "ok", secondsSince(madeAt));
      path.ok(madeAt);
      metrics.observations.acknowledged(target);
      this.#delivered(ledger.acknowledged(client.clientId, sequence, revision, madeAt, performance.now()));
    } catch (error) {
      if (error instanceof OperationRefused && error.code === "stopped") return;
      if (!isLate) {
        metrics.request(target, verb, "error");
        path.failed(madeAt);
      }
      this.#report(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #delivered(delivery: Delivery | undefined): void {
    if (!delivery) return;
    const isInTime = delivery.latencyMs <= timeoutMs;
    this.#options.metrics.request(
      target,
      "deliver",
      isInTime ? "ok" : "timeout",
      isInTime ? delivery.latencyMs / 1000 : undefined,
    );
  }

  #converged(isSame: boolean | undefined, revision: number): void {
    if (isSame === undefined) return;
    this.#options.metrics.request(target, "converge", isSame ? "ok" : "error");
    if (!isSame) this.#options.logger.error({ revision }, "two clients have different documents");
  }

  #settle(): void {
    const { metrics, logger } = this.#options;
    const now = performance.now();
    metrics.up(target, now - this.#lastSuccess < upWindowMs);
    const connected = this.#sides.filter(({ client }) => client.isLive);
    metrics.replicas(target, new Set(connected.map(({ connection }) => connection.replica)).size);
    for (const { client, partner, ledger, connection } of this.#sides) {
      const seen = { revision: client.revision, liveSince: client.isLive ? connection.liveSince : undefined };
      const { lost, duplicated, reordered } = ledger.settle(partner.clientId, seen, now, timeoutMs);
      metrics.observations.found(target, { losses: ledger.takeLosses(), duplicated, reordered });
      if (lost) metrics.lost(target, lost);
      if (duplicated) metrics.duplicated(target, duplicated);
      if (reordered) metrics.reordered(target, reordered);
      if (lost + duplicated + reordered > 0) logger.error({ lost, duplicated, reordered }, "the ledger does not add up");
    }
  }

  #unsettled(): Unsettled {
    const ledgers = [...new Set(this.#sides.map(({ ledger }) => ledger))].map((ledger) => ledger.unsettled());
    const oldest = ledgers.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]));
    const count = ledgers.reduce((sum, one) => sum + one.count, 0);
    return { count, oldestAt: oldest.length === 0 ? null : Math.min(...oldest) };
  }

  /** Says what is wrong once, not ten times a second. */
  #report(error: unknown, traceparent?: string): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#options.logger.warn({ ...traceFields(traceparent), problem }, "an operation on the relay failed");
  }
}

function edit(client: RelayClient): { verb: Verb; submitted: Promise<Acknowledged> } {
  const { length } = client.text;
  const position = Math.floor(Math.random() * (length + 1));
  if (length > maxTextLength) return { verb: "delete", submitted: client.delete(0, maxTextLength / 2) };
  const roll = Math.random();
  if (roll < 0.15 && length > 10) return { verb: "delete", submitted: client.delete(Math.min(position, length - 2), 2) };
  if (roll < 0.3 && length > 10)
    return { verb: "format", submitted: client.format(Math.min(position, length - 5), 5, { bold: roll < 0.2 }) };
  return { verb: "insert", submitted: client.insert(position, "probe ") };
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
