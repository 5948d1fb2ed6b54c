import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { KubeConfig } from "@kubernetes/client-node";
import { connectDatabase } from "#lib/database/client.ts";
import { ensureAdministrator, ensureSystemToken } from "#lib/domain/users/commands.ts";
import {
  DataDirectoryError,
  databaseUrl,
  type EmbeddedPostgres,
  ensureDatabase,
  preparePostgres,
} from "#lib/programs/embedded-postgres.ts";
import { controllerOptions } from "#lib/runtime/node-options.ts";
import { applyMigrations } from "#prisma/schema-engine.ts";
import { applyDemo, countInstances, serviceUrl } from "./demo.ts";
import { beginDemo } from "./demo-beginnings.ts";
import type { LauncherSettings } from "./env.ts";
import {
  adminKubeconfig,
  clusterProcesses,
  type LocalCluster,
  nodePower,
  nodeProcess,
  poll,
  startLocalCluster,
  untilNodesReady,
} from "./local-cluster.ts";
import { powerSocket, servePower } from "./node-power.ts";
import { ensureDataDirectory, ensurePortIsFree } from "./preconditions.ts";
import { installCommand, installPackages, missingPackages } from "./programs.ts";
import { line, seconds, step } from "./progress.ts";
import { readOrMakeSecrets, type Secrets } from "./secrets.ts";
import { StartError } from "./start-error.ts";
import { Supervisor } from "./supervisor.ts";
import { buildWeb, webServer } from "./web-build.ts";

/** A whole Switchyard on one machine: its own processes, and the embedded parts for what no real one was named. */
export class Switchyard {
  readonly #settings: LauncherSettings;
  readonly #cluster: LocalCluster;
  readonly #supervisor: Supervisor;
  readonly #abort = new AbortController();
  #owned = false;
  #power: Server | undefined;

