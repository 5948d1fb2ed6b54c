import { connectDatabase } from "#lib/database/client.ts";
import { BackupRunner } from "#lib/domain/recovery/backups/runner.ts";
import type { RecoveryContext } from "#lib/domain/recovery/context.ts";
import { RestoreRunner } from "#lib/domain/recovery/restores/runner.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import { readEnv } from "./env.ts";
import { openRecoveryOrExit } from "./recovery-env.ts";
import type { RecoveryLoop, RecoveryMessage } from "./recovery-process.ts";

/**
 * The process in which backups are made and proven and restores carried out: what takes long and moves many bytes keeps no control loop
 * waiting and its memory for itself. The controller starts it while there is something to do (recovery-process.ts), and it ends with that.
 */

const env = readEnv();
const logger = createLogger("recovery", env.LOG_LEVEL);
const db = connectDatabase(env.DATABASE_URL, {
  maxConnections: 6,
  onConnectionLost: (error) => logger.warn({ err: error }, "a connection to the database was lost"),
});
const kubernetes = connectKubernetes({ kubeconfig: env.SWITCHYARD_KUBECONFIG, inCluster: env.inCluster });
const recovery = { ...(await openRecoveryOrExit(env)), ownDatabaseUrl: env.DATABASE_URL };
const context: RecoveryContext = { db, kubernetes, clock: () => new Date(), logger, ...recovery };

const backups = new BackupRunner(context, ({ namespace, service, subject, state }) => {
  say({ kind: "ended", backup: { namespace: namespace ?? "", service: service ?? subject, result: state } });
});
const restores = new RestoreRunner(context);
const loops = [loop("backups", backups), loop("restores", restores)];

onShutdown({
  logger,
  timeoutMs: 10_000,
  parts: [
    { name: "loops", stop: () => Promise.all(loops.map((one) => one.stop())).then(() => {}) },
    { name: "backups", stop: () => backups.stop() },
    { name: "restores", stop: () => restores.stop() },
    { name: "kubernetes", stop: () => kubernetes.close() },
    { name: "database", stop: () => db.$disconnect() },
  ],
});

for (const one of loops) one.start();
logger.info({ storage: context.storage.name }, "started");

function loop(name: RecoveryLoop, runner: BackupRunner | RestoreRunner): Loop {
  const pass = async () => {
    await runner.pass();
    say({ kind: "round", loop: name });
  };
  return new Loop({ name, intervalMs: 1_000, logger, pass });
}

/** To the controller, which may have gone. */
function say(message: RecoveryMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
