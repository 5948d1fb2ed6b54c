import { setTimeout as sleep } from "node:timers/promises";
import type { HubClient } from "#lib/protocol/hub-client.ts";
import { type HubBody, HubError } from "#lib/protocol/hub-messages.ts";
import { type DaemonProcess, HubFleet } from "#lib/protocol/testing/hub-fleet.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { ScratchRedis } from "./scratch-redis.ts";

type Variables = Record<string, string>;
type Scan = Partial<HubBody<"scan">> & Pick<HubBody<"scan">, "target" | "ports">;

const answerMs = 60_000;

/** Hubs on one Redis, a network that can be made bad, connectors behind it, and a client that does not give up. */
export class ConnectorSite {
  readonly fleet = new HubFleet();
  /** Between connectors, clients and hubs. */
  readonly network = new FaultProxy(() => this.#nextHub());
  readonly healthPorts: number[] = [];
  readonly #hubs: { process: DaemonProcess; port: number; isAway: boolean }[] = [];
  #redis: ScratchRedis | undefined;
  #connector: DaemonProcess | undefined;
  #networkPort = 0;
  #client: HubClient | undefined;

  async start(hubs: number): Promise<void> {
    this.#redis = await ScratchRedis.start();
    this.#networkPort = await this.network.listen();
    for (let index = 0; index < hubs; index += 1) await this.#startHub(index);
  }

  get redis(): ScratchRedis {
    if (!this.#redis) throw new Error("the site was not started");
    return this.#redis;
  }

  /** The one that was started last. */
  get connector(): DaemonProcess {
    if (!this.#connector) throw new Error("no connector was started");
    return this.#connector;
  }

  async startConnector(instance: string, variables: Variables = {}) {
    const settings = { MATRIX_HOST: `127.0.0.1:${this.#networkPort}`, ...variables };
    const connector = await this.fleet.startConnector(instance, settings);
    this.#connector = connector;
    return connector;
  }

  /** kill -9; it is started again when `meanwhile` is done, or not at all without one. */
  async killHub(index: number, meanwhile?: () => Promise<void>): Promise<void> {
    const hub = this.#hubs[index];
    if (!hub) throw new Error(`there is no hub ${index}`);
    hub.isAway = true;
    await hub.process.end("SIGKILL");
    if (!meanwhile) return;
    await meanwhile();
    await this.#startHub(index);
  }

  /** Has a job done, asking again under its name whenever the connection was lost. Rejects with the hub's refusal. */
  async ask(job: string, scan: Scan): Promise<HubBody<"result">> {
    const body = { timeoutMs: answerMs, portTimeoutMs: 1_000, ...scan, job };
    const deadline = performance.now() + answerMs;
    for (;;) {
      try {
        const client = await this.#connect();
        const answer = await client.request({ name: "scan", body }, { timeoutMs: answerMs });
        if (answer.name !== "result") throw new HubError("bad_message", `a scan was answered by ${answer.name}`);
        return answer.body;
      } catch (error) {
        if ((error instanceof HubError && error.code !== "internal") || performance.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.network.close();
    await this.#redis?.stop();
  }

  async #connect(): Promise<HubClient> {
    Object.assign(this.fleet, { port: this.#networkPort });
    this.#client ??= await this.fleet.connectClient();
    const client = this.#client;
    await eventually(() => client.isConnected, answerMs);
    return client;
  }

  async #startHub(index: number): Promise<void> {
    const { port = 0 } = this.#hubs[index] ?? {};
    Object.assign(this.fleet, { port, healthPort: this.healthPorts[index] ?? 0 });
    const process = await this.fleet.startHub({ REDIS_URL: this.redis.url, HUB_LEASE_MS: "1000" });
    this.#hubs[index] = { process, port: this.fleet.port, isAway: false };
    this.healthPorts[index] = this.fleet.healthPort;
  }

  /** The first that is there: connectors stay with one hub while it lives. */
  #nextHub(): { host: string; port: number } | undefined {
    const hub = this.#hubs.find(({ isAway }) => !isAway);
    return hub && { host: "127.0.0.1", port: hub.port };
  }
}
