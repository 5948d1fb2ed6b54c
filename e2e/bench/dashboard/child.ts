import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { describeHotSpots, type HotSpot } from "./profile.ts";

/** A process of the bench that is talked to by messages, and ended by its own id. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting: ((message: unknown) => void)[] = [];
  readonly #unread: unknown[] = [];
  readonly #ended: Promise<never>;

  constructor(file: string, args: string[] = []) {
    this.#process = fork(join(import.meta.dirname, file), args, {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process.on("message", (message) => {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#unread.push(message);
    });
    this.#ended = new Promise((_, reject) => {
      this.#process.once("exit", (code) => reject(new Error(`a process of the bench ended with ${code}`)));
    });
    this.#ended.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  send(message: object): void {
    this.#process.send(message);
  }

  /** The next message; rejects after a minute. */
  async next<T>(): Promise<T> {
    if (this.#unread.length > 0) return this.#unread.shift() as T;
    let timer: NodeJS.Timeout | undefined;
    const message = new Promise<unknown>((resolve) => this.#waiting.push(resolve));
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("a process of the bench does not answer")), 60_000);
    });
    return Promise.race([message, late, this.#ended]).finally(() => clearTimeout(timer)) as Promise<T>;
  }

  async ask<T>(message: object): Promise<T> {
    this.send(message);
    return this.next<T>();
  }

  /** Passes over messages until this one comes. */
  async untilMessage(wanted: string): Promise<void> {
    while ((await this.next()) !== wanted);
  }

  /** Where the process spends its time while something is done; it must obey profile orders. */
  async profile(work: () => Promise<unknown>): Promise<string> {
    await this.ask({ order: "start-profile" });
    await work();
    return describeHotSpots(await this.ask<HotSpot[]>({ order: "stop-profile" }));
  }

  /** Lets the process end by itself, and by force after 10 s. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  }
}
