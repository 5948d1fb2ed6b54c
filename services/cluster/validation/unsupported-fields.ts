import type { V1Container, V1PodSpec } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";

type Fields = Record<string, unknown>;

const notHere = "is not supported by the local cluster";
const ofPods = ["hostnameOverride", "overhead", "resources", "runtimeClassName", "schedulingGroup", "setHostnameAsFQDN"];
const ofPodContexts = ["seLinuxChangePolicy", "seLinuxOptions", "sysctls", "windowsOptions"];
const ofContainers = ["resizePolicy", "restartPolicyRules"];
const ofContainerContexts = ["seLinuxOptions", "windowsOptions"];

/**
 * Refuses what would have to be ignored. What the kubelet reports when it meets it (kubelet/features.ts) is not refused here,
 * nor is what many manifests say that means no less without it.
 */
export function refuseUnsupported(spec: V1PodSpec, path: string, errors: FieldErrors): void {
  refuse(spec as unknown as Fields, ofPods, path, errors);
  if (spec.os && spec.os.name !== "linux") errors.unsupported(`${path}.os.name`, spec.os.name, ["linux"]);
  const context = spec.securityContext as Fields | undefined;
  refuse(context, ofPodContexts, `${path}.securityContext`, errors);
  refuseProfiles(context, `${path}.securityContext`, errors);
  const groups = spec.securityContext?.supplementalGroupsPolicy;
  if (groups !== undefined && groups !== "Merge") {
    errors.unsupported(`${path}.securityContext.supplementalGroupsPolicy`, groups, ["Merge"]);
  }
  for (const field of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      refuseOfContainer(container, `${path}.${field}[${index}]`, errors);
    }
  }
}

function refuseOfContainer(container: V1Container, path: string, errors: FieldErrors): void {
  refuse(container as unknown as Fields, ofContainers, path, errors);
  refuse(container.lifecycle as Fields | undefined, ["stopSignal"], `${path}.lifecycle`, errors);
  refuse(container.resources as Fields | undefined, ["claims"], `${path}.resources`, errors);
  const context = container.securityContext as Fields | undefined;
  refuse(context, ofContainerContexts, `${path}.securityContext`, errors);
  refuseProfiles(context, `${path}.securityContext`, errors);
  for (const [index, { valueFrom }] of (container.env ?? []).entries()) {
    refuse(valueFrom as Fields | undefined, ["fileKeyRef"], `${path}.env[${index}].valueFrom`, errors);
  }
  for (const [index, { recursiveReadOnly }] of (container.volumeMounts ?? []).entries()) {
    if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") continue;
    errors.unsupported(`${path}.volumeMounts[${index}].recursiveReadOnly`, recursiveReadOnly, ["Disabled"]);
  }
}

/** A profile of the node's own has to be there; the runtime's default is what containers run with. */
function refuseProfiles(context: Fields | undefined, path: string, errors: FieldErrors): void {
  for (const kind of ["seccompProfile", "appArmorProfile"]) {
    const type = (context?.[kind] as { type?: string } | undefined)?.type;
    if (type === undefined || type === "RuntimeDefault" || type === "Unconfined") continue;
    errors.unsupported(`${path}.${kind}.type`, type, ["RuntimeDefault", "Unconfined"]);
  }
}

function refuse(given: Fields | undefined, fields: readonly string[], path: string, errors: FieldErrors): void {
  for (const field of fields) if (saysSomething(given?.[field])) errors.forbidden(`${path}.${field}`, notHere);
}

function saysSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
