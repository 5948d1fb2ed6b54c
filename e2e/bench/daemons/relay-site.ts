import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type RelayStack, startRelayStack, type TestRelay } from "#lib/protocol/testing/relay-stack.ts";
import { profileVariables } from "./profiles.ts";
import type { DialectName } from "./relay-dialects.ts";
import type { LoadCalls } from "./relay-load.ts";
import type { Target } from "./relay-reader.ts";
import type { AreaOptions } from "./report.ts";

/** As services/relay/deploy starts it; its peers get the same. */
const smallYoungGeneration = "--max-semi-space-size=4";
const probe = `--import=${join(import.meta.dirname, "relay-probe.ts")}`;
export type PeerName = Exclude<DialectName, "relay">;
export type Server = { dialect: DialectName; port: number; pid: number };

/** The relay with PostgreSQL (fsync on), Redis and an issuer, its peers, and the load: each a process of its own. */
export class RelaySite {
  readonly stack: RelayStack;
  readonly #options: AreaOptions;
  readonly #token: string;
  readonly #relays: TestRelay[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(stack: RelayStack, token: string, options: AreaOptions) {
    this.stack = stack;
    this.#token = token;
    this.#options = options;
  }

  static async start(options: AreaOptions): Promise<RelaySite> {
    const stack = await startRelayStack({ postgres: ["fsync=on"] });
    return new RelaySite(stack, await stack.token({ "*": ["read", "write"] }, 3600), options);
  }

  target({ dialect, port }: Server, document: string): Target {
    return { dialect, port, token: this.#token, document };
  }

  async startRelay(): Promise<Server> {
    const { NODE_OPTIONS = "" } = profileVariables(this.#options);
    const relay = await this.stack.startRelay({
      NODE_OPTIONS: `${smallYoungGeneration} ${probe} ${NODE_OPTIONS}`,
      MAX_CONNECTIONS: "12000",
      RELAY_USER_CONNECTIONS: "12000",
      RUST_LOG: "warn",
    });
    this.#relays.push(relay);
    return { dialect: "relay", port: relay.port, pid: relay.process.child.pid ?? 0 };
  }

  async startPeer(name: PeerName): Promise<Server> {
    const child = spawn(process.execPath, [smallYoungGeneration, probe, join(import.meta.dirname, "relay-peers.ts"), name], {
      env: { PATH: process.env.PATH, NODE_ENV: "production" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#children.push(child);
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return { dialect: name, port: Number(line), pid: child.pid ?? 0 };
  }

  /** A load process, and a way to call it. */
  startLoad(): Load {
    const child = fork(join(import.meta.dirname, "relay-load.ts"), { execArgv: ["--disable-warning=ExperimentalWarning"] });
    this.#children.push(child);
    return new Load(child);
  }

  /** The relays end in order, so that they leave their profiles. */
  async stop(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#relays.map(({ process }) => Promise.race([process.end("SIGTERM"), sleep(5000)])));
    await this.stack.stop();
  }
}

export class Load {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #last = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", ({ id, value, failure }: { id: number; value: never; failure?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(failure));
    });
    child.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the load has ended"));
    });
  }

  call<N extends keyof LoadCalls>(name: N, ...given: Parameters<LoadCalls[N]>): ReturnType<LoadCalls[N]> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, given });
    }) as ReturnType<LoadCalls[N]>;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
