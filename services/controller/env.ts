import { z } from "zod";
import { hasInClusterAccess } from "#lib/kubernetes/connection.ts";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";
import { recoveryVariables } from "./recovery-env.ts";

const inCluster = hasInClusterAccess(process.env);

const schema = z
  .object({
    DATABASE_URL: envValue.url("postgresql", "postgres"),
    SWITCHYARD_KUBECONFIG: z.string().optional(),
    PROMETHEUS_URL: envValue.url("http", "https").optional(),
    /** How often Prometheus scrapes the fleet. */
    SWITCHYARD_SCRAPE_INTERVAL_SECONDS: envValue.integer(1, 300).default(15),
    /** Seals the secrets of notification targets in the database. */
    SWITCHYARD_ENCRYPTION_KEY: z.string("wants at least 32 random characters").min(32, "wants at least 32 random characters"),
    /** Where people open Switchyard: links in notifications begin with it. */
    SWITCHYARD_URL: envValue.url("http", "https").default("http://localhost:3000"),
    ...recoveryVariables,
    /** What has the power over nodes, for drills: a unix socket or a URL. */
    SWITCHYARD_NODE_POWER: envValue.text().optional(),
    CONTROLLER_ADDRESS: envValue.address().default({ host: "127.0.0.1", port: 3901 }),
    LOG_LEVEL: envValue.logLevel().default("info"),
  })
  .refine((env) => env.SWITCHYARD_KUBECONFIG !== undefined || inCluster, {
    path: ["SWITCHYARD_KUBECONFIG"],
    error: "wants the path of a kubeconfig (or run in a pod with a service account)",
  });

/** The controller's settings. A bad one ends the process with exit code 78 and a line that names it. */
export function readEnv() {
  return { ...parseEnvOrExit(schema), inCluster };
}
