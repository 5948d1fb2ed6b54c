import { plainTable } from "../tables/table.ts";
import type { ResourceDefinition } from "./definition.ts";

export const configurationResources: ResourceDefinition[] = [
  {
    id: { group: "", resource: "configmaps" },
    version: "v1",
    kind: "ConfigMap",
    singular: "configmap",
    shortNames: ["cm"],
    namespaced: true,
    type: "V1ConfigMap",
    nameRule: "subdomain",
    table: plainTable,
  },
  {
    id: { group: "", resource: "secrets" },
    version: "v1",
    kind: "Secret",
    singular: "secret",
    namespaced: true,
    type: "V1Secret",
    nameRule: "subdomain",
    selectableFields: { names: ["type"], of: (object) => ({ type: String(object.type ?? "") }) },
    table: plainTable,
  },
  {
    id: { group: "", resource: "serviceaccounts" },
    version: "v1",
    kind: "ServiceAccount",
    singular: "serviceaccount",
    shortNames: ["sa"],
    namespaced: true,
    type: "V1ServiceAccount",
    nameRule: "subdomain",
    table: plainTable,
  },
  {
    id: { group: "", resource: "events" },
    version: "v1",
    kind: "Event",
    singular: "event",
    shortNames: ["ev"],
    namespaced: true,
    type: "CoreV1Event",
    nameRule: "subdomain",
    table: plainTable,
  },
];
