import type { V1EndpointSlice, V1Endpoints, V1Service } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { setServiceDefaults } from "../defaults/workload-defaults.ts";
import { endpointSliceTable, endpointsTable, serviceTable } from "../tables/network-tables.ts";
import { validateEndpointSlice, validateEndpointSliceUpdate, validateEndpoints } from "../validation/endpoints-validation.ts";
import { validateService, validateServiceUpdate } from "../validation/service-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

type Port = { name?: string; protocol?: string };
type Subset = { ports?: Port[] };

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
    table: serviceTable,
    setDefaults(object) {
      const { spec } = asService(object);
      if (spec) setServiceDefaults(spec);
    },
    prepareCreate(object, surroundings) {
      object.status = { loadBalancer: {} };
      const { spec } = asService(object);
      if (!spec || spec.type === "ExternalName") return;
      spec.clusterIP ??= surroundings.takeClusterIP();
      spec.clusterIPs = [spec.clusterIP];
    },
    prepareUpdate(object, stored) {
      const [after, before] = [asService(object).spec, asService(stored).spec];
      if (!after || after.type === "ExternalName") return;
      after.clusterIP ??= before?.clusterIP;
      if (after.clusterIP) after.clusterIPs = [after.clusterIP];
    },
    validate: (object, errors) => validateService(asService(object), errors),
    validateCreate(object, surroundings, errors) {
      const clusterIP = asService(object).spec?.clusterIP;
      if (!clusterIP || clusterIP === "None") return;
      const field = "spec.clusterIPs";
      if (!surroundings.hasClusterIP(clusterIP)) {
        const detail = `failed to allocate IP ${clusterIP}: the provided IP is not in the valid range. The range of valid IPs is ${surroundings.serviceRange}`;
        errors.invalid(field, [clusterIP], detail);
      } else if (surroundings.isClusterIPTaken(clusterIP)) {
        errors.invalid(field, [clusterIP], `failed to allocate IP ${clusterIP}: provided IP is already allocated`);
      }
    },
    validateUpdate: (object, stored, errors) => validateServiceUpdate(asService(object), asService(stored), errors),
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
    table: endpointsTable,
    setDefaults(object) {
      for (const { ports } of (object.subsets ?? []) as Subset[]) setPortDefaults(ports);
    },
    validate: (object, errors) => validateEndpoints(object as unknown as V1Endpoints, errors),
  },
  {
    id: { group: "discovery.k8s.io", resource: "endpointslices" },
    version: "v1",
    kind: "EndpointSlice",
    singular: "endpointslice",
    namespaced: true,
    type: "V1EndpointSlice",
    nameRule: "subdomain",
    table: endpointSliceTable,
    setDefaults(object) {
      setPortDefaults(object.ports as Port[] | undefined);
    },
    validate: (object, errors) => validateEndpointSlice(asSlice(object), errors),
    validateUpdate: (object, stored, errors) => validateEndpointSliceUpdate(asSlice(object), asSlice(stored), errors),
  },
];

function asService(object: KubeObject): V1Service {
  return object as unknown as V1Service;
}

function asSlice(object: KubeObject): V1EndpointSlice {
  return object as unknown as V1EndpointSlice;
}

function setPortDefaults(ports: Port[] = []): void {
  for (const port of ports) port.protocol ??= "TCP";
}
