import { X509Certificate } from "node:crypto";
import { z } from "zod";
import type { Context } from "../../context.ts";
import type { PartSource } from "../archive/pack.ts";
import { type Subject, subjectName } from "../schemas.ts";
import {
  cleanObject,
  fieldsOf,
  hashObject,
  type LiveObject,
  type ManifestObject,
  readObject,
  writeObject,
} from "./object-form.ts";
import { inOrder } from "./object-kinds.ts";
import { type FoundObject, findObjects } from "./object-search.ts";

/** What was saved of a service's objects. It stands in plain text beside the archive: nothing of a Secret but its name. */
export const objectsFactsSchema = z.object({
  namespace: z.string(),
  service: z.string(),
  objects: z.array(
    z.object({
      apiVersion: z.string(),
      kind: z.string(),
      name: z.string(),
      /** Its file in the archive. */
      file: z.string(),
      /** Of what it says; null for a Secret, whose words could be guessed from it. */
      hash: z.string().nullable(),
      uid: z.string(),
      resourceVersion: z.string(),
    }),
  ),
  /** Certificates in its Secrets, and until when they are good. */
  certificates: z.array(
    z.object({ secret: z.string(), key: z.string(), names: z.array(z.string()), notAfter: z.iso.datetime() }),
  ),
  /** What it names and the cluster did not have: "Secret relay-tls". */
  missing: z.array(z.string()),
});
export type ObjectsFacts = z.output<typeof objectsFactsSchema>;
export type SavedObject = ObjectsFacts["objects"][number];

type ServiceSubject = Subject & { kind: "service" };

/** The service's own objects and what they reference, one clean YAML file each, which `kubectl apply` takes again. */
export function objectsPart({ kubernetes }: Pick<Context, "kubernetes">, subject: ServiceSubject): PartSource {
  return {
    name: "objects",
    title: `Kubernetes objects of ${subjectName(subject)}`,
    async open() {
      const { found, missing } = await findObjects(kubernetes, subject.ref);
      const objects = inOrder(found).map(({ kind, live }) => ({ live, object: cleanObject(kind, live) }));
      const facts: ObjectsFacts = {
        namespace: subject.ref.namespace,
        service: subject.ref.name,
        objects: objects.map(({ live, object }) => describe(live, object)),
        certificates: found.flatMap(readCertificates),
        missing,
      };
      return {
        files: objects.map(({ object }) => ({
          name: fileOf(object),
          async *open() {
            yield Buffer.from(writeObject(object));
          },
        })),
        facts: () => Promise.resolve(facts),
        close: () => Promise.resolve(),
      };
    },
  };
}

/** The largest object that an API server takes is far smaller. */
const mostBytes = 16 * 1024 * 1024;

/** Reads a file of the part to its end. Throws an Error that names it when it is no object. */
export async function readObjectFile(name: string, content: AsyncIterable<Uint8Array>): Promise<ManifestObject> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > mostBytes) throw new Error(`The file ${name} of the archive is too long for a Kubernetes object.`);
    pieces.push(piece);
  }
  return readObject(name, Buffer.concat(pieces).toString("utf8"));
}

/** "deployment/relay.yaml" */
function fileOf({ kind, metadata }: ManifestObject): string {
  return `${kind.toLowerCase()}/${metadata.name}.yaml`;
}

function describe({ metadata }: LiveObject, object: ManifestObject): SavedObject {
  const { apiVersion, kind } = object;
  return {
    apiVersion,
    kind,
    name: metadata.name,
    file: fileOf(object),
    hash: kind === "Secret" ? null : hashObject(object),
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
  };
}

function readCertificates({ kind, live }: FoundObject): ObjectsFacts["certificates"] {
  if (kind !== "Secret") return [];
  return Object.entries(fieldsOf(live.data)).flatMap(([key, value]) => {
    const text = Buffer.from(String(value), "base64").toString("latin1");
    if (!text.includes("-----BEGIN CERTIFICATE-----")) return [];
    try {
      const { subjectAltName, subject, validToDate } = new X509Certificate(text);
      const names = (subjectAltName ?? subject ?? "").split(/,\s*|\n/).filter((name) => name !== "");
      return [{ secret: live.metadata.name, key, names, notAfter: validToDate.toISOString() }];
    } catch {
      return [];
    }
  });
}
