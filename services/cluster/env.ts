import { z } from "zod";
import { envValue } from "#lib/runtime/env.ts";

import { networkPattern } from "./network.ts";

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export const clusterEnv = z.object({
  CLUSTER_DATA_DIR: envValue.text(),
  CLUSTER_PORT: envValue.port().default(16443),
  CLUSTER_NAMESPACE: z.string().regex(dnsLabel, "wants a namespace name").default("default"),
  CLUSTER_NODES: z
    .string()
    .default("node-1,node-2,node-3")
    .transform((text, context) => {
      const names = text.split(",").map((name) => name.trim());
      if (names.every((name) => dnsLabel.test(name)) && new Set(names).size === names.length && names.length <= 20) return names;
      context.addIssue({ code: "custom", message: "wants 1 to 20 different node names, separated by commas" });
      return z.NEVER;
    }),
  CLUSTER_NETWORK: z.string().regex(networkPattern, "wants the first half of a loopback network, e.g. 127.10").default("127.10"),
  CLUSTER_NODE_GRACE_SECONDS: envValue.integer(1, 3600).default(40),
  /** A Prometheus that the autoscaler asks for Pods metrics. */
  CLUSTER_PROMETHEUS_URL: envValue.url("http", "https").optional(),
  CLUSTER_METRICS_SECONDS: envValue.integer(1, 3600).default(10),
  CLUSTER_AUTOSCALER_SECONDS: envValue.integer(1, 3600).default(15),
  LOG_LEVEL: envValue.logLevel().default("info"),
});

export type ClusterEnv = z.output<typeof clusterEnv>;
