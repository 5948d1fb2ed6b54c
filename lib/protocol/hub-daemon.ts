import { readFileSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { z } from "zod";
import { EnvError, exitConfig } from "#lib/runtime/env.ts";
import { HealthServer } from "#lib/runtime/health-server.ts";
import type { Logger } from "#lib/runtime/logger.ts";

/*
 * What hub, edge and connector are alike in as processes: secrets from files, the log filter of the guides, the metrics of the
 * network-protocol guide, the health endpoints and the health subcommand.
 */

type Variables = Record<string, string | undefined>;

/**
 * Sets each NAME that is not set from the file that NAME_FILE names, without its last line break. A file that cannot be read is
 * left to `readableFile` in the schema, which names it beside the other bad variables.
 */
export function readSecretFiles(source: Variables, names: string[]): Variables {
  const filled = { ...source };
  for (const name of names) {
    const path = source[`${name}_FILE`];
    if (source[name] || !path) continue;
    try {
      filled[name] = readFileSync(path, "utf8").trimEnd();
    } catch {
      filled[name] = undefined;
    }
  }
  return filled;
}

/** The path of a file that can be read now. */
export function readableFile() {
  return fileText((path) => {
    readFileSync(path);
    return path;
  }, "wants a file that can be read");
}

/** A PEM file, as its text. */
export function pemFile() {
  return fileText((path) => {
    const text = readFileSync(path, "utf8");
    if (!text.includes("-----BEGIN ")) throw new Error("it holds no PEM block");
    return text;
  }, "wants a PEM file");
}

function fileText(read: (path: string) => string, wanted: string) {
  return z.string(wanted).transform((path, context) => {
    try {
      return read(path);
    } catch (error) {
      context.addIssue({ code: "custom", message: `${wanted} (${describe(error)})` });
      return z.NEVER;
    }
  });
}

/** Runs what builds the configuration; on EnvError prints a line for each bad variable and ends the process with exit code 78. */
export function configureOrExit<T>(build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}

const levels: Record<string, string> = { off: "silent" };

/** A RUST_LOG filter such as "info" or "warn,my_connector=debug" as a log level: its first part without a target, else info. */
export function rustLogLevel() {
  const wanted = "wants a filter such as info or warn,scanner=debug (trace, debug, info, warn, error, off)";
  return z.string(wanted).transform((text, context) => {
    const parts = text.split(",").map((part) => part.trim().toLowerCase());
    const known = (part: string) => /^(trace|debug|info|warn|error|off)$/.test(part.slice(part.indexOf("=") + 1));
    if (parts.every(known)) {
      const level = parts.find((part) => !part.includes("=")) ?? "info";
      return levels[level] ?? level;
    }
    context.addIssue({ code: "custom", message: wanted });
    return z.NEVER;
  });
}

/** Says that variables of the guides' Rust runtime are known here but have no effect. */
export function reportUnusedVariables(source: Variables, logger: Logger): void {
  for (const name of ["TOKIO_WORKER_THREADS", "RUST_BACKTRACE"]) {
    if (source[name]) logger.info({ variable: name, value: source[name] }, "this variable is accepted and has no effect here");
  }
}

/** The metrics of the network-protocol guide, under its names, and the process's own. */
export class DaemonMetrics {
  readonly registry = new Registry();
  readonly handshakes = this.counter("handshakes_total", "Handshakes that succeeded");
  readonly #sent = this.counter("messages_sent", "Messages sent to peers");
  readonly #received = this.counter("messages_received", "Messages received from peers");
  readonly #messages = this.counter("messages_total", "Messages sent and received");
  readonly errors = this.counter("errors_total", "Requests that failed and connections that ended by an error");
  readonly connections = this.gauge("connections_active", "Connections to peers that are open now");
  readonly requestSeconds = new Histogram({
    name: "request_duration_seconds",
    help: "Time from a request to its answer",
    labelNames: ["operation"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.registry],
  });

  constructor(service: string, version: string) {
    collectDefaultMetrics({ register: this.registry });
    const info = this.gauge("service_build_info", "Always 1; which software this is", ["service", "version"]);
    info.set({ service, version }, 1);
  }

  counter<L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  readonly countSent = (): void => {
    this.#sent.inc();
    this.#messages.inc();
  };

  readonly countReceived = (): void => {
    this.#received.inc();
    this.#messages.inc();
  };
}

export type HealthOptions = {
  registry: Registry;
  isReady: () => boolean;
  /** What /ready answers while ready: READY or Ready, as the daemon's guide has it. */
  readyBody: string;
  logger: Logger;
};

/** /health (OK), /ready (the guide's word, or 503 NOT_READY) and /metrics. */
export function createHealthServer({ registry, isReady, readyBody, logger }: HealthOptions): HealthServer {
  return new HealthServer(
    {
      "/health": () => ({ status: 200, body: "OK" }),
      "/ready": () => (isReady() ? { status: 200, body: readyBody } : { status: 503, body: "NOT_READY" }),
      "/metrics": async () => ({ status: 200, body: await registry.metrics(), contentType: registry.contentType }),
    },
    (error) => logger.error({ err: error }, "a health endpoint failed"),
  );
}

/** The `health` subcommand, for container health checks: asks /health of the running daemon, says what it heard, exits 0 or 1. */
export async function runHealthCommand({ host, port }: { host: string; port: number }): Promise<never> {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${reachable}:${port}/health`, { signal: AbortSignal.timeout(5_000) });
    process.stdout.write(`${answer.status} ${(await answer.text()).slice(0, 200)}\n`);
    process.exit(answer.ok ? 0 : 1);
  } catch (error) {
    process.stdout.write(`no answer from ${reachable}:${port}: ${describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
