import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import type { Automation } from "#lib/domain/incidents/opening/automation-settings.ts";
import type {
  ChangeIncidentInput,
  changeEventSchema,
  checkSchema,
  EscalationSettings,
  IncidentChange,
  IncidentCommand,
  IncidentDetail,
  IncidentView,
  incidentCommandSchema,
  ListIncidentsInput,
  noteSchema,
  PastedImage,
  personSchema,
  putLinkSchema,
  RelatedIncident,
  ReportIncidentInput,
  removeLinkSchema,
  TimelineRow,
  updateSchema,
} from "#lib/domain/incidents/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { newIdempotencyKey } from "./actions.ts";
import { queryString, request } from "./api.ts";

export const incidentKeys = { all: ["incidents"] as const };

export type IncidentFilter = Omit<ListIncidentsInput, "cursor" | "limit">;

/** The newest incidents in one page: what is open, for the bar, the overview, the palette and the report's dialog. */
export const latestIncidentsQuery = (filter: IncidentFilter = { state: "open" }, limit = 50) =>
  queryOptions({
    queryKey: [...incidentKeys.all, "latest", filter, limit],
    queryFn: ({ signal }) => request<Page<IncidentView>>(`/api/incidents${queryString({ ...filter, limit })}`, { signal }),
    refetchInterval: 5000,
  });

/** All incidents, the newest impact first, a page at a time. */
export const incidentsQuery = (filter: IncidentFilter) =>
  infiniteQueryOptions({
    queryKey: [...incidentKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<IncidentView>>(`/api/incidents${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 5000,
  });

const addressOf = (id: string) => `/api/incidents/${encodeURIComponent(id)}`;
const mostWaitSeconds = 25;
/** While it may be resolved soon: what blocks that changes without a new version. */
const gateWaitSeconds = 5;

/**
 * One incident, followed: the server answers with its next version, or with the same after a while, and tells of the timeline only
 * what is new since the version that is held.
 */
export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: [...incidentKeys.all, "one", id],
    queryFn: async ({ client, queryKey, signal }) => {
      const held = client.getQueryData<IncidentDetail>(queryKey);
      const isGated = held?.step === "mitigate" || held?.step === "resolve";
      const wait = held ? { after: held.version, waitSeconds: isGated ? gateWaitSeconds : mostWaitSeconds } : {};
      return joinTimeline(held, await request<IncidentDetail>(`${addressOf(id)}${queryString(wait)}`, { signal }));
    },
    refetchInterval: ({ state: { data, status } }) => (status === "error" ? 3000 : data ? 250 : 1000),
  });

/** An answer with the rows of the timeline that were held and have not changed since. */
export function joinTimeline(held: IncidentDetail | undefined, answer: IncidentDetail): IncidentDetail {
  if (!held || answer.after !== held.version) return answer;
  if (answer.timeline.length === 0) return { ...answer, timeline: held.timeline };
  const changed = new Set(answer.timeline.map((row) => row.id));
  const kept = held.timeline.filter((row) => !changed.has(row.id));
  return { ...answer, timeline: [...kept, ...answer.timeline].toSorted(byTime) };
}

function byTime(a: TimelineRow, b: TimelineRow): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** The whole timeline, newest first, a page at a time; what came since is told by `incidentQuery`. */
export const timelineQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["incident-timeline", id],
    queryFn: ({ pageParam, signal }) =>
      request<Page<TimelineRow>>(`${addressOf(id)}/timeline${queryString({ cursor: pageParam, limit: 500 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  });

/** Earlier incidents that look like it: how were they ended? */
export const relatedIncidentsQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents-related", id],
    queryFn: ({ signal }) => request<RelatedIncident[]>(`${addressOf(id)}/related`, { signal }),
    staleTime: 30_000,
  });

const write = <T>(method: string, address: string, body: unknown, key = newIdempotencyKey()) =>
  request<T>(address, { method, body, headers: { "idempotency-key": key } });

/** Opens it; the same key with the same input is done once, however often it is sent. */
export const reportIncident = (input: ReportIncidentInput, idempotencyKey: string) =>
  write<IncidentChange>("POST", "/api/incidents", input, idempotencyKey);
export const changeIncident = (id: string, input: ChangeIncidentInput) => write<IncidentChange>("PATCH", addressOf(id), input);
export const sendIncidentCommand = (id: string, command: IncidentCommand, input: z.input<typeof incidentCommandSchema>) =>
  write<IncidentChange>("POST", `${addressOf(id)}/${command}`, input);
export const postUpdate = (id: string, input: z.input<typeof updateSchema>, key: string) =>
  write<IncidentChange>("POST", `${addressOf(id)}/updates`, input, key);
export const postNote = (id: string, input: z.input<typeof noteSchema>, key: string) =>
  write<IncidentChange>("POST", `${addressOf(id)}/notes`, input, key);
export const changeEvent = (id: string, eventId: string, input: z.input<typeof changeEventSchema>, key: string) =>
  write<IncidentChange>("PATCH", `${addressOf(id)}/events/${encodeURIComponent(eventId)}`, input, key);
export const putPerson = (id: string, input: z.input<typeof personSchema>) =>
  write<IncidentChange>("PUT", `${addressOf(id)}/people`, input);
export const removePerson = (id: string, name: string) =>
  request<IncidentChange>(`${addressOf(id)}/people/${encodeURIComponent(name)}`, { method: "DELETE" });
export const putLink = (id: string, input: z.input<typeof putLinkSchema>) =>
  write<IncidentChange>("PUT", `${addressOf(id)}/links`, input);
/** Takes a link away; that of an alert that fires with a reason. */
export const removeLink = (
  id: string,
  { kind, targetId, reason }: z.input<typeof putLinkSchema> & z.input<typeof removeLinkSchema>,
) => write<IncidentChange>("DELETE", `${addressOf(id)}/links/${kind}/${encodeURIComponent(targetId)}`, { reason });
export const putCheck = (id: string, input: z.input<typeof checkSchema>) =>
  write<IncidentChange>("PUT", `${addressOf(id)}/checks`, input);

/** What opens incidents by itself, and for how long alerts must be over before one may be resolved. */
export const automationQuery = queryOptions({
  queryKey: [...incidentKeys.all, "automation"],
  queryFn: ({ signal }) => request<Automation>("/api/incidents/settings/automation", { signal }),
});
export const setAutomation = (input: Automation) =>
  request<Automation>("/api/incidents/settings/automation", { method: "PUT", body: input });

/** Keeps a picture that is pasted into a text of the incident; "![](address)" shows it. */
export const pasteImage = (id: string, picture: Blob) =>
  request<PastedImage>(`${addressOf(id)}/images`, { method: "POST", body: picture });

/** After how long without an acknowledgement people are told again. */
export const escalationQuery = queryOptions({
  queryKey: [...incidentKeys.all, "escalation"],
  queryFn: ({ signal }) => request<EscalationSettings>("/api/incidents/settings/escalation", { signal }),
});
export const setEscalation = (input: EscalationSettings) =>
  request<EscalationSettings>("/api/incidents/settings/escalation", { method: "PUT", body: input });
