import { parseArgs } from "node:util";
import { z } from "zod";
import { connectDatabase } from "#lib/database/client.ts";
import { type Resealed, resealArchives } from "#lib/domain/recovery/backups/reseal.ts";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { openRecoveryOrExit, recoveryVariables } from "./recovery-env.ts";

/** After a new key was put before the old ones: brings every stored archive to it, so that the old ones can be thrown away. */

const usage = `npm run reseal                 seals every archive that the first of SWITCHYARD_BACKUP_KEYS does not open with that key
npm run reseal -- --dry-run    only says what it would do

Give it the controller's DATABASE_URL, SWITCHYARD_BACKUP_STORAGE and SWITCHYARD_BACKUP_KEYS (the new key, then the old ones), after
the controller was started with these keys. It can be stopped and begun again at any time. It ends with 0 when nothing needs the
old keys any more.
`;

const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => abort.abort(new Error("Stopped: begin again.")));

const { isDryRun } = readArguments();
const env = parseEnvOrExit(
  z.object({
    ...recoveryVariables,
    DATABASE_URL: envValue.url("postgresql", "postgres"),
    LOG_LEVEL: envValue.logLevel().default("error"),
  }),
);
const { storage, keyring } = await openRecoveryOrExit(env);
const db = connectDatabase(env.DATABASE_URL, { maxConnections: 4 });
try {
  say(`Archives in ${storage.name} are brought to ${keyring.keyId}${isDryRun ? ": nothing is written" : ""}.`);
  const context = { db, storage, keyring, clock: () => new Date(), logger: createLogger("reseal", env.LOG_LEVEL) };
  const results = await resealArchives(context, { signal: abort.signal, isDryRun, onResult: (result) => say(describe(result)) });
  const count = (outcome: Resealed["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  say(
    isDryRun
      ? `${count("due")} to be sealed anew, ${count("sealed-before")} sealed by the present key, ${count("left")} that cannot be done.`
      : `${count("resealed")} sealed anew, ${count("sealed-before")} sealed by the present key before, ${count("left")} left.`,
  );
  if (count("left") > 0) {
    say("Keep the old keys until nothing is left.");
    process.exitCode = 1;
  } else if (count("due") === 0) {
    say("No archive needs the old keys.");
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await db.$disconnect();
}

function readArguments(): { isDryRun: boolean } {
  try {
    const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
    return { isDryRun: values["dry-run"] };
  } catch {
    process.stderr.write(usage);
    process.exit(1);
  }
}

function describe({ backup, key, outcome, message }: Resealed): string {
  const name = backup ? `Backup ${backup.number} of ${backup.subject}` : key;
  return `${outcome.padEnd(13)}  ${name}: ${message}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