  constructor(settings: LauncherSettings) {
    this.#settings = settings;
    this.#cluster = {
      dataDir: join(settings.dataDir, "cluster"),
      port: settings.clusterPort,
      network: settings.clusterNetwork,
      prometheusUrl: settings.prometheusUrl ?? "http://prometheus.monitoring.svc:9090",
      logLevel: settings.logLevel,
    };
    this.#supervisor = new Supervisor(settings.dataDir, (name, how) => {
      line(`${name} ${how}; starting it again (${relative(process.cwd(), this.#supervisor.logFile(name))})`);
    });
  }

  /** Starts everything and prints how to use it. Rejects with StartError when something stands in the way. */
  async start(): Promise<void> {
    const settings = this.#settings;
    ensureDataDirectory(settings.dataDir);
    await this.#takeOver();
    const secrets = await readOrMakeSecrets(settings.dataDir);
    const missing = await this.#installPrograms();

    const build = this.#build();
    build.catch(() => {});
    const database = await this.#startDatabase(secrets);
    const password = await this.#prepareDatabase(database, secrets);
    const kubernetes = settings.cluster ? { env: settings.cluster } : await this.#startCluster(secrets, missing);
    // Fleet, alerts and schedules are looked after while the web process is built.
    const shared = await step("controller", () => this.#startController(database, secrets, kubernetes, missing));
    await build;
    await step("web", () => this.#startWeb(secrets, shared));
    if (kubernetes.config && settings.demo) await this.#awaitDemo(kubernetes.config);
    this.#printAddress(password);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#power?.close();
    if (this.#owned) await this.#supervisor.stopAll([["web", "controller"], ...clusterProcesses, ["postgres"]]);
  }

  /** Ends what a crashed launcher left on this data directory, then checks that the ports are free. */
  async #takeOver(): Promise<void> {
    const { port, postgresPort, clusterPort, controllerPort } = this.#settings;
    await this.#supervisor.claim();
    this.#owned = true;
    const leftovers = await this.#supervisor.endLeftovers();
    if (leftovers.length > 0) line(`ended what an earlier start left running: ${leftovers.join(", ")}`);
    await ensurePortIsFree(port, "SWITCHYARD_PORT");
    await ensurePortIsFree(controllerPort, "SWITCHYARD_CONTROLLER_PORT");
    if (!this.#settings.databaseUrl) await ensurePortIsFree(postgresPort, "SWITCHYARD_POSTGRES_PORT");
    if (!this.#settings.cluster) await ensurePortIsFree(clusterPort, "SWITCHYARD_CLUSTER_PORT");
  }

  /** Installs what the embedded parts need. Resolves to what is still missing. */
  async #installPrograms(): Promise<string[]> {
    const missing = missingPackages();
    if (missing.length === 0 || this.#settings.cluster) return missing;
    const tried =
      this.#settings.mayInstall && (await step(`packages ${missing.join(", ")}`, () => this.#install(missing), sayInstalled));
    if (tried) return [];
    const still = missingPackages();
    line(`going on without ${still.join(", ")}. To have them: ${installCommand(still)}`);
    return still;
  }

  #install(packages: string[]): Promise<boolean> {
    return installPackages(packages, this.#supervisor.logFile("apt-get"), this.#abort.signal);
  }

  #build(): Promise<boolean> {
    const log = this.#supervisor.logFile("build");
    return step(
      "web build",
      () => buildWeb(log, this.#abort.signal),
      (built) => (built ? "built" : "taken up again"),
    );
  }

  async #startDatabase(secrets: Secrets): Promise<string> {
    const { databaseUrl: given, dataDir, postgresPort } = this.#settings;
    if (given) return given;
    const postgres: EmbeddedPostgres = {
      folder: join(dataDir, "postgres"),
      port: postgresPort,
      password: secrets.databasePassword,
    };
    return step("PostgreSQL", async () => {
      try {
        this.#supervisor.start(preparePostgres(postgres));
      } catch (error) {
        throw error instanceof DataDirectoryError ? new StartError(error.message) : error;
      }
      await ensureDatabase(postgres, "switchyard", 30_000).catch((error: Error) => {
        throw new StartError(`PostgreSQL did not start (${error.message}); ${this.#supervisor.logFile("postgres")} says why.`);
      });
      return databaseUrl(postgres, "switchyard");
    });
  }

  /** Applies the migrations and makes the first administrator; resolves to its password when it is new. */
  #prepareDatabase(url: string, secrets: Secrets): Promise<string | null> {
    return step("migrations", async () => {
      await applyMigrations(url).catch((error: Error) => {
        throw new StartError(`The migrations could not be applied: ${error.message}`);
      });
      const database = connectDatabase(url, { maxConnections: 1 });
      try {
        await ensureSystemToken(database, { name: "Prometheus discovery", role: "viewer", secret: secrets.discoveryToken });
        return (await ensureAdministrator(database))?.password ?? null;
      } finally {
        await database.$disconnect();
      }
    });
  }

  async #startCluster(secrets: Secrets, missing: string[]): Promise<Kubernetes> {
    const { dataDir, port, controllerPort, url, prometheusUrl, alertmanagerUrl, demo } = this.#settings;
    mkdirSync(join(dataDir, "cluster"), { recursive: true, mode: 0o755 });
    const config = await step(
      "local cluster",
      () => startLocalCluster(this.#cluster, this.#supervisor),
      () => "3 nodes",
    );
    this.#power = await servePower(powerSocket(dataDir), nodePower(this.#cluster, this.#supervisor));
    // Before the demo: pods that come first would all go to the node that does.
    await step(
      "nodes",
      () => untilNodesReady(config, this.#supervisor, 60_000),
      () => "ready",
    );
    if (demo) {
      const options = {
        prometheus: !prometheusUrl,
        alertmanager: !alertmanagerUrl,
        nodeExporter: !prometheusUrl && !missing.includes("prometheus-node-exporter"),
        webPort: port,
        controllerPort,
        url,
        secrets,
      };
      await step(
        "demo fleet",
        () => applyDemo(config, options),
        (applied) => (applied ? "applied" : "taken up again"),
      );
    }
    return {
      config,
      env: { SWITCHYARD_KUBECONFIG: adminKubeconfig(this.#cluster), SWITCHYARD_NODE_POWER: powerSocket(dataDir) },
    };
  }

  /** Resolves to what its environment has in common with the web process's. */
  async #startController(database: string, secrets: Secrets, kubernetes: Kubernetes, missing: string[]) {
    const { url, logLevel, encryptionKey, controllerPort, demo, alertmanagerUrl } = this.#settings;
    const monitoring = await this.#monitoring(kubernetes.config, missing);
    if (kubernetes.config && demo) {
      const alertmanager = alertmanagerUrl ? undefined : monitoring.ALERTMANAGER_URL;
      await beginDemo(database, { alertmanagerUrl: alertmanager, alertSecret: secrets.alertSecret });
    }
    const shared = {
      DATABASE_URL: database,
      LOG_LEVEL: logLevel,
      SWITCHYARD_ENCRYPTION_KEY: encryptionKey ?? secrets.encryptionKey,
      ...kubernetes.env,
      ...monitoring,
      ...this.#settings.cloud,
    };
    const controller = {
      ...shared,
      ...this.#recovery(secrets),
      CONTROLLER_ADDRESS: `127.0.0.1:${controllerPort}`,
      SWITCHYARD_URL: url,
    };
    this.#supervisor.start(nodeProcess("controller", "services/controller/main.ts", controller, controllerOptions));
    return shared;
  }

  async #startWeb(secrets: Secrets, shared: Record<string, string>): Promise<void> {
    const { port, url, authSecret } = this.#settings;
    this.#supervisor.start({
      ...nodeProcess("web", ".next/standalone/server.js", {
        ...shared,
        PORT: String(port),
        HOSTNAME: "127.0.0.1",
        NEXTAUTH_URL: url,
        NEXTAUTH_SECRET: authSecret ?? secrets.authSecret,
      }),
      cwd: webServer.cwd,
    });
    const answered = await poll(60_000, async () => ((await fetch(`http://127.0.0.1:${port}/api/ready`)).ok ? true : undefined));
    if (!answered) throw new StartError(`The web process did not become ready; ${this.#supervisor.logFile("web")} says why.`);
  }

  /** Backups lie in the data directory until a storage elsewhere is named: those die with this machine. */
  #recovery({ backupKey }: Secrets): Record<string, string> {
    const { dataDir, recovery } = this.#settings;
    return {
      SWITCHYARD_BACKUP_STORAGE: pathToFileURL(join(dataDir, "backups")).href,
      SWITCHYARD_BACKUP_KEYS: backupKey,
      SWITCHYARD_WORK_DIR: join(dataDir, "work"),
      ...recovery,
    };
  }

  /** Where Prometheus and Alertmanager are, and what to do when a program for them is missing. */
  async #monitoring(config: KubeConfig | undefined, missing: string[]): Promise<Record<string, string>> {
    const { prometheusUrl, prometheusExternalUrl, alertmanagerUrl, scrapeIntervalSeconds, demo } = this.#settings;
    const embedded = config && demo ? config : undefined;
    const found = {
      PROMETHEUS_URL: prometheusUrl ?? (embedded && (await serviceUrl(embedded, "monitoring", "prometheus"))),
      PROMETHEUS_EXTERNAL_URL: prometheusExternalUrl,
      ALERTMANAGER_URL: alertmanagerUrl ?? (embedded && (await serviceUrl(embedded, "monitoring", "alertmanager"))),
      // The demo's Prometheus scrapes every 2 s; another one says so itself.
      SWITCHYARD_SCRAPE_INTERVAL_SECONDS: embedded && !prometheusUrl ? "2" : scrapeIntervalSeconds,
      SWITCHYARD_PROMETHEUS_HINT: hint("prometheus", missing),
      SWITCHYARD_ALERTMANAGER_HINT: hint("prometheus-alertmanager", missing),
    };
    return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  async #awaitDemo(config: KubeConfig): Promise<void> {
    const begun = performance.now();
    let counted = { ready: 0, desired: 0 };
    await poll(90_000, async () => {
      counted = await countInstances(config, "fleet");
      return counted.desired > 0 && counted.ready >= counted.desired ? true : undefined;
    });
    line(`demo fleet ... ${counted.ready} of ${counted.desired} instances ready (${seconds(performance.now() - begun)})`);
  }

  #printAddress(password: string | null): void {
    const lines = ["", `  Switchyard   ${this.#settings.url}`];
    if (password) lines.push(`  log in as    admin`, `  password     ${password}   (shown once; change it in Settings)`);
    if (!this.#settings.cluster) lines.push(`  kubectl      kubectl --kubeconfig ${adminKubeconfig(this.#cluster)} get pods`);
    lines.push(`  logs         ${join(this.#settings.dataDir, "logs")}`, "  Ctrl-C stops everything.", "");
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

/** How to reach Kubernetes: the variables for Switchyard's processes, and a client when it is the local cluster. */
type Kubernetes = { env: Record<string, string>; config?: KubeConfig };

function hint(packageName: string, missing: string[]): string | undefined {
  return missing.includes(packageName) ? `Not installed. Run: ${installCommand(missing)}` : undefined;
}

function sayInstalled(installed: boolean): string {
  return installed ? "installed" : "could not be installed";
}
