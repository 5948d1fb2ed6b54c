import type { NewObject } from "../../api.ts";
import type { Container, Labels, Pod } from "../objects.ts";
import { controllerReference } from "../owners.ts";
import { indexKey } from "./indexes.ts";
import { trackingFinalizer } from "./tracking.ts";
import type { Job } from "./types.ts";

const indexVariable = "JOB_COMPLETION_INDEX";
const longestPrefix = 57;

/** A pod of the job; one with a completion index carries it as annotation, label, host name and variable. */
export function newPod(job: Job, index: number | undefined): NewObject<Pod> {
  const { metadata, spec } = job.spec.template;
  const { name, namespace } = job.metadata;
  const others = Array.isArray(metadata?.finalizers) ? (metadata.finalizers as string[]) : [];
  const identity: Labels = index === undefined ? {} : { [indexKey]: String(index) };
  const prefix = index === undefined ? `${name}-` : `${name.slice(0, longestPrefix - String(index).length)}-${index}-`;
  const annotations = { ...metadata?.annotations, ...identity };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: prefix,
      namespace,
      labels: { ...metadata?.labels, ...identity },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      finalizers: [...others, trackingFinalizer],
      ownerReferences: [controllerReference(job)],
    },
    spec:
      index === undefined
        ? spec
        : {
            ...spec,
            hostname: `${name}-${index}`.slice(0, 63),
            containers: spec.containers.map(withIndex),
            ...(spec.initContainers ? { initContainers: spec.initContainers.map(withIndex) } : {}),
          },
  };
}

function withIndex(container: Container & { env?: { name: string }[] }): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === indexVariable)) return container;
  const fieldRef = { apiVersion: "v1", fieldPath: `metadata.annotations['${indexKey}']` };
  return { ...container, env: [...env, { name: indexVariable, valueFrom: { fieldRef } }] } as Container;
}
