import { readLogs } from "#lib/domain/fleet/logs.ts";
import { streamLines } from "#lib/web/lines.ts";
import { route } from "#lib/web/route.ts";

export const dynamic = "force-dynamic";

export const GET = route(({ context, params, search, request }) => {
  const abort = new AbortController();
  const signal = AbortSignal.any([request.signal, abort.signal]);
  return streamLines(readLogs(context, params, search, signal), abort);
});
