import type { Answer } from "#lib/runtime/health-server.ts";

const checkTimeoutMs = 2000;
const reuseMs = 500;

export type Checks = Record<string, () => Promise<void>>;

/** Answers /ready: every check by its name, "ok" or "error". Checks run at most twice a second, whoever asks. */
export class Readiness {
  readonly #checks: Checks;
  readonly #isDraining: () => boolean;
  #last: { at: number; results: Promise<Record<string, string>> } | undefined;

  constructor(checks: Checks, isDraining: () => boolean) {
    this.#checks = checks;
    this.#isDraining = isDraining;
  }

  async answer(): Promise<Answer> {
    if (!this.#last || performance.now() - this.#last.at > reuseMs) this.#last = { at: performance.now(), results: this.#run() };
    const checks = { ...(await this.#last.results), ...(this.#isDraining() ? { accepting: "error" } : {}) };
    const isReady = Object.values(checks).every((result) => result === "ok");
    return { status: isReady ? 200 : 503, body: { status: isReady ? "ready" : "not_ready", checks } };
  }

  async #run(): Promise<Record<string, string>> {
    const results = await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => [name, (await passes(check)) ? "ok" : "error"]),
    );
    return Object.fromEntries(results);
  }
}

async function passes(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), checkTimeoutMs);
  });
  const checked = check().then(
    () => true,
    () => false,
  );
  return Promise.race([checked, late]).finally(() => clearTimeout(timer));
}
