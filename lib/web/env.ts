import { z } from "zod";
import { hasInClusterAccess } from "#lib/kubernetes/connection.ts";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";

const schema = z.object({
  DATABASE_URL: envValue.url("postgresql", "postgres"),
  NEXTAUTH_SECRET: z.string("wants at least 32 random characters").min(32, "wants at least 32 random characters"),
  NEXTAUTH_URL: envValue.url("http", "https"),
  SWITCHYARD_KUBECONFIG: z.string().optional(),
  /** Seals the secrets of notification targets in the database. */
  SWITCHYARD_ENCRYPTION_KEY: z.string("wants at least 32 random characters").min(32, "wants at least 32 random characters"),
  PROMETHEUS_URL: envValue.url("http", "https").optional(),
  /** Where a browser finds Prometheus, when that is not PROMETHEUS_URL. */
  PROMETHEUS_EXTERNAL_URL: envValue.url("http", "https").optional(),
  ALERTMANAGER_URL: envValue.url("http", "https").optional(),
  SWITCHYARD_PROMETHEUS_HINT: z.string().optional(),
  SWITCHYARD_ALERTMANAGER_HINT: z.string().optional(),
  /** How often Prometheus scrapes the fleet. */
  SWITCHYARD_SCRAPE_INTERVAL_SECONDS: envValue.integer(1, 300).default(15),
  /** What has the power over nodes, for drills: a unix socket or a URL. */
  SWITCHYARD_NODE_POWER: envValue.text().optional(),
  LOG_LEVEL: envValue.logLevel().default("info"),
});

export type WebEnv = z.infer<typeof schema> & { inCluster: boolean };

/** The settings of the web process. A bad one ends the process with exit code 78 and a line that names it. */
export function readWebEnv(source: Record<string, string | undefined> = process.env): WebEnv {
  const inCluster = hasInClusterAccess(source);
  const wantsCluster = schema.refine((env) => env.SWITCHYARD_KUBECONFIG !== undefined || inCluster, {
    path: ["SWITCHYARD_KUBECONFIG"],
    error: "wants the path of a kubeconfig (or run in a pod with a service account)",
  });
  return { ...parseEnvOrExit(wantsCluster, source), inCluster };
}
