import { queryOptions } from "@tanstack/react-query";
import type { ActionInput, ActionPreview, ActionResult, ActionVerb } from "#lib/domain/actions/schemas.ts";
import { request, serviceAddress } from "./api.ts";

const address = (id: string, verb: ActionVerb) => `${serviceAddress(id)}/actions/${verb}`;

/** What an action would change, computed by the server; nothing is written. */
export const previewQuery = (id: string, verb: ActionVerb, input: ActionInput | null) =>
  queryOptions({
    queryKey: ["actions", "preview", id, verb, input],
    queryFn: ({ signal }) => request<ActionPreview>(`${address(id, verb)}?dryRun=true`, { method: "POST", body: input, signal }),
    enabled: input !== null,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });

/** Does it. The same key with the same input is answered once, however often it is sent. */
export function sendAction(id: string, verb: ActionVerb, input: ActionInput, idempotencyKey: string): Promise<ActionResult> {
  return request<ActionResult>(address(id, verb), {
    method: "POST",
    body: input,
    headers: { "idempotency-key": idempotencyKey },
  });
}

/** A key for one intention. A page over plain HTTP has no crypto.randomUUID, so it is made from random bytes. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
