import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseEnvOrExit } from "#lib/runtime/env.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { ApiClient, readKubeconfig } from "../api-client.ts";
import { kubeletEnv } from "./env.ts";
import { Kubelet } from "./kubelet.ts";

const settings = parseEnvOrExit(kubeletEnv);
const logger = createLogger(`kubelet-${settings.nodeName}`, settings.logLevel);

let kubelet: Kubelet | undefined;
onShutdown({
  logger,
  parts: [{ name: "kubelet", stop: () => kubelet?.stop() }],
  timeoutMs: (settings.shutdownGraceSeconds + 10) * 1000,
});

// The API server writes these files when it first starts, which may be after this process did.
const needed = [settings.kubeconfig, settings.tokenFile, join(settings.pkiDir, `kubelet-${settings.nodeName}.key`)];
while (!needed.every((path) => existsSync(path))) await new Promise((resolve) => setTimeout(resolve, 100));

kubelet = new Kubelet(settings, new ApiClient(readKubeconfig(settings.kubeconfig)), logger);
await kubelet.start();
logger.info({ address: settings.address, port: settings.port }, "the kubelet is running");
