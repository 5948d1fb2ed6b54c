import type { Context } from "../../context.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { ManifestObject, ObjectsFacts } from "./objects.ts";

/** "unknown": a Secret that was written since; its content is compared by nobody. */
export type ObjectChange = { kind: string; name: string; change: "created" | "changed" | "same" | "unknown" };

/** What applying would do to a namespace, from the facts alone. Throws KubernetesError. */
export declare function planObjects(
  context: Pick<Context, "kubernetes">,
  facts: ObjectsFacts,
  namespace: string,
): Promise<ObjectChange[]>;

export type ApplyOptions = {
  namespace: string;
  /** Names of workloads whose present number of replicas stays. */
  keepReplicasOf?: ReadonlySet<string>;
};

/** Makes the objects what the archive says, one after another; the namespace is made when it is not there. May be repeated. */
export declare function applyObjects(
  context: Pick<Context, "kubernetes">,
  objects: readonly ManifestObject[],
  options: ApplyOptions,
): Promise<ObjectChange[]>;

/** Asks the server to take every object without writing any (dry run), and holds what is in the archive against the facts. */
export declare function proveObjects(
  context: Pick<Context, "kubernetes">,
  objects: readonly ManifestObject[],
  facts: ObjectsFacts,
): Promise<RecoveryCheck[]>;
