import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What passed through since the last reset. */
export type Passed = {
  /** Range queries by their expression and the place of their window. */
  queries: number;
  /** Other questions, such as for the names of metrics. */
  others: number;
  answerBytes: number;
  /** The most queries of one expression that were under way at the same time. */
  mostAtOnce: number;
};

/** Stands before Prometheus, counts what it is asked, and can hang: then it takes requests and never answers. */
export class CountingProxy {
  readonly #target: URL;
  readonly #underWay = new Map<string, number>();
  readonly #server = createServer((incoming, answer) => void this.#pass(incoming, answer));
  #passed: Passed = { queries: 0, others: 0, answerBytes: 0, mostAtOnce: 0 };
  isHanging = false;

  constructor(prometheusUrl: string) {
    this.#target = new URL(prometheusUrl);
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  take(): Passed {
    const passed = this.#passed;
    this.#passed = { queries: 0, others: 0, answerBytes: 0, mostAtOnce: 0 };
    return passed;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const isQuery = incoming.url?.startsWith("/api/v1/query_range") ?? false;
    if (isQuery) this.#passed.queries += 1;
    else this.#passed.others += 1;
    const expr = new URLSearchParams(body.toString()).get("query") ?? incoming.url ?? "";
    const underWay = (this.#underWay.get(expr) ?? 0) + 1;
    this.#underWay.set(expr, underWay);
    this.#passed.mostAtOnce = Math.max(this.#passed.mostAtOnce, underWay);
    answer.once("close", () => this.#underWay.set(expr, (this.#underWay.get(expr) ?? 1) - 1));
    if (this.isHanging) return;
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, path, method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.on("data", (chunk: Buffer) => {
        this.#passed.answerBytes += chunk.length;
      });
      found.pipe(answer);
    });
    onward.once("error", () => answer.destroy());
    onward.end(body);
  }
}
