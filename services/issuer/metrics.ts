import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

export class IssuerMetrics {
  readonly registry = new Registry();
  readonly #tokens = new Counter({
    name: "issuer_tokens_total",
    help: "Requests for a token, by what became of them",
    labelNames: ["result"],
    registers: [this.registry],
  });

  constructor(keyCount: () => number) {
    collectDefaultMetrics({ register: this.registry });
    for (const result of ["issued", "refused", "invalid"]) this.#tokens.inc({ result }, 0);
    new Gauge({
      name: "issuer_keys",
      help: "Keys in the published set",
      registers: [this.registry],
      collect() {
        this.set(keyCount());
      },
    });
  }

  token(result: "issued" | "refused" | "invalid"): void {
    this.#tokens.inc({ result });
  }
}
