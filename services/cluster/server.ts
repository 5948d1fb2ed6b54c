import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Logger } from "#lib/runtime/logger.ts";
import { openAccess } from "./access/access.ts";
import { admitObject } from "./access/admission.ts";
import { auditedCluster } from "./access/audited-cluster.ts";
import type { Cluster, ResourceId } from "./api.ts";
import { ApiHandler } from "./http/api-handler.ts";
import { ExecTunnels } from "./http/exec.ts";
import { ObjectHandlers } from "./http/objects.ts";
import { MetricsCollector, type ResourceMetrics } from "./metrics/collector.ts";
import { askKubelets } from "./metrics/kubelet-summary.ts";
import { defaultNetwork, type Network } from "./network.ts";
import { openCredentials } from "./pki/credentials.ts";
import { ensureFirstObjects } from "./registry/first-objects.ts";
import { Registry } from "./registry/registry.ts";
import { Catalogue } from "./resources/catalogue.ts";
import { Store } from "./store/store.ts";
import { WatchHub } from "./watch/hub.ts";

export type ServerOptions = {
  dataDir: string;
  /** 0 for any free one. */
  port: number;
  /** The namespace of the kubeconfigs' context. */
  namespace: string;
  nodes: string[];
  /** 127.10 for nodes and pods and 127.11 for services by default. */
  network?: Network;
  logger: Logger;
  now?: () => Date;
  /** How many past changes of each resource a watch can catch up on. */
  watchHistory?: number;
  bookmarkMs?: number;
  watchLimitBytes?: number;
  compactAfterBytes?: number;
  /** How often the kubelets are asked what their pods use. */
  metricsIntervalMs?: number;
  /** Called when the data directory cannot be written any more. */
  onFailure?: (error: unknown) => void;
};

export type RunningServer = {
  /** `https://127.0.0.1:PORT`. */
  address: string;
  registry: Registry;
  /** The registry for the cluster's own controllers: what they write is in the audit log. */
  cluster: Cluster;
  kubeconfigPath: string;
  metrics: ResourceMetrics;
  stop(): Promise<void>;
};

/** Starts the API server on 127.0.0.1. Rejects when the port or the data directory is taken, or the data is damaged. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, logger, now = () => new Date(), network = defaultNetwork } = options;
  const store = await Store.open({
    directory: dataDir,
    logger,
    onFailure: options.onFailure ?? ((error) => logger.fatal({ err: error }, "the data directory cannot be written")),
    compactAfterBytes: options.compactAfterBytes,
  });
  try {
    const credentials = await openCredentials(dataDir, options.nodes, network, () => now().getTime());
    const catalogue = new Catalogue();
    const onKindReplaced = (id: ResourceId) => objects.endWatches(id);
    const registry = new Registry({ store, catalogue, now, network, onKindReplaced });
    const access = await openAccess({ cluster: registry, credentials, directory: dataDir, logger, now });
    const hub = new WatchHub(store, options.watchHistory);
    const objects = new ObjectHandlers({
      store,
      registry,
      hub,
      admit: (user, definition, draft, stored) => admitObject(access.authorizer, { user, definition, draft, stored }),
      now,
      bookmarkMs: options.bookmarkMs ?? 60_000,
      watchLimitBytes: options.watchLimitBytes ?? 8 * 1024 * 1024,
    });
    const kubelets = { authority: credentials.authority, token: credentials.kubeletToken };
    const metrics = new MetricsCollector({
      cluster: registry,
      ask: askKubelets(kubelets),
      logger,
      now,
      intervalMs: options.metricsIntervalMs,
    });
    const exec = new ExecTunnels(store, kubelets);
    let address = "";
    const handler = new ApiHandler({
      store,
      catalogue,
      registry,
      objects,
      access,
      serviceAccountKey: credentials.serviceAccountKey,
      exec,
      kubelets,
      metrics,
      logger,
      now,
      address: () => address.slice("https://".length),
    });
    const server = createServer(
      {
        cert: credentials.server.certificate,
        key: credentials.server.key,
        minVersion: "TLSv1.2",
        maxHeaderSize: 32 * 1024,
        headersTimeout: 10_000,
        requestTimeout: 60_000,
        keepAliveTimeout: 90_000,
      },
      (request, response) => void handler.handle(request, response),
    );
    server.on("upgrade", (request, socket, head) => void handler.handleUpgrade(request, socket, head));
    address = `https://127.0.0.1:${await listen(server, options.port)}`;
    await ensureFirstObjects(auditedCluster(registry, access.audit, "system:apiserver"), Number(new URL(address).port), network);
    const kubeconfigPath = await credentials.writeKubeconfigs(address, options.namespace);
    logger.info({ address, kubeconfig: kubeconfigPath }, "serving the Kubernetes API");
    metrics.start();
    const stop = async () => {
      await metrics.stop();
      exec.stop();
      await stopServing(server, objects);
      await access.stop();
      await store.close();
    };
    const cluster = auditedCluster(registry, access.audit, "system:kube-controller-manager");
    return { address, registry, cluster, kubeconfigPath, metrics, stop };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function stopServing(server: Server, objects: ObjectHandlers): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  objects.endWatches();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(timer);
}
