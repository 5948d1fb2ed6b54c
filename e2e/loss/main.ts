/**
 * Starts the real daemons on loopback, breaks one thing after another under load, and accounts for every message.
 *
 *   npm run test:loss -- [--only WORDS] [--rate 100] [--producers 4] [--rounds 1] [--pairs 20] [--repeats] [--histories DIR] [--out FILE]
 */
import { join } from "node:path";
import { runContained } from "./containment.ts";

process.exitCode = await runContained(join(import.meta.dirname, "run.ts"), process.argv.slice(2));
