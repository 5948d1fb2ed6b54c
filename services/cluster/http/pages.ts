import { type KubeObject, StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import { type Selection, sortKey } from "../watch/hub.ts";
import { resourceVersion, wholeNumber } from "./query.ts";

/** All objects of a resource, sorted, as they were at a revision. */
export type Snapshot = { objects: readonly KubeObject[]; revision: number };

/** `remaining` is not told of lists with selectors: Kubernetes would have to read on for it. */
export type Page = { objects: readonly KubeObject[]; revision: number; continueToken: string; remaining?: number };

/** A page that cannot be read as the one before it was; `continueToken` goes on with the present. */
export class ExpiredPageError extends StatusError {
  readonly continueToken: string;

  constructor(continueToken: string) {
    super(410, "Expired", tooOldToContinue);
    this.continueToken = continueToken;
  }
}

const tooOldToContinue =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** The revision -1 stands for the present, when the revision of the first page is not known any more. */
type Position = { revision: number; after: string };

const present = -1;

/**
 * One page of a sorted list. Later pages show the state at the revision of the first one, as long as `rewind` knows it.
 * Kubernetes: apiserver/pkg/storage/etcd3/store.go, storage/continue.go.
 */
export function pageOf(
  url: URL,
  now: Snapshot,
  select: Selection,
  rewind: (revision: number) => readonly KubeObject[] | undefined,
): Page {
  const limit = wholeNumber(url, "limit") ?? 0;
  const position = positionOf(url);
  const { objects, revision } = snapshotFor(url, now, position, limit, rewind);
  const selected = objects.filter((object) => select(object) && (!position || sortKey(object) > position.after));
  const shown = limit > 0 ? selected.slice(0, limit) : selected;
  const last = shown.at(-1);
  if (!last || shown.length === selected.length) return { objects: shown, revision, continueToken: "" };
  const continueToken = encodeToken({ revision, after: sortKey(last) });
  const isSelective = Boolean(url.searchParams.get("labelSelector") || url.searchParams.get("fieldSelector"));
  return { objects: shown, revision, continueToken, ...(isSelective ? {} : { remaining: selected.length - shown.length }) };
}

function snapshotFor(
  url: URL,
  now: Snapshot,
  position: Position | undefined,
  limit: number,
  rewind: (revision: number) => readonly KubeObject[] | undefined,
): Snapshot {
  if (position?.revision === present) return now;
  const revision = position?.revision ?? exactRevision(url, limit);
  if (revision === undefined || revision === now.revision) return now;
  const objects = rewind(revision);
  if (objects) return { objects, revision };
  if (position) throw new ExpiredPageError(encodeToken({ revision: present, after: position.after }));
  throw refusals.gone("The resourceVersion for the provided list is too old.");
}

/** A limit with a version means exactly that one too, unless the client says otherwise. */
function exactRevision(url: URL, limit: number): number | undefined {
  const match = url.searchParams.get("resourceVersionMatch") ?? "";
  return match === "Exact" || (!match && limit > 0) ? resourceVersion(url) : undefined;
}

function positionOf(url: URL): Position | undefined {
  const token = url.searchParams.get("continue");
  if (!token) return undefined;
  const position = parseToken(token);
  if (resourceVersion(url) !== undefined) {
    throw refusals.badRequest("specifying resource version is not allowed when using continue");
  }
  return position;
}

function encodeToken(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function parseToken(token: string): Position {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (typeof value === "object" && value !== null && "revision" in value && "after" in value) {
      if (typeof value.revision === "number" && typeof value.after === "string") {
        return { revision: value.revision, after: value.after };
      }
    }
  } catch {
    // Refused below: the token is not one of ours.
  }
  throw refusals.badRequest("invalid continue token: continue key is not valid");
}
