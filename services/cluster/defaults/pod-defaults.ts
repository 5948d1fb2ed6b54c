import type {
  V1Container,
  V1HTTPGetAction,
  V1Pod,
  V1PodSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Volume,
} from "@kubernetes/client-node";

const fileMode = 0o644;

/** What real Kubernetes fills into a pod spec, in a template as in a pod. Source: pkg/apis/core/v1/defaults.go. */
export function setPodSpecDefaults(spec: V1PodSpec): void {
  spec.restartPolicy ??= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= "ClusterFirst";
  spec.securityContext ??= {};
  spec.schedulerName ??= "default-scheduler";
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    setContainerDefaults(container, spec.hostNetwork ?? false);
  }
}

/** What a pod gets beyond its template, by defaulting and by the usual admission plugins. */
export function setPodDefaults(spec: V1PodSpec): void {
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  for (const { resources } of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
  }
}

/** The admission plugins ServiceAccount, Priority and DefaultTolerationSeconds: at creation only. */
export function admitPod(spec: V1PodSpec): void {
  spec.serviceAccountName ??= "default";
  spec.serviceAccount = spec.serviceAccountName;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
  const tolerations = [...(spec.tolerations ?? [])];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const isTolerated = tolerations.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === "NoExecute"));
    if (!isTolerated) tolerations.push({ effect: "NoExecute", key, operator: "Exists", tolerationSeconds: 300 });
  }
  spec.tolerations = tolerations;
}

export function qosClass({ spec }: Pick<V1Pod, "spec">): "Guaranteed" | "Burstable" | "BestEffort" {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ resources }) => resources ?? {});
  const isSet = (list: V1ResourceRequirements["limits"]) => Object.keys(computeOnly(list)).length > 0;
  if (!all.some(({ limits, requests }) => isSet(limits) || isSet(requests))) return "BestEffort";
  const isGuaranteed = all.every(({ limits = {}, requests = {} }) =>
    (["cpu", "memory"] as const).every((name) => limits[name] && (requests[name] ?? limits[name]) === limits[name]),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function computeOnly(list: V1ResourceRequirements["limits"] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([name, value]) => /^(cpu|memory)$/.test(name) && value !== "0"));
}

function setContainerDefaults(container: V1Container, isHostNetwork: boolean): void {
  container.resources ??= {};
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  container.imagePullPolicy ??= isLatest(container.image ?? "") ? "Always" : "IfNotPresent";
  for (const port of container.ports ?? []) {
    port.protocol ??= "TCP";
    if (isHostNetwork) port.hostPort ??= port.containerPort;
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= "v1";
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= "0";
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) setProbeDefaults(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet) setHttpGetDefaults(handler.httpGet);
  }
}

function setProbeDefaults(probe: V1Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet) setHttpGetDefaults(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function setHttpGetDefaults(action: V1HTTPGetAction): void {
  action.path ??= "/";
  action.scheme ??= "HTTP";
}

function setVolumeDefaults(volume: V1Volume): void {
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  if (volume.hostPath) volume.hostPath.type ??= "";
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source) source.defaultMode ??= fileMode;
  }
  const projections = (volume.projected?.sources ?? []).map((source) => source.downwardAPI);
  for (const item of [volume.downwardAPI, ...projections].flatMap((source) => source?.items ?? [])) {
    if (item.fieldRef) item.fieldRef.apiVersion ??= "v1";
    if (item.resourceFieldRef) item.resourceFieldRef.divisor ??= "0";
  }
  for (const { serviceAccountToken } of volume.projected?.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
  }
}

function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest";
}
