import { plainTable } from "../tables/table.ts";
import type { ResourceDefinition } from "./definition.ts";

export const networkingResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "services" },
    version: "v1",
    kind: "Service",
    singular: "service",
    shortNames: ["svc"],
    categories: ["all"],
    namespaced: true,
    type: "V1Service",
    hasStatus: true,
    nameRule: "service",
    selectableFields: {
      names: ["spec.clusterIP", "spec.type"],
      of: (object) => {
        const spec = object.spec as { clusterIP?: string; type?: string } | undefined;
        return { "spec.clusterIP": spec?.clusterIP ?? "", "spec.type": spec?.type ?? "" };
      },
    },
    table: plainTable,
    prepareCreate(object, surroundings) {
      object.status = { loadBalancer: {} };
      const spec = object.spec as { type?: string; clusterIP?: string; clusterIPs?: string[] };
      if (spec.type === "ExternalName") return;
      spec.clusterIP ??= surroundings.takeClusterIP();
      spec.clusterIPs = [spec.clusterIP];
    },
  },
  {
    id: { group: "", resource: "endpoints" },
    version: "v1",
    kind: "Endpoints",
    singular: "endpoints",
    shortNames: ["ep"],
    namespaced: true,
    type: "V1Endpoints",
    nameRule: "subdomain",
    table: plainTable,
  },
  {
    id: { group: "discovery.k8s.io", resource: "endpointslices" },
    version: "v1",
    kind: "EndpointSlice",
    singular: "endpointslice",
    namespaced: true,
    type: "V1EndpointSlice",
    nameRule: "subdomain",
    table: plainTable,
  },
];
