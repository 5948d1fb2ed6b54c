import type { KubeObject } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import type { Store } from "../store/store.ts";
import { tableOf } from "../tables/table.ts";
import { encodeFrame, type Selection, sharedFrame, type WatchEvent, type WatchHub } from "../watch/hub.ts";
import { statusOf } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { encodeOne } from "./list.ts";
import { checkNotTooLarge, watchStart } from "./list-options.ts";
import type { Rendition } from "./negotiation.ts";
import { flag, wholeNumber } from "./query.ts";
import { WatchStream } from "./watch-stream.ts";

export type WatchOptions = {
  store: Store;
  hub: WatchHub;
  definition: ResourceDefinition;
  select: Selection;
  rendition: Rendition;
  now: () => Date;
  bookmarkMs: number;
  limitBytes: number;
};

const longestMs = 60 * 60 * 1000;

/** Streams the changes of a resource until the client leaves, its time is up, or it reads too slowly. */
export function streamWatch({ request, response, url }: Exchange, options: WatchOptions): () => void {
  const { store, hub, definition, select, rendition, now } = options;
  const start = watchStart(url);
  const askedMs = (wholeNumber(url, "timeoutSeconds") ?? 0) * 1000;
  const asksBookmarks = flag(url, "allowWatchBookmarks");
  if (url.searchParams.has("sendInitialEvents")) checkNotTooLarge(url, store.revision);
  const from = start.from ?? store.revision;
  const existing: readonly KubeObject[] = start.hasInitial ? store.list(definition.id).filter(select) : [];
  const stream = new WatchStream({ response, initial: initial(), limitBytes: options.limitBytes });
  const subscription = hub.follow(definition.id, from, select, (event) => stream.send(sharedFrame(event, form(), encode)));

  function* initial(): Iterable<Buffer> {
    if (!subscription) {
      const message = `too old resource version: ${from} (${hub.oldestRevision(definition.id)})`;
      yield Buffer.from(`${JSON.stringify({ type: "ERROR", object: statusOf(refusals.gone(message)) })}\n`);
      return;
    }
    for (const object of existing) yield encodeFrame("ADDED", encode(object));
    if (start.marksEnd) yield bookmark(from, { "k8s.io/initial-events-end": "true" });
    for (const event of subscription.backlog) yield frame(event);
  }

  function frame({ type, object }: WatchEvent): Buffer {
    return encodeFrame(type, encode(object));
  }

  function encode(object: KubeObject): Buffer {
    return encodeOne(definition, object, rendition, now());
  }

  function form(): string {
    if (rendition.form === "objects") return definition.version;
    return `${definition.version} ${rendition.form} ${rendition.version} ${"includeObject" in rendition && rendition.includeObject}`;
  }

  if (!subscription) {
    stream.start();
    stream.end();
    return () => {};
  }

  // What exists may be newer than what is durable, and nobody may see what a crash could take back.
  store.settled().then(
    () => stream.start(),
    () => response.destroy(),
  );
  const timer = setTimeout(end, Math.min(askedMs || defaultTimeoutMs(), longestMs));
  const bookmarks = asksBookmarks ? setInterval(sendBookmark, options.bookmarkMs) : undefined;
  request.socket.setNoDelay(true);
  response.on("close", release);
  return end;

  function sendBookmark(): void {
    // Nothing of the resource below this number can still come: what is published has been sent.
    stream.send(bookmark(Math.max(from, store.publishedRevision)));
  }

  function bookmark(revision: number, annotations?: Record<string, string>): Buffer {
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations ? { annotations } : {}) };
    return Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object: bookmarkObject(metadata) })}\n`);
  }

  function bookmarkObject(metadata: { resourceVersion: string }): object {
    if (rendition.form === "table") {
      const { version, includeObject } = rendition;
      return tableOf(definition.table, [], { now: now(), includeObject, apiVersion: `meta.k8s.io/${version}`, metadata });
    }
    if (rendition.form === "metadata") {
      return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${rendition.version}`, metadata };
    }
    return { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata };
  }

  function end(): void {
    if (bookmarks) sendBookmark();
    release();
    stream.end();
  }

  function release(): void {
    clearTimeout(timer);
    clearInterval(bookmarks);
    subscription?.end();
  }
}

/** As the real server does: between 30 and 60 minutes, so that clients do not all come back at once. */
function defaultTimeoutMs(): number {
  return longestMs / 2 + (Math.random() * longestMs) / 2;
}
