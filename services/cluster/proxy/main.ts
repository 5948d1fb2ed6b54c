import { existsSync } from "node:fs";
import { z } from "zod";
import { envValue, parseEnvOrExit } from "#lib/runtime/env.ts";
import { onShutdown } from "#lib/runtime/lifecycle.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { ApiClient, readKubeconfig } from "../api-client.ts";
import { ServiceProxy } from "./proxy.ts";

const env = parseEnvOrExit(z.object({ PROXY_KUBECONFIG: envValue.text(), LOG_LEVEL: envValue.logLevel().default("info") }));
const logger = createLogger("cluster-proxy", env.LOG_LEVEL);

let proxy: ServiceProxy | undefined;
onShutdown({ logger, parts: [{ name: "proxy", stop: () => proxy?.stop() }], timeoutMs: 5_000 });

while (!existsSync(env.PROXY_KUBECONFIG)) await new Promise((resolve) => setTimeout(resolve, 100));
proxy = new ServiceProxy(new ApiClient(readKubeconfig(env.PROXY_KUBECONFIG)), logger);
proxy.start();
logger.info("the proxy is running");
