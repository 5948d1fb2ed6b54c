import { createHash } from "node:crypto";
import type { KubernetesObject, V1ConfigMap, V1PodTemplateSpec } from "@kubernetes/client-node";

const configurationAnnotation = "switchyard.dev/configuration";

type Workload = KubernetesObject & { spec: { template: V1PodTemplateSpec } };

/**
 * Gives the pods of each workload a fingerprint of the ConfigMaps that they mount, so that a change of these replaces the pods: a
 * program that reads its files once would go on with the old ones. Pure.
 */
export function stampConfiguration(objects: KubernetesObject[]): KubernetesObject[] {
  const maps = new Map(objects.filter(isConfigMap).map((map) => [keyOf(map.metadata?.namespace, map.metadata?.name), map]));
  return objects.map((object) => {
    if (!isWorkload(object)) return object;
    const { template } = object.spec;
    const mounted = (template.spec?.volumes ?? []).flatMap(({ configMap }) => {
      const map = configMap && maps.get(keyOf(object.metadata?.namespace, configMap.name));
      return map ? [map.data] : [];
    });
    if (mounted.length === 0) return object;
    const fingerprint = createHash("sha256").update(JSON.stringify(mounted)).digest("hex").slice(0, 16);
    const annotations = { ...template.metadata?.annotations, [configurationAnnotation]: fingerprint };
    const stamped = { ...template, metadata: { ...template.metadata, annotations } };
    return { ...object, spec: { ...object.spec, template: stamped } } as KubernetesObject;
  });
}

function isConfigMap(object: KubernetesObject): object is V1ConfigMap {
  return object.kind === "ConfigMap";
}

function isWorkload(object: KubernetesObject): object is Workload {
  return object.kind === "Deployment" || object.kind === "StatefulSet";
}

function keyOf(namespace: string | undefined, name: string | undefined): string {
  return `${namespace}/${name}`;
}
