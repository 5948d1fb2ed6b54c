/** Which addresses stand behind each port of each Service, from Services, EndpointSlices and, where there are none, Endpoints. */
type Metadata = { name: string; namespace?: string; uid: string; resourceVersion: string; labels?: Record<string, string> };

export type Service = {
  metadata: Metadata;
  spec: {
    clusterIP?: string;
    type?: string;
    ports?: { name?: string; port: number; protocol?: string; appProtocol?: string }[];
    sessionAffinity?: string;
    sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  };
};

type Port = { name?: string; port?: number; protocol?: string };
type Conditions = { ready?: boolean; serving?: boolean; terminating?: boolean };

export type EndpointSlice = {
  metadata: Metadata;
  endpoints?: { addresses: string[]; conditions?: Conditions }[];
  ports?: Port[];
};

export type Endpoints = { metadata: Metadata; subsets?: { addresses?: { ip: string }[]; ports?: Port[] }[] };

export type Backend = { host: string; port: number };

/**
 * A TCP port of a Service. `host` is where to listen for it, undefined for headless Services, which only routes lead to.
 * `affinitySeconds` is 0 without ClientIP affinity.
 */
export type Frontend = {
  host: string | undefined;
  port: number;
  service: string;
  affinitySeconds: number;
  backends: Backend[];
};

const defaultAffinitySeconds = 10_800;

export function frontendsOf(services: Service[], slices: EndpointSlice[], endpoints: Endpoints[]): Frontend[] {
  const slicesOf = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.["kubernetes.io/service-name"]}`,
  );
  const endpointsOf = new Map(endpoints.map((entry) => [`${entry.metadata.namespace}/${entry.metadata.name}`, entry]));
  return services.flatMap(({ metadata, spec }) => {
    if (!spec.clusterIP || spec.type === "ExternalName") return [];
    const host = spec.clusterIP === "None" ? undefined : spec.clusterIP;
    const service = `${metadata.namespace}/${metadata.name}`;
    const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
    const affinitySeconds = spec.sessionAffinity === "ClientIP" ? timeout : 0;
    return (spec.ports ?? [])
      .filter(({ protocol = "TCP" }) => protocol === "TCP")
      .map(({ name = "", port }) => {
        const own = slicesOf.get(service);
        const backends = own ? fromSlices(own, name) : fromEndpoints(endpointsOf.get(service), name);
        return { host, port, service, affinitySeconds, backends };
      });
  });
}

/** Ready endpoints; when there is none, those that still serve while they terminate, as kube-proxy does. */
function fromSlices(slices: EndpointSlice[], portName: string): Backend[] {
  const all = slices.flatMap(({ endpoints = [], ports = [] }) => {
    const port = ports.find(({ name = "" }) => name === portName)?.port;
    return port === undefined ? [] : endpoints.map((endpoint) => ({ ...endpoint, port }));
  });
  const ready = all.filter(({ conditions }) => conditions?.ready !== false);
  const draining = all.filter(({ conditions }) => conditions?.terminating && conditions.serving);
  const chosen = ready.length > 0 ? ready : draining;
  return chosen.flatMap(({ addresses, port }) => addresses.map((host) => ({ host, port })));
}

function fromEndpoints(endpoints: Endpoints | undefined, portName: string): Backend[] {
  return (endpoints?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find(({ name = "" }) => name === portName)?.port;
    return port === undefined ? [] : addresses.map(({ ip }) => ({ host: ip, port }));
  });
}
