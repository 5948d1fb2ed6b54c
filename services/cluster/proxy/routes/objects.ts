/** The fields of the route kinds that are honoured; deploy/demo/05-routes.yaml admits no others. */
export type RouteMetadata = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp?: string;
};

export type VirtualServiceRoute = { destination: { host: string; port?: { number: number } }; weight?: number };

export type VirtualService = {
  metadata: RouteMetadata;
  spec: {
    hosts: string[];
    http: {
      name?: string;
      match?: { name?: string; headers: Record<string, { exact: string }> }[];
      route: VirtualServiceRoute[];
    }[];
  };
};

export type ParentRef = { group?: string; kind?: string; namespace?: string; name: string; port?: number; sectionName?: string };

export type BackendRef = { group?: string; kind?: string; namespace?: string; name: string; port?: number; weight?: number };

export type HttpRouteRule = {
  name?: string;
  matches?: { headers?: { type?: string; name: string; value: string }[] }[];
  backendRefs?: BackendRef[];
};

export type HttpRoute = {
  metadata: RouteMetadata;
  spec: { parentRefs?: ParentRef[]; rules?: HttpRouteRule[] };
};

/** A Service as far as routes look at it. */
export type RoutedService = {
  metadata: { name: string; namespace?: string };
  spec: { type?: string; ports?: { name?: string; port: number; protocol?: string; appProtocol?: string }[] };
};

/** The older route decides where two contradict each other, then the one whose name comes first. */
export function byAge(left: { metadata: RouteMetadata }, right: { metadata: RouteMetadata }): number {
  const keyOf = ({ metadata }: { metadata: RouteMetadata }) =>
    `${metadata.creationTimestamp ?? ""} ${metadata.namespace}/${metadata.name}`;
  return keyOf(left) < keyOf(right) ? -1 : 1;
}
