import type { KubeObject } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import { apiVersionOf, type ResourceDefinition } from "../resources/definition.ts";
import type { Store } from "../store/store.ts";
import { encodeFrame, type Selection, sharedFrame, type WatchEvent, type WatchHub } from "../watch/hub.ts";
import { statusOf } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { encodeOne } from "./list.ts";
import type { Rendition } from "./negotiation.ts";
import { flag, resourceVersion, wholeNumber } from "./query.ts";
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
  const asked = resourceVersion(url);
  const from = asked ?? store.revision;
  const existing: readonly KubeObject[] = asked === undefined ? store.list(definition.id).filter(select) : [];
  const stream = new WatchStream({ response, initial: initial(), limitBytes: options.limitBytes });
  const subscription = hub.follow(definition.id, from, select, (event) => stream.send(frame(event)));

  function* initial(): Iterable<Buffer> {
    if (!subscription) {
      const message = `too old resource version: ${from} (${store.revision})`;
      yield Buffer.from(`${JSON.stringify({ type: "ERROR", object: statusOf(refusals.gone(message)) })}\n`);
      return;
    }
    for (const object of existing) yield encodeFrame("ADDED", encodeOne(definition, object, rendition, now()));
    for (const event of subscription.backlog) yield frame(event);
  }

  function frame(event: WatchEvent): Buffer {
    if (rendition.form === "objects") return sharedFrame(event);
    return encodeFrame(event.type, encodeOne(definition, event.object, rendition, now()));
  }

  stream.start();
  if (!subscription) {
    stream.end();
    return () => {};
  }

  const timeoutMs = Math.min((wholeNumber(url, "timeoutSeconds") ?? 0) * 1000 || defaultTimeoutMs(), longestMs);
  const timer = setTimeout(end, timeoutMs);
  const bookmarks = flag(url, "allowWatchBookmarks") ? setInterval(sendBookmark, options.bookmarkMs) : undefined;
  request.socket.setNoDelay(true);
  response.on("close", release);
  return end;

  function sendBookmark(): void {
    const object = {
      kind: definition.kind,
      apiVersion: apiVersionOf(definition),
      metadata: { resourceVersion: String(store.publishedRevision), creationTimestamp: null },
    };
    stream.send(Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
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
