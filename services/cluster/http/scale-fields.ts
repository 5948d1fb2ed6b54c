import type { V1Deployment } from "@kubernetes/client-node";
import { type KubeObject, StatusError } from "../api.ts";
import { isObject } from "../patch/merge-patch.ts";
import { valuesAt } from "../resources/custom/json-path.ts";
import type { ScalePaths } from "../resources/definition.ts";
import { selectorText } from "../tables/workload-tables.ts";

/** What the scale subresource shows of an object. */
export type ScaleFields = { replicas: number; statusReplicas: number; selector: string };

/** Kubernetes: the paths of a custom resource definition (pkg/registry/customresource/etcd.go), or those of workloads. */
export function scaleFieldsOf(object: KubeObject, paths: ScalePaths | undefined): ScaleFields {
  if (!paths) {
    const { spec, status } = object as unknown as V1Deployment;
    const selector = selectorText(spec?.selector);
    return { replicas: spec?.replicas ?? 0, statusReplicas: status?.replicas ?? 0, selector };
  }
  const [replicas] = valuesAt(paths.specReplicasPath, object);
  const [statusReplicas] = valuesAt(paths.statusReplicasPath, object);
  const [selector] = paths.labelSelectorPath ? valuesAt(paths.labelSelectorPath, object) : [];
  return {
    replicas: typeof replicas === "number" ? replicas : 0,
    statusReplicas: typeof statusReplicas === "number" ? statusReplicas : 0,
    selector: typeof selector === "string" ? selector : "",
  };
}

/** Refuses to read the scale of an object that has no replicas, as Kubernetes does. */
export function requireReplicas(object: KubeObject, paths: ScalePaths | undefined): void {
  if (!paths || valuesAt(paths.specReplicasPath, object)[0] !== undefined) return;
  const detail = `the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`;
  throw new StatusError(500, "InternalError", `Internal error occurred: ${detail}`);
}

export function withReplicas(object: KubeObject, replicas: number, paths: ScalePaths | undefined): KubeObject {
  const steps = (paths?.specReplicasPath ?? ".spec.replicas").split(".").slice(1);
  return withValueAt(object, steps, replicas) as KubeObject;
}

function withValueAt(value: unknown, [step = "", ...rest]: string[], replicas: number): Record<string, unknown> {
  const fields = isObject(value) ? value : {};
  return { ...fields, [step]: rest.length === 0 ? replicas : withValueAt(fields[step], rest, replicas) };
}
