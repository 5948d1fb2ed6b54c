import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { envValue } from "#lib/runtime/env.ts";
import { parseQuantity } from "./resources.ts";

const projectDir = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const loopback = z
  .string("wants a loopback address such as 127.10.0.1")
  .regex(/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/, "wants a loopback address such as 127.10.0.1");
const quantity = z.string().refine((text) => parseQuantity(text) > 0, "wants a quantity such as 4, 500m or 8Gi");

export const kubeletEnv = z
  .object({
    KUBELET_NODE_NAME: z.string("wants a node name").regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "wants a node name"),
    KUBELET_KUBECONFIG: envValue.text(),
    KUBELET_DATA_DIR: envValue.text(),
    KUBELET_ADDRESS: loopback,
    KUBELET_PORT: envValue.port().default(10250),
    KUBELET_POD_CIDR: z
      .string("wants a network such as 127.10.10.0/24")
      .regex(/^127\.[\d.]+\/\d+$/, "wants a network such as 127.10.10.0/24"),
    KUBELET_PKI_DIR: envValue.text().optional(),
    KUBELET_TOKEN_FILE: envValue.text().optional(),
    KUBELET_CAPACITY_CPU: quantity.default("4"),
    KUBELET_CAPACITY_MEMORY: quantity.default("8Gi"),
    KUBELET_LEASE_SECONDS: envValue.integer(1, 600).default(40),
    KUBELET_MAX_PODS: envValue.integer(1, 250).default(110),
    KUBELET_IMAGES: envValue.text().default(join(projectDir, "services", "cluster", "images")),
    KUBELET_APP_DIR: envValue.text().default(projectDir),
    KUBELET_SHUTDOWN_GRACE_SECONDS: envValue.integer(0, 600).default(5),
    LOG_LEVEL: envValue.logLevel().default("info"),
  })
  .transform((env) => {
    const folder = dirname(env.KUBELET_KUBECONFIG);
    return {
      nodeName: env.KUBELET_NODE_NAME,
      kubeconfig: env.KUBELET_KUBECONFIG,
      dataDir: env.KUBELET_DATA_DIR,
      address: env.KUBELET_ADDRESS,
      port: env.KUBELET_PORT,
      podCidr: env.KUBELET_POD_CIDR,
      pkiDir: env.KUBELET_PKI_DIR ?? join(folder, "pki"),
      tokenFile: env.KUBELET_TOKEN_FILE ?? join(folder, "kubelet.token"),
      capacity: { cpu: env.KUBELET_CAPACITY_CPU, memory: env.KUBELET_CAPACITY_MEMORY, pods: String(env.KUBELET_MAX_PODS) },
      leaseSeconds: env.KUBELET_LEASE_SECONDS,
      imagesDir: env.KUBELET_IMAGES,
      appDir: env.KUBELET_APP_DIR,
      shutdownGraceSeconds: env.KUBELET_SHUTDOWN_GRACE_SECONDS,
      logLevel: env.LOG_LEVEL,
    };
  });

export type KubeletSettings = z.output<typeof kubeletEnv>;
