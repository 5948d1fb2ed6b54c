import type { Catalogue } from "../resources/catalogue.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";

/**
 * The OpenAPI v2 document: no schemas, so that clients leave the checking of fields to the server, but for each kind a PATCH
 * with the query parameters by which kubectl learns that dryRun and fieldValidation are there.
 */
const title = "Kubernetes";
const parameterNames = ["dryRun", "fieldValidation"];

export const protobufContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export function openApiV2(catalogue: Catalogue, version: string): object {
  const paths = catalogue.served.map((definition) => [
    pathOf(definition),
    {
      patch: {
        parameters: parameterNames.map((name) => ({ name, in: "query", type: "string", uniqueItems: true })),
        responses: { "200": { description: "OK" } },
        "x-kubernetes-group-version-kind": groupVersionKind(definition),
      },
    },
  ]);
  return { swagger: "2.0", info: { title, version }, paths: Object.fromEntries(paths), definitions: {} };
}

/** The same in the protobuf form of gnostic's OpenAPIv2.proto, the only one that kubectl asks for. */
export function openApiV2Protobuf(catalogue: Catalogue, version: string): Buffer {
  const paths = catalogue.served.map((definition) => {
    const extension = message(
      field(1, "x-kubernetes-group-version-kind"),
      field(2, message(field(2, JSON.stringify(groupVersionKind(definition))))),
    );
    const parameters = parameterNames.map((name) => field(8, queryParameter(name)));
    const patch = message(...parameters, field(13, extension));
    return field(2, message(field(1, pathOf(definition)), field(2, message(field(8, patch)))));
  });
  return message(field(1, "2.0"), field(2, message(field(1, title), field(2, version))), field(8, message(...paths)));
}

function queryParameter(name: string): Buffer {
  const query = message(field(2, "query"), field(4, name), field(6, "string"));
  return message(field(1, message(field(2, message(field(3, query))))));
}

function groupVersionKind({ id, version, kind }: ResourceDefinition) {
  return { group: id.group, version, kind };
}

function pathOf(definition: ResourceDefinition): string {
  const root = definition.id.group ? "/apis" : "/api";
  const namespace = definition.namespaced ? "/namespaces/{namespace}" : "";
  return `${root}/${apiVersionOf(definition)}${namespace}/${definition.id.resource}/{name}`;
}

function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** A length-delimited field. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
