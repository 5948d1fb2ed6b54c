import type { V1EndpointSlice, V1Endpoints, V1Service } from "@kubernetes/client-node";
import { age, ageColumn, type TableFormat } from "./table.ts";

export const serviceTable: TableFormat = {
  columns: [
    { name: "Name" },
    { name: "Type" },
    { name: "Cluster-IP" },
    { name: "External-IP" },
    { name: "Port(s)" },
    ageColumn,
    { name: "Selector", wide: true },
  ],
  row: (object, now) => {
    const { spec } = object as unknown as V1Service;
    const ports = (spec?.ports ?? []).map(
      ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`,
    );
    return [
      object.metadata.name,
      spec?.type ?? "",
      spec?.clusterIP || "<none>",
      spec?.type === "ExternalName" ? (spec.externalName ?? "") : spec?.externalIPs?.join(",") || "<none>",
      ports.join(",") || "<none>",
      age(object.metadata.creationTimestamp, now),
      labelsText(spec?.selector),
    ];
  },
};

export const endpointsTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "Endpoints" }, ageColumn],
  row: (object, now) => {
    const { subsets = [] } = object as unknown as V1Endpoints;
    const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0
        ? addresses.map(({ ip }) => ip)
        : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip}:${port}`)),
    );
    return [object.metadata.name, shortened(all) || "<none>", age(object.metadata.creationTimestamp, now)];
  },
};

export const endpointSliceTable: TableFormat = {
  columns: [{ name: "Name" }, { name: "AddressType" }, { name: "Ports" }, { name: "Endpoints" }, ageColumn],
  row: (object, now) => {
    const slice = object as unknown as V1EndpointSlice;
    const ports = (slice.ports ?? []).map(({ port }) => (port === undefined ? "*" : String(port)));
    const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
    return [
      object.metadata.name,
      slice.addressType ?? "",
      shortened(ports) || "<unset>",
      shortened(addresses) || "<unset>",
      age(object.metadata.creationTimestamp, now),
    ];
  },
};

function shortened(values: string[]): string {
  if (values.length <= 3) return values.join(",");
  return `${values.slice(0, 3).join(",")} + ${values.length - 3} more...`;
}

function labelsText(labels: Record<string, string> = {}): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(",") || "<none>"
  );
}
