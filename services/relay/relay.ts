import type { AddressInfo } from "node:net";
import type { Pool } from "pg";
import { maxMessageBytes } from "#lib/protocol/relay-messages.ts";
import { createFaults } from "#lib/runtime/faults.ts";
import type { Answer } from "#lib/runtime/health-server.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { TokenVerifier } from "./auth.ts";
import { ClientClaims } from "./client-claims.ts";
import { Committer } from "./committer.ts";
import type { RelayEnv } from "./env.ts";
import { Fanout } from "./fanout.ts";
import { Gateway } from "./gateway.ts";
import { RelayMetrics } from "./metrics.ts";
import { migrate } from "./migrate.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { Readiness } from "./readiness.ts";
import { Rooms } from "./rooms.ts";
import { DocumentStore } from "./store.ts";

const drainMs = 30_000;
const burstSeconds = 2;
/** After a replica has died its clients come all at once, maybe from the one address of a proxy. */
const upgradeBurstSeconds = 5;

/** One replica of the relay: its parts and how they hang together. */
export class Relay {
  readonly #env: RelayEnv;
  readonly #logger: Logger;
  readonly #metrics: RelayMetrics;
  readonly #verifier: TokenVerifier;
  readonly #fanout: Fanout;
  readonly #rooms: Rooms;
  readonly #committer: Committer;
  readonly #gateway: Gateway;
  readonly #migration: Loop;
  #isMigrated = false;

  constructor({
    env,
    pool,
    replica,
    loggerFor,
  }: {
    env: RelayEnv;
    pool: Pool;
    replica: string;
    loggerFor: (target: string) => Logger;
  }) {
    this.#env = env;
    this.#logger = loggerFor("relay::main");
    const store = new DocumentStore(pool);
    const claims = new ClientClaims(pool);
    this.#metrics = new RelayMetrics(() => this.#gateway.connectionsByDocument());
    this.#verifier = new TokenVerifier({
      url: env.JWT_PUBLIC_KEY_URL,
      cacheTtlSeconds: env.PERMISSION_CACHE_TTL,
      logger: loggerFor("relay::auth"),
    });
    this.#fanout = new Fanout({
      url: env.REDIS_URL,
      replica,
      logger: loggerFor("relay::fanout"),
      onMessage: (documentId, message) => this.#rooms.received(documentId, message),
    });
    this.#rooms = new Rooms({
      store,
      fanout: this.#fanout,
      metrics: this.#metrics,
      historyTtlMs: env.OPERATION_HISTORY_TTL * 1000,
      presenceIntervalMs: env.CURSOR_THROTTLE_MS,
      logger: loggerFor("relay::rooms"),
    });
    this.#committer = new Committer({
      commit: (submissions) => store.commit(submissions, this.#rooms),
      onCommitted: (documents) => this.#rooms.committed(documents),
      batchSize: env.OPERATION_BATCH_SIZE,
      windowMs: env.RELAY_COMMIT_WINDOW_MS,
      maxQueuedOperations: 10_000,
      maxQueuedCharacters: 32 * 1024 * 1024,
      gate: { opens: (waitMs) => this.#fanout.opens(waitMs), patienceMs: env.RELAY_REDIS_PATIENCE_MS },
      patienceMs: 10_000,
      logger: loggerFor("relay::commit"),
    });
    const readiness = new Readiness(
      {
        database: async () => {
          if (!this.#isMigrated) throw new Error("the schema is not there yet");
          await store.ping();
        },
        redis: () => this.#fanout.ping(),
        jwt_keys: async () => {
          if (!this.#verifier.hasKeys) throw new Error("no keys yet");
        },
      },
      () => this.#gateway.isDraining,
    );
    this.#gateway = new Gateway({
      handlers: { "/health": () => this.#health(), "/ready": () => readiness.answer() },
      verifier: this.#verifier,
      context: {
        rooms: this.#rooms,
        store,
        metrics: this.#metrics,
        faults: createFaults({ latencyMs: env.FAULT_LATENCY_MS, errorRatio: env.FAULT_ERROR_RATIO }),
        logger: loggerFor("relay::session"),
        submit: (submission) => this.#committer.submit(submission),
        claim: (claim) => claims.claim(claim),
        replica,
        version: env.RELAY_VERSION,
        rates: {
          connection: { perSecond: env.RELAY_CONNECTION_MESSAGES_PER_SECOND, burstSeconds },
          user: new RateLimiter({ perSecond: env.RELAY_USER_MESSAGES_PER_SECOND, burstSeconds }),
        },
        limits: {
          joinTimeoutMs: 10_000,
          maxBufferedBytes: 1024 * 1024,
          heartbeatIntervalMs: env.HEARTBEAT_INTERVAL_SECS * 1000,
          heartbeatTimeoutMs: env.HEARTBEAT_TIMEOUT_SECS * 1000,
          cursorThrottleMs: env.CURSOR_THROTTLE_MS,
          typingDebounceMs: env.TYPING_DEBOUNCE_MS,
        },
      },
      upgradeRate: new RateLimiter({ perSecond: env.RELAY_UPGRADES_PER_SECOND, burstSeconds: upgradeBurstSeconds }),
      limits: {
        maxConnections: env.MAX_CONNECTIONS,
        maxConnectionsPerUser: env.RELAY_USER_CONNECTIONS,
        maxMessageBytes,
        headersTimeoutMs: 5000,
      },
    });
    this.#migration = new Loop({
      name: "migrate",
      intervalMs: 1000,
      logger: this.#logger,
      pass: async () => {
        // A database that was replaced by an empty one gets the schema again.
        if (this.#isMigrated && (await store.hasSchema())) return;
        this.#isMigrated = false;
        const applied = await migrate(pool);
        this.#isMigrated = true;
        this.#logger.info({ applied }, "the schema is there");
      },
    });
  }

  /** Listens at once; /ready answers 503 until PostgreSQL, Redis and the keys are there. */
  async start(): Promise<AddressInfo> {
    this.#fanout.start();
    this.#verifier.start();
    this.#migration.start();
    this.#rooms.start();
    return this.#gateway.listen(this.#env.BIND_ADDRESS.host, this.#env.BIND_ADDRESS.port);
  }

  async stop(): Promise<void> {
    await this.#gateway.drain(drainMs);
    await this.#committer.flush();
    await Promise.all([this.#rooms.stop(), this.#verifier.stop(), this.#migration.stop()]);
    this.#fanout.stop();
    await this.#gateway.stop();
  }

  async metricsAnswer(): Promise<Answer> {
    const { registry } = this.#metrics;
    return { status: 200, body: await registry.metrics(), contentType: registry.contentType };
  }

  #health(): Answer {
    return {
      status: 200,
      body: {
        status: "healthy",
        version: this.#env.RELAY_VERSION,
        uptime_seconds: Math.floor(process.uptime()),
        active_connections: this.#gateway.connectionCount,
        active_documents: this.#rooms.count,
      },
    };
  }
}
