import { readFile } from "node:fs/promises";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { Probe } from "./probe.ts";

export type DrillRateOptions = {
  /** Holds the operations a second; without the file, or with it empty, `usualHz` holds. */
  path: string;
  usualHz: number;
  probe: { setRate: (hz: number) => void };
  logger: Logger;
  intervalMs?: number;
};

/** Follows a file (a mounted ConfigMap) by which a drill changes the rate of a running prober, whose ledger goes on. */
export class DrillRate implements Probe {
  readonly name = "drill rate";
  readonly #options: DrillRateOptions;
  readonly #loop: Loop;
  #text = "";

  constructor(options: DrillRateOptions) {
    const { intervalMs = 1000, logger } = options;
    this.#options = options;
    this.#loop = new Loop({ name: this.name, intervalMs, pass: () => this.#read(), logger });
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #read(): Promise<void> {
    const { path, usualHz, probe, logger } = this.#options;
    const text = (await readFile(path, "utf8").catch(ignoreAbsence)).trim();
    if (text === this.#text) return;
    this.#text = text;
    const hz = text === "" ? usualHz : Number(text);
    if (!Number.isInteger(hz) || hz < 1 || hz > 1000) {
      logger.warn({ path, text: text.slice(0, 50) }, "wants a whole number from 1 to 1000; the rate stays as it is");
      return;
    }
    probe.setRate(hz);
    logger.info({ hz }, "the rate has changed");
  }
}

function ignoreAbsence(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}
