import { buildWeb } from "#services/launcher/web-build.ts";

/** Builds the web process ahead of the journeys: `node e2e/build-web.ts LOG`. */

const [logFile] = process.argv.slice(2);
if (!logFile) throw new Error("usage: node e2e/build-web.ts LOG");
const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => abort.abort());
await buildWeb(logFile, abort.signal);
