import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { EventKind, NotificationFilter } from "#lib/domain/notifications/events.ts";
import type {
  AttemptOutcome,
  CreateTargetInput,
  DeliveryDetail,
  DeliveryState,
  DeliveryView,
  FilterPreview,
  TargetKind,
  TargetView,
  TargetWithSecret,
  UpdateTargetInput,
} from "#lib/domain/notifications/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";

export const notificationKeys = {
  targets: ["notification-targets"] as const,
  log: ["notifications"] as const,
  one: (id: string) => ["notifications", "one", id] as const,
};

export const targetsQuery = queryOptions({
  queryKey: notificationKeys.targets,
  queryFn: async ({ signal }) => (await request<{ targets: TargetView[] }>("/api/notification-targets", { signal })).targets,
  refetchInterval: 10_000,
});

export type DeliveryFilter = { target?: string; state?: DeliveryState; event?: EventKind };

/** The log of messages, newest first, a page at a time. */
export const deliveriesQuery = (filter: DeliveryFilter) =>
  infiniteQueryOptions({
    queryKey: [...notificationKeys.log, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<DeliveryView>>(`/api/notifications${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 10_000,
  });

/** One message; asked often while it is on its way. */
export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: notificationKeys.one(id),
    queryFn: ({ signal }) => request<DeliveryDetail>(`/api/notifications/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === "pending" ? 1_000 : false),
  });

/** What a filter would have let pass in the last 24 h; asked anew when the filter changes. */
export const filterPreviewQuery = (filter: NotificationFilter) =>
  queryOptions({
    queryKey: [...notificationKeys.targets, "preview", filter],
    queryFn: ({ signal }) =>
      request<FilterPreview>("/api/notification-targets/preview", { method: "POST", body: { filter }, signal }),
    placeholderData: keepPreviousData,
  });

const targetPath = (id: string, rest = "") => `/api/notification-targets/${encodeURIComponent(id)}${rest}`;

export const createTarget = (input: CreateTargetInput) =>
  request<TargetWithSecret>("/api/notification-targets", { method: "POST", body: input });
export const updateTarget = (id: string, input: UpdateTargetInput) =>
  request<TargetWithSecret>(targetPath(id), { method: "PATCH", body: input });
export const removeTarget = (id: string) => request<void>(targetPath(id), { method: "DELETE" });
export const rotateTarget = (id: string) => request<TargetWithSecret>(targetPath(id, "/rotate"), { method: "POST" });
export const testTarget = (id: string) => request<{ deliveryId: string }>(targetPath(id, "/test"), { method: "POST" });
export const sendAgain = (id: string) =>
  request<{ deliveryId: string }>(`/api/notifications/${encodeURIComponent(id)}/send-again`, { method: "POST" });

export const targetKindNames: Record<TargetKind, string> = {
  webhook: "Webhook",
  slack: "Slack-compatible",
  email: "E-mail",
};

export const eventNames: Record<EventKind, string> = {
  "alert-fired": "An alert fires",
  "alert-resolved": "An alert is resolved",
  "silence-expiring": "A silence ends soon",
  "rollout-failed": "A rollout fails",
  "rollout-aborted": "A rollout is aborted and goes back",
  "rollout-finished": "A rollout is complete",
  "incident-opened": "An incident is opened",
  "incident-severity-changed": "An incident's severity changes",
  "incident-escalated": "Nobody acknowledges an incident",
  "incident-resolved": "An incident is resolved",
  "status-update": "A status update is posted for the team",
  "external-update": "A status update is posted for those outside",
  "postmortem-published": "A postmortem is published",
  "action-item-due": "An action item is due or overdue",
  "feed-lost": "A feed is lost",
  "source-blind": "A source of alerts is not heard",
  test: "A test",
};

const outcomeWords: Record<AttemptOutcome, string> = {
  delivered: "Delivered",
  refused: "Refused",
  failing: "In trouble there",
  unreachable: "Not reached",
  "timed-out": "No answer in time",
  blocked: "Address refused",
  unreadable: "Secrets unreadable",
  cancelled: "Cancelled",
};

/** How an attempt ended, in a word or two. */
export const outcomeWord = (outcome: AttemptOutcome) => outcomeWords[outcome];

/** Where a message is, as a state with its word: it may be on its first attempt, or between two. */
export function deliveryWord(delivery: Pick<DeliveryView, "state" | "attempts" | "isUnderWay" | "outcome" | "isTest">): string {
  if (delivery.state === "delivered") return "Delivered";
  if (delivery.state === "failed")
    return delivery.outcome === "cancelled" ? "Cancelled" : delivery.isTest ? "Failed" : "Given up";
  if (delivery.isUnderWay) return "Sending";
  return delivery.attempts === 0 ? "Waiting" : "Trying again";
}
