import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, startProcess, type TestProcess } from "#lib/protocol/testing/relay-stack.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { FaultProxy } from "./fault-proxy.ts";

/** A Redis with an append-only file, as the hub's README asks for, behind a network that can be made bad. */
export class ScratchRedis {
  readonly network: FaultProxy;
  readonly #folder = mkdtempSync(join(tmpdir(), "redis-"));
  readonly #port: number;
  #process: TestProcess | undefined;
  #networkPort = 0;

  private constructor(port: number) {
    this.#port = port;
    this.network = new FaultProxy(() => ({ host: "127.0.0.1", port }));
  }

  static async start(): Promise<ScratchRedis> {
    const redis = new ScratchRedis(await freePort());
    redis.#networkPort = await redis.network.listen();
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#networkPort}`;
  }

  async kill(): Promise<void> {
    await this.#process?.end("SIGKILL");
  }

  async restart(): Promise<void> {
    const place = ["--port", String(this.#port), "--bind", "127.0.0.1", "--dir", this.#folder];
    const redis = startProcess("redis-server", [...place, "--save", "", "--appendonly", "yes"]);
    this.#process = redis;
    await eventually(() => redis.output().includes("Ready to accept connections"));
  }

  async stop(): Promise<void> {
    await this.network.close();
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}
