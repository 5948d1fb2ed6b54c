import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseEnv } from "#lib/runtime/env.ts";
import { launcherEnv } from "./env.ts";

const thisFile = fileURLToPath(import.meta.url);

test("nothing set means the local cluster, the embedded parts and port 3000", () => {
  const settings = parseEnv(launcherEnv, {});
  expect(settings).toMatchObject({ port: 3000, url: "http://localhost:3000", demo: true, mayInstall: true });
  expect(settings.cluster).toBeUndefined();
  expect(settings.databaseUrl).toBeUndefined();
});

test("a person's own KUBECONFIG is never picked up", () => {
  expect(parseEnv(launcherEnv, { KUBECONFIG: thisFile, HOME: "/root" }).cluster).toBeUndefined();
});

test("SWITCHYARD_KUBECONFIG names a real cluster, and must exist", () => {
  expect(parseEnv(launcherEnv, { SWITCHYARD_KUBECONFIG: thisFile }).cluster).toEqual({ SWITCHYARD_KUBECONFIG: thisFile });
  expect(() => parseEnv(launcherEnv, { SWITCHYARD_KUBECONFIG: "/nowhere" })).toThrow(
    'SWITCHYARD_KUBECONFIG: got "/nowhere"; wants the path of a file that exists',
  );
});

test("what has the power over a real cluster's nodes is handed on; the local cluster has its own", () => {
  const power = { SWITCHYARD_NODE_POWER: "https://power.example.com" };
  const { cluster } = parseEnv(launcherEnv, { SWITCHYARD_KUBECONFIG: thisFile, ...power });
  expect(cluster).toEqual({ SWITCHYARD_KUBECONFIG: thisFile, ...power });
  expect(parseEnv(launcherEnv, power).cluster).toBeUndefined();
});

test("what is said about backups is handed on as it is", () => {
  const said = { SWITCHYARD_BACKUP_STORAGE: "s3://backups/prod", SWITCHYARD_WORK_DIR: "/work" };
  expect(parseEnv(launcherEnv, { ...said, SWITCHYARD_BACKUP_KEYS: "" }).recovery).toEqual(said);
});

test("what the machine asks buckets with is handed on, and nothing else of its surroundings", () => {
  const cloud = { AWS_ROLE_ARN: "arn:aws:iam::1:role/wal", AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token" };
  expect(parseEnv(launcherEnv, { ...cloud, AWS_EXECUTION_ENV: "x", EDITOR: "vi" }).cloud).toEqual(cloud);
});

test("KUBERNETES_SERVICE_HOST alone, without a service account's token, is not in a cluster", () => {
  expect(parseEnv(launcherEnv, { KUBERNETES_SERVICE_HOST: "10.0.0.1" }).cluster).toBeUndefined();
});

test("every bad variable is named with what is wanted, secrets without their value", () => {
  const bad = { SWITCHYARD_PORT: "http", PROMETHEUS_URL: "prometheus:9090", NEXTAUTH_SECRET: "short", LOG_LEVEL: "loud" };
  expect(() => parseEnv(launcherEnv, bad)).toThrow(
    [
      'SWITCHYARD_PORT: got "http"; wants a port number from 0 to 65535',
      'PROMETHEUS_URL: got "prometheus:9090"; wants a URL that starts with http:// or https://',
      "NEXTAUTH_SECRET: got a value (not shown); wants at least 32 characters",
      'LOG_LEVEL: got "loud"; wants one of trace, debug, info, warn, error, fatal, silent',
    ].join("\n"),
  );
});

test("two parts on one port are refused", () => {
  expect(() => parseEnv(launcherEnv, { SWITCHYARD_PORT: "15432" })).toThrow("no other SWITCHYARD_*_PORT has");
});
