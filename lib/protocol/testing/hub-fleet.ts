import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { createSelfSignedCertificate } from "#lib/runtime/certificates.ts";
import { createLogger } from "#lib/runtime/logger.ts";

type Variables = Record<string, string>;
type LogLine = { msg?: string; [field: string]: unknown };

/** Node's usual place. Most of what a short-lived process costs is compiling what the one before it compiled. */
const compileCache = join(tmpdir(), "node-compile-cache");

/** One daemon of a test, as a real process. */
export class DaemonProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  #errors = "";

  constructor(service: string, variables: Variables, args: string[] = []) {
    const main = join(import.meta.dirname, "../../../services", service, "main.ts");
    this.child = spawn(process.execPath, [main, ...args], {
      env: { NODE_COMPILE_CACHE: compileCache, ...variables, NODE_ENV: "test" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rest = "";
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.lines.push(part.startsWith("{") ? JSON.parse(part) : { msg: part });
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
  }

  get errors(): string {
    return this.#errors;
  }

  /** The first log line of this message; rejects when the process ends or 20 s pass without it. */
  async logged(message: string): Promise<LogLine> {
    return waitFor(() => {
      const line = this.lines.find(({ msg }) => msg === message);
      if (!line && this.child.exitCode !== null)
        throw new Error(`the process ended with ${this.child.exitCode}: ${this.#errors}`);
      return line;
    });
  }

  /** Sends the signal and gives the exit code, or null when the signal itself ended the process. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }
}

const sharedCertificate = await createSelfSignedCertificate(["localhost", "127.0.0.1"]);

/** A hub, connectors and edges as processes on loopback, with one certificate and token, and clients to them. */
export class HubFleet {
  readonly folder = mkdtempSync(join(tmpdir(), "hub-fleet-"));
  readonly token = "token-of-the-test";
  readonly certificate = sharedCertificate;
  readonly #caFile = join(this.folder, "ca.pem");
  readonly #keyFile = join(this.folder, "key.pem");
  readonly #processes: DaemonProcess[] = [];
  readonly #clients: HubClient[] = [];
  /** Of the hub that was started last; the next one gets the same ones. */
  port = 0;
  healthPort = 0;

  constructor() {
    writeFileSync(this.#caFile, this.certificate.cert);
    writeFileSync(this.#keyFile, this.certificate.key);
  }

  async startHub(variables: Variables = {}): Promise<DaemonProcess> {
    const hub = this.#start("hub", {
      BIND_ADDRESS: `127.0.0.1:${this.port}`,
      HEALTH_ADDRESS: `127.0.0.1:${this.healthPort}`,
      TLS_CERT_FILE: this.#caFile,
      TLS_KEY_FILE: this.#keyFile,
      HUB_AUTH_TOKEN: this.token,
      HUB_HEARTBEAT_INTERVAL_MS: "500",
      ...variables,
    });
    const line = await hub.logged("the hub is ready");
    this.port = portOf(line.address);
    this.healthPort = portOf(line.healthAddress);
    return hub;
  }

  async startConnector(instance: string, variables: Variables = {}) {
    const connector = this.#start("connector", {
      MATRIX_HOST: `127.0.0.1:${this.port}`,
      MATRIX_TENANT_ID: "t",
      MATRIX_AUTH_TOKEN: this.token,
      MATRIX_CA_FILE: this.#caFile,
      INSTANCE_ID: instance,
      HEALTH_ADDRESS: "127.0.0.1:0",
      CONNECTOR_BREAKER_OPEN_MS: "500",
      ...variables,
    });
    return Object.assign(connector, { healthPort: portOf((await connector.logged("started")).healthAddress) });
  }

  async startEdge(instance: string, variables: Variables = {}) {
    const socketPath = join(this.folder, `${instance}.sock`);
    const edge = this.#start("edge", {
      HUB_ADDRESS: `127.0.0.1:${this.port}`,
      HUB_AUTH_TOKEN: this.token,
      HUB_CA_FILE: this.#caFile,
      TENANT_ID: "t",
      INSTANCE_ID: instance,
      EDGE_LOCAL_SOCKET: socketPath,
      EDGE_BREAKER_OPEN_MS: "500",
      HEALTH_ADDRESS: "127.0.0.1:0",
      ...variables,
    });
    return Object.assign(edge, { socketPath, healthPort: portOf((await edge.logged("started")).healthAddress) });
  }

  /** A connected client of role client. */
  async connectClient(tenant = "t"): Promise<HubClient> {
    const client = new HubClient({
      hubs: [{ host: "127.0.0.1", port: this.port }],
      hello: { role: "client", tenant, instance: "test", version: "test", token: () => this.token },
      tls: { ca: this.certificate.cert },
      logger: createLogger("test", "silent"),
    });
    this.#clients.push(client);
    client.start();
    await waitFor(() => client.isConnected || undefined);
    return client;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    await Promise.all(this.#processes.map((daemon) => daemon.end("SIGKILL")));
    rmSync(this.folder, { recursive: true });
  }

  #start(service: string, variables: Variables): DaemonProcess {
    const daemon = new DaemonProcess(service, variables);
    this.#processes.push(daemon);
    return daemon;
  }
}

/** Asks again and again until there is an answer; rejects after `patienceMs`. */
export async function waitFor<T>(ask: () => T | undefined | Promise<T | undefined>, patienceMs = 20_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s for: ${ask}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The answer of a health endpoint; status 0 when nobody listens. */
export async function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, body: await answer.text() };
  } catch {
    return { status: 0, body: "" };
  }
}

/** A sample of /metrics by name and labels as they are printed, or undefined. */
export async function readMetric(port: number, sample: string): Promise<number | undefined> {
  const line = (await ask(port, "/metrics")).body.split("\n").find((text) => text.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

function portOf(address: unknown): number {
  if (typeof address === "object" && address !== null && "port" in address) return Number(address.port);
  throw new Error("a log line has no address");
}
