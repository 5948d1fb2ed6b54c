import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { applyMigrations, diffMigrationsToSchema } from "./schema-engine.ts";

const usage = `Usage: npm run migrate -- <command>, with DATABASE_URL set
  deploy      apply the migrations that the database does not have yet
  new NAME    write the migration that leads from the present ones to schema.prisma
  check       fail when schema.prisma and the migrations differ
`;

const [command, name] = process.argv.slice(2);
const url = process.env.DATABASE_URL;
if (!command || !url) fail(usage);

if (command === "deploy") {
  const applied = await applyMigrations(url);
  print(applied.length === 0 ? "The database is up to date." : `Applied ${applied.join(", ")}.`);
} else if (command === "new" && /^[a-z0-9_]+$/.test(name ?? "")) {
  const sql = await diffMigrationsToSchema(url);
  if (sql === "") fail("schema.prisma and the migrations agree: nothing to write.\n");
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const directory = fileURLToPath(new URL(`migrations/${stamp}_${name}/`, import.meta.url));
  await mkdir(directory, { recursive: true });
  await writeFile(`${directory}migration.sql`, sql);
  print(`Wrote prisma/migrations/${stamp}_${name}/migration.sql. Read it before you commit it.`);
} else if (command === "check") {
  const sql = await diffMigrationsToSchema(url);
  if (sql !== "") fail(`schema.prisma and the migrations differ. Run \`npm run migrate -- new NAME\`. The difference:\n${sql}`);
  print("schema.prisma and the migrations agree.");
} else {
  fail(usage);
}
// The engine's lock time-out of 10 s would keep the process waiting for nothing.
process.exit(0);

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(text: string): never {
  process.stderr.write(text);
  process.exit(1);
}
