import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { envValue } from "#lib/runtime/env.ts";

/** The project's root folder. */
export const projectDir = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** The settings of `npm start`; the README's table describes them. */
export const launcherEnv = z
  .object({
    SWITCHYARD_PORT: envValue.port().default(3000),
    SWITCHYARD_URL: envValue.url("http", "https").optional(),
    SWITCHYARD_DATA_DIR: envValue.text().default(resolve(projectDir, ".switchyard")),
    SWITCHYARD_KUBECONFIG: envValue.text().optional(),
    SWITCHYARD_DEMO: envValue.boolean().default(true),
    SWITCHYARD_INSTALL: z.enum(["auto", "never"], "wants auto or never").default("auto"),
    SWITCHYARD_POSTGRES_PORT: envValue.port().default(15432),
    SWITCHYARD_CLUSTER_PORT: envValue.port().default(16443),
    SWITCHYARD_CLUSTER_NETWORK: z
      .string()
      .regex(/^127\.(\d{1,2}|1\d\d|2[0-4]\d|25[0-4])$/, "wants the first half of a loopback network, e.g. 127.10")
      .default("127.10"),
    SWITCHYARD_CONTROLLER_PORT: envValue.port().default(3901),
    DATABASE_URL: envValue.url("postgresql", "postgres").optional(),
    PROMETHEUS_URL: envValue.url("http", "https").optional(),
    PROMETHEUS_EXTERNAL_URL: envValue.url("http", "https").optional(),
    ALERTMANAGER_URL: envValue.url("http", "https").optional(),
    SWITCHYARD_SCRAPE_INTERVAL_SECONDS: envValue.integer(1, 300).transform(String).optional(),
    NEXTAUTH_SECRET: z.string().min(32, "wants at least 32 characters").optional(),
    SWITCHYARD_ENCRYPTION_KEY: z.string().min(32, "wants at least 32 characters").optional(),
    SWITCHYARD_BACKUP_STORAGE: envValue.text().optional(),
    SWITCHYARD_BACKUP_ACCESS_KEY_ID: envValue.text().optional(),
    SWITCHYARD_BACKUP_SECRET_ACCESS_KEY: envValue.text().optional(),
    SWITCHYARD_BACKUP_KEYS: envValue.text().optional(),
    SWITCHYARD_WORK_DIR: envValue.text().optional(),
    AWS_ACCESS_KEY_ID: envValue.text().optional(),
    AWS_SECRET_ACCESS_KEY: envValue.text().optional(),
    AWS_SESSION_TOKEN: envValue.text().optional(),
    AWS_PROFILE: envValue.text().optional(),
    AWS_ROLE_ARN: envValue.text().optional(),
    AWS_WEB_IDENTITY_TOKEN_FILE: envValue.text().optional(),
    SWITCHYARD_NODE_POWER: envValue.text().optional(),
    LOG_LEVEL: envValue.logLevel().default("info"),
    KUBERNETES_SERVICE_HOST: envValue.text().optional(),
    KUBERNETES_SERVICE_PORT: envValue.text().optional(),
  })
  .superRefine((env, context) => {
    if (env.SWITCHYARD_KUBECONFIG && !existsSync(env.SWITCHYARD_KUBECONFIG)) {
      context.addIssue({ code: "custom", path: ["SWITCHYARD_KUBECONFIG"], message: "wants the path of a file that exists" });
    }
    const ports = [
      env.SWITCHYARD_PORT,
      env.SWITCHYARD_POSTGRES_PORT,
      env.SWITCHYARD_CLUSTER_PORT,
      env.SWITCHYARD_CONTROLLER_PORT,
    ];
    if (new Set(ports).size < ports.length) {
      context.addIssue({
        code: "custom",
        path: ["SWITCHYARD_PORT"],
        message: "wants a port that no other SWITCHYARD_*_PORT has",
      });
    }
  })
  .transform((env) => ({
    port: env.SWITCHYARD_PORT,
    url: env.SWITCHYARD_URL ?? `http://localhost:${env.SWITCHYARD_PORT}`,
    dataDir: resolve(env.SWITCHYARD_DATA_DIR),
    /** Absent: the local cluster is started. */
    cluster: clusterAccess(env),
    demo: env.SWITCHYARD_DEMO,
    mayInstall: env.SWITCHYARD_INSTALL === "auto",
    postgresPort: env.SWITCHYARD_POSTGRES_PORT,
    clusterPort: env.SWITCHYARD_CLUSTER_PORT,
    clusterNetwork: env.SWITCHYARD_CLUSTER_NETWORK,
    controllerPort: env.SWITCHYARD_CONTROLLER_PORT,
    databaseUrl: env.DATABASE_URL,
    prometheusUrl: env.PROMETHEUS_URL,
    prometheusExternalUrl: env.PROMETHEUS_EXTERNAL_URL,
    alertmanagerUrl: env.ALERTMANAGER_URL,
    scrapeIntervalSeconds: env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS,
    authSecret: env.NEXTAUTH_SECRET,
    encryptionKey: env.SWITCHYARD_ENCRYPTION_KEY,
    recovery: recoverySettings(env),
    /** Who asks S3-compatible places that have no key of their own. */
    cloud: given(
      env,
      ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "ROLE_ARN", "WEB_IDENTITY_TOKEN_FILE"].map(
        (name) => `AWS_${name}`,
      ),
    ),
    logLevel: env.LOG_LEVEL,
  }));

export type LauncherSettings = z.output<typeof launcherEnv>;

/** What was said about backups, as the controller reads it. */
function recoverySettings(env: Record<string, unknown>): Record<string, string> {
  const ofBackups = ["STORAGE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "KEYS"].map((name) => `SWITCHYARD_BACKUP_${name}`);
  return given(env, [...ofBackups, "SWITCHYARD_WORK_DIR"]);
}

function given(env: Record<string, unknown>, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (typeof env[name] === "string" ? [[name, env[name]]] : [])));
}

type ClusterVariables = {
  SWITCHYARD_KUBECONFIG?: string;
  SWITCHYARD_NODE_POWER?: string;
  KUBERNETES_SERVICE_HOST?: string;
  KUBERNETES_SERVICE_PORT?: string;
};

/**
 * The variables that tell Switchyard's processes which real cluster to use, and what has the power over its nodes. A person's own
 * KUBECONFIG is never among them.
 */
function clusterAccess(env: ClusterVariables): Record<string, string> | undefined {
  const power: Record<string, string> = env.SWITCHYARD_NODE_POWER ? { SWITCHYARD_NODE_POWER: env.SWITCHYARD_NODE_POWER } : {};
  if (env.SWITCHYARD_KUBECONFIG) return { SWITCHYARD_KUBECONFIG: resolve(env.SWITCHYARD_KUBECONFIG), ...power };
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT = "443" } = env;
  if (!KUBERNETES_SERVICE_HOST || !existsSync(serviceAccountToken)) return undefined;
  return { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, ...power };
}
