import type { Logger } from "#lib/runtime/logger.ts";
import type { ApiClient } from "../api-client.ts";
import type { AddressPool } from "./addresses.ts";
import type { ServiceForEnv } from "./environment.ts";
import type { EventRecorder } from "./events.ts";
import type { Person } from "./sandbox.ts";

/** What the parts of a pod use of its node. */
export type NodeContext = {
  client: ApiClient;
  events: EventRecorder;
  logger: Logger;
  person: Person;
  hostIP: string;
  capacity: { cpu: string; memory: string };
  addresses: AddressPool;
  imagesDir: string;
  appDir: string;
  hiddenInApp: string[];
  rootFolder: string;
  podsFolder: string;
  /** The same for what lives in memory; undefined where there is no place for it. */
  memoryFolder: string | undefined;
  /** The certificate of the cluster's authority, in PEM. */
  authority: string;
  services: () => Iterable<ServiceForEnv>;
  /** Writes the namespace's hosts file and gives its path. */
  hostsFile: (namespace: string) => string;
  /** A pod that has ended no longer has its address, which another one may get. */
  onAddressFreed: () => void;
  /** The pod is gone: from this node, and from the API. */
  onGone: (uid: string) => void;
};
