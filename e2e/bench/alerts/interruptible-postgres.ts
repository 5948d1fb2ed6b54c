import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { databaseUrl, ensureDatabase, preparePostgres } from "#lib/programs/embedded-postgres.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { applyMigrations } from "#prisma/schema-engine.ts";
import { Supervisor } from "#services/launcher/supervisor.ts";

/** A PostgreSQL of its own in a temporary folder, as `npm start` runs it, that can be taken away and brought back. */
export class InterruptiblePostgres {
  readonly #dir = mkdtempSync(join(tmpdir(), "switchyard-bench-alerts-"));
  readonly #supervisor: Supervisor;
  readonly #postgres: { folder: string; port: number; password: string };

  private constructor(port: number) {
    chmodSync(this.#dir, 0o755);
    this.#supervisor = new Supervisor(this.#dir, () => {});
    this.#postgres = { folder: join(this.#dir, "postgres"), port, password: "bench" };
  }

  static async start(): Promise<InterruptiblePostgres> {
    const postgres = new InterruptiblePostgres(await freePort());
    await postgres.begin();
    return postgres;
  }

  /** A fresh database with the product's tables. */
  async createDatabase(name: string): Promise<string> {
    await ensureDatabase(this.#postgres, name, 30_000);
    const url = databaseUrl(this.#postgres, name);
    await applyMigrations(url);
    return url;
  }

  /** Starts the server, or starts it again. */
  async begin(): Promise<void> {
    // An immediate shutdown: no checkpoint, connections cut, and recovery from the log at the next start.
    this.#supervisor.start({ ...preparePostgres(this.#postgres), stopSignal: "SIGQUIT" });
    await ensureDatabase(this.#postgres, "postgres", 60_000);
  }

  /** Shuts it down at once. */
  end(): Promise<void> {
    return this.#supervisor.stop("postgres");
  }

  /** Stops its processes where they are: connections stay open and nothing answers. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  async remove(): Promise<void> {
    this.thaw();
    await this.#supervisor.stopAll([]);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#supervisor.pids().postgres;
    if (!pid) return;
    // Its backends are sessions of their own: a signal to the group would miss them.
    const backends = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
    for (const each of [pid, ...backends]) process.kill(each, signal);
  }
}
