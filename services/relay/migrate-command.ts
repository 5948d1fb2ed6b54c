import { configureOrExit, readConfiguration } from "#lib/runtime/configuration.ts";
import { createLoggers } from "#lib/runtime/logger.ts";
import { createPool } from "./database.ts";
import { migrationConfiguration } from "./env.ts";
import { migrate } from "./migrate.ts";

/** The `migrate` subcommand, for a Job: applies what is missing of the schema, says what that was, and exits 0 or 1. */
export async function runMigrateCommand(): Promise<never> {
  const { settings: env } = await configureOrExit((given) => readConfiguration(migrationConfiguration, given));
  const loggerFor = createLoggers("relay", env.RUST_LOG);
  const logger = loggerFor("relay::main");
  const pool = createPool(env.DATABASE_URL, loggerFor("relay::database"));
  const isDone = await migrate(pool).then(
    (applied) => {
      logger.info({ applied }, "the schema is there");
      return true;
    },
    (error: unknown) => {
      logger.error({ err: error }, "the schema could not be applied");
      return false;
    },
  );
  await pool.end();
  process.exit(isDone ? 0 : 1);
}
