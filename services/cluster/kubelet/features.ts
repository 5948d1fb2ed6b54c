import type { Container, Pod, PodSpec } from "./pod.ts";
import { containerCapabilities } from "./sandbox.ts";

type OtherSpecFields = {
  hostPID?: boolean;
  hostIPC?: boolean;
  hostUsers?: boolean;
  shareProcessNamespace?: boolean;
  hostAliases?: unknown[];
  dnsConfig?: object;
  ephemeralContainers?: unknown[];
  resourceClaims?: unknown[];
};

type OtherContainerFields = {
  stdin?: boolean;
  tty?: boolean;
  volumeDevices?: unknown[];
  volumeMounts?: { mountPropagation?: string }[];
  securityContext?: { privileged?: boolean; procMount?: string; capabilities?: { add?: string[] } };
};

/** What a pod asks for that this kubelet cannot give, by the name of the field; undefined when it can run the pod as it is meant. */
export function findUnsupported({ spec }: Pick<Pod, "spec">): string | undefined {
  const fields = spec as PodSpec & OtherSpecFields;
  for (const name of ["hostPID", "hostIPC", "shareProcessNamespace"] as const) if (fields[name]) return name;
  if (fields.hostUsers === false) return "hostUsers: false";
  for (const name of ["hostAliases", "ephemeralContainers", "resourceClaims"] as const) {
    if ((fields[name]?.length ?? 0) > 0) return name;
  }
  if (fields.dnsConfig && Object.keys(fields.dnsConfig).length > 0) return "dnsConfig";
  for (const kind of ["initContainers", "containers"] as const) {
    for (const container of spec[kind] ?? []) {
      const field = unsupportedOf(container);
      if (field) return `${kind}[${container.name}].${field}`;
    }
  }
  return undefined;
}

function unsupportedOf(container: Container): string | undefined {
  const { stdin, tty, volumeDevices, volumeMounts, securityContext } = container as OtherContainerFields;
  if (stdin) return "stdin";
  if (tty) return "tty";
  if ((volumeDevices?.length ?? 0) > 0) return "volumeDevices";
  if (volumeMounts?.some(({ mountPropagation = "None" }) => mountPropagation !== "None")) return "volumeMounts.mountPropagation";
  if (securityContext?.privileged) return "securityContext.privileged";
  if (securityContext?.procMount && securityContext.procMount !== "Default") return "securityContext.procMount";
  const added = securityContext?.capabilities?.add ?? [];
  const missing = added.find((name) => !containerCapabilities.includes(name.toLowerCase().replace(/^cap_/, "")));
  return missing && `securityContext.capabilities.add: ${missing}`;
}
