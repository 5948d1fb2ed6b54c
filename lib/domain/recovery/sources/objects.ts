import type { Context } from "../../context.ts";
import type { PartSource } from "../archive/pack.ts";
import type { Subject } from "../schemas.ts";

/** One object of the archive. `hash` is of what it says; null for a Secret, of which nothing may be guessed. */
export type SavedObject = {
  apiVersion: string;
  kind: string;
  name: string;
  file: string;
  hash: string | null;
  uid: string;
  resourceVersion: string;
};

export type SavedCertificate = { secret: string; key: string; names: string[]; notAfter: string };

export type ObjectsFacts = {
  namespace: string;
  service: string;
  objects: SavedObject[];
  certificates: SavedCertificate[];
  /** What the service names and the cluster does not have: "Secret relay-tls". */
  missing: string[];
};

/** An object as the archive has it. */
export type ManifestObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
} & Record<string, unknown>;

/** The service's own objects and what they reference, one clean YAML file each, that `kubectl apply` takes again. */
export declare function objectsPart(context: Pick<Context, "kubernetes">, subject: Subject & { kind: "service" }): PartSource;
