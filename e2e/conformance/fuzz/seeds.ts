/** A small good object of many kinds: what the malformed ones are made from, and what exists while they are sent. */
const labels = { app: "a" };
const podSpec = { containers: [{ name: "main", image: "x:1", ports: [{ containerPort: 80, name: "http" }] }] };
const template = { metadata: { labels }, spec: podSpec };
const jobTemplate = { spec: { template: { spec: { ...podSpec, restartPolicy: "Never" } } } };
const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
const subjects = [{ kind: "User", name: "a", apiGroup: "rbac.authorization.k8s.io" }];
const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: "a" });

export const seeds: Record<string, Record<string, unknown>> = {
  namespaces: {},
  nodes: { spec: { podCIDR: "127.72.200.0/24" }, metadata: { labels } },
  pods: { spec: podSpec, metadata: { labels } },
  services: { spec: { selector: labels, ports: [{ port: 80, targetPort: "http" }] } },
  endpoints: { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] },
  configmaps: { data: { k: "v" } },
  secrets: { data: { k: "dg==" }, type: "Opaque" },
  serviceaccounts: {},
  events: { involvedObject: { kind: "Pod", namespace: "default", name: "a" }, reason: "R", message: "m", type: "Normal" },
  persistentvolumeclaims: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
  persistentvolumes: {
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/tmp/switchyard-fuzz" } },
  },
  deployments: { spec: { replicas: 1, selector: { matchLabels: labels }, template } },
  replicasets: { spec: { replicas: 1, selector: { matchLabels: labels }, template } },
  statefulsets: { spec: { replicas: 1, serviceName: "a", selector: { matchLabels: labels }, template } },
  controllerrevisions: { revision: 1, data: {} },
  jobs: { spec: jobTemplate.spec },
  cronjobs: { spec: { schedule: "* * * * *", jobTemplate } },
  horizontalpodautoscalers: {
    spec: {
      minReplicas: 1,
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" },
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
    },
  },
  poddisruptionbudgets: { spec: { minAvailable: 1, selector: { matchLabels: labels } } },
  networkpolicies: { spec: { podSelector: { matchLabels: labels }, policyTypes: ["Ingress"] } },
  storageclasses: { provisioner: "switchyard.dev/local" },
  roles: { rules },
  rolebindings: { roleRef: roleRef("Role"), subjects },
  clusterroles: { rules },
  clusterrolebindings: { roleRef: roleRef("ClusterRole"), subjects },
  customresourcedefinitions: {
    spec: {
      group: "fuzz.example.com",
      scope: "Namespaced",
      names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { n: { type: "integer" } } } } },
          },
        },
      ],
    },
  },
  endpointslices: { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80, name: "http" }] },
  leases: { spec: { holderIdentity: "a", leaseDurationSeconds: 40, renewTime: "2026-01-01T00:00:00.000000Z" } },
};
