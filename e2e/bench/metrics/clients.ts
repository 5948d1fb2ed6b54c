import { type ChildProcess, fork } from "node:child_process";
import { Agent, request } from "node:http";
import { join } from "node:path";
import type { PanelsAnswer } from "#lib/domain/metrics/schemas.ts";

const agent = new Agent({ keepAlive: true, maxSockets: 200 });

/** One HTTP exchange on a kept connection; the body is read and given back whole. */
export function exchange(url: string, form?: URLSearchParams): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = form && { "content-type": "application/x-www-form-urlencoded" };
    const sent = request(url, { agent, method: form ? "POST" : "GET", headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("error", reject);
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`HTTP ${answer.statusCode}: ${Buffer.concat(chunks).toString().slice(0, 200)}`));
      });
    });
    sent.once("error", reject);
    sent.end(form?.toString());
  });
}

export function closeConnections(): void {
  agent.destroy();
}

/** The process of console.ts. */
export class ConsoleProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(prometheusUrl: string, databaseUrl: string): Promise<ConsoleProcess> {
    const execArgv = ["--disable-warning=ExperimentalWarning"];
    const child = fork(join(import.meta.dirname, "console.ts"), [prometheusUrl, databaseUrl], { execArgv });
    const port = await new Promise<unknown>((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", () => reject(new Error("The console ended at once.")));
    });
    return new ConsoleProcess(`http://127.0.0.1:${port}`, child);
  }

  setNow(seconds: number): Promise<Buffer> {
    return exchange(`${this.url}/now?seconds=${seconds}`);
  }

  /** As if it had been started anew. */
  forget(): Promise<Buffer> {
    return exchange(`${this.url}/forget`);
  }

  async keptBytes(): Promise<number> {
    return JSON.parse((await exchange(`${this.url}/memory`)).toString()).kept;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

/** The page of one viewer: asks in full once, then for tails. */
export class Viewer {
  readonly #url: string;
  readonly #range: string;
  #since: number | null = null;

  constructor(console: ConsoleProcess, range: string) {
    this.#url = `${console.url}/panels`;
    this.#range = range;
  }

  async refresh(): Promise<{ bytes: number; answer: PanelsAnswer; milliseconds: number }> {
    const startedAt = performance.now();
    const body = await exchange(`${this.#url}?range=${this.#range}${this.#since === null ? "" : `&since=${this.#since}`}`);
    const milliseconds = performance.now() - startedAt;
    const answer: PanelsAnswer = JSON.parse(body.toString());
    this.#since = answer.tailSince;
    return { bytes: body.length, answer, milliseconds };
  }
}

/** A client without a console in between: asks Prometheus for each expression of each chart itself. */
export class DirectClient {
  readonly #url: string;
  readonly #expressions: readonly string[];

  constructor(prometheusUrl: string, expressions: readonly string[]) {
    this.#url = `${prometheusUrl}/api/v1/query_range`;
    this.#expressions = expressions;
  }

  async refresh(from: number, to: number, stepSeconds: number): Promise<number> {
    const answers = await Promise.all(this.#expressions.map((expr) => this.ask(expr, from, to, stepSeconds)));
    return answers.reduce((sum, { length }) => sum + length, 0);
  }

  ask(expr: string, from: number, to: number, stepSeconds: number): Promise<Buffer> {
    const form = new URLSearchParams({ query: expr, start: `${from}`, end: `${to}`, step: `${stepSeconds}` });
    return exchange(this.#url, form);
  }
}
