import { StatusError } from "../api.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { flag, resourceVersion } from "./query.ts";

/** How a watch begins: with what exists as ADDED, with a bookmark after it, or with what changes from a version on. */
export type WatchStart = { from: number | undefined; hasInitial: boolean; marksEnd: boolean };

/**
 * The options of a list or watch that belong together, checked as apimachinery's ValidateListOptions does
 * (k8s.io/apimachinery/pkg/apis/meta/internalversion/validation), with WatchList enabled.
 */
export function checkListOptions(url: URL): void {
  const errors = new FieldErrors();
  const isWatch = flag(url, "watch");
  const match = url.searchParams.get("resourceVersionMatch") ?? "";
  const version = url.searchParams.get("resourceVersion") ?? "";
  const asksInitial = url.searchParams.has("sendInitialEvents");
  const field = "resourceVersionMatch";
  if (isWatch && asksInitial && match !== "NotOlderThan") {
    errors.forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match) {
    if (isWatch && !asksInitial) {
      errors.forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if (!isWatch && !version) errors.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (url.searchParams.get("continue")) errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
    const supported = isWatch ? ["NotOlderThan"] : ["Exact", "NotOlderThan"];
    if (!supported.includes(match)) errors.unsupported(field, match, supported);
    if (!isWatch && match === "Exact" && version === "0") {
      errors.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (!isWatch && asksInitial) errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
  const refusal = errors.toStatus("meta.k8s.io", "ListOptions", "");
  if (refusal) throw refusal;
}

/** Refuses a version that is not reached yet, where the client asks for nothing older. */
export function checkNotTooLarge(url: URL, current: number): void {
  const asked = resourceVersion(url);
  if (asked === undefined || asked <= current) return;
  throw new StatusError(504, "Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

export function watchStart(url: URL): WatchStart {
  const asked = resourceVersion(url);
  if (!url.searchParams.has("sendInitialEvents")) return { from: asked, hasInitial: asked === undefined, marksEnd: false };
  if (flag(url, "sendInitialEvents")) return { from: undefined, hasInitial: true, marksEnd: flag(url, "allowWatchBookmarks") };
  return { from: asked, hasInitial: false, marksEnd: false };
}
