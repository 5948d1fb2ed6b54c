import { type AlertRow, type HistoryInput, type LiveAlertsInput, type Standing, standings } from "#lib/domain/alerts/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { bySeverity } from "./density.ts";

/** "namespace/name" of the service that an alert is about; null for one that names none. */
export const serviceOf = (alert: Pick<AlertRow, "namespace" | "service">) =>
  alert.namespace && alert.service ? `${alert.namespace}/${alert.service}` : null;

/** One sentence on what is wrong: its summary, else its description, else its name. */
export const sentenceOf = ({ annotations, name }: Pick<AlertRow, "annotations" | "name">) =>
  annotations.summary || annotations.description || annotations.message || name;

/** Whether an alert still wants somebody: nobody has taken it and nothing hides it. An unseen end leaves it wanted. */
export const isWanted = (alert: Pick<AlertRow, "standing">) => alert.standing === "firing" || alert.standing === "unknown";

/** What wants somebody of each service ("namespace/name"), the most urgent first. */
export function wantedByService<Row extends AlertRow>(alerts: Row[]): Map<string, Row[]> {
  const services = new Map<string, Row[]>();
  for (const alert of alerts.filter(isWanted).sort(byUrgency)) {
    const service = serviceOf(alert);
    if (service) services.set(service, [...(services.get(service) ?? []), alert]);
  }
  return services;
}

/**
 * The services as people are to see them: what runs well by the cluster's word is degraded while an alert above info fires on it that
 * nothing hides, whether somebody has taken it or not.
 */
export function judgeByAlerts(services: readonly Service[], alerts: readonly AlertRow[]): Service[] {
  const loud = alerts.filter(
    ({ standing, severity }) => (standing === "acknowledged" || isWanted({ standing })) && severity !== "info",
  );
  const byService = Map.groupBy(loud, serviceOf);
  return services.map((service) => {
    const names = [...new Set(byService.get(service.id)?.map(({ name }) => name))];
    if (service.health !== "healthy" || names.length === 0) return service;
    const rest = names.length > 3 ? ` and ${names.length - 2} more` : "";
    const named = names.slice(0, rest ? 2 : 3).join(", ");
    const fires = names.length === 1 ? `${named} fires.` : `${names.length} alerts fire: ${named}${rest}.`;
    return { ...service, health: "degraded", healthReason: `${service.healthReason} ${fires}` };
  });
}

/** Alerts that read the same, of one name and service, told once by the first of them, with how many there are. */
export function toldOnce<Row extends AlertRow>(alerts: Row[]): { alert: Row; count: number }[] {
  const told = new Map<string, { alert: Row; count: number }>();
  for (const alert of alerts) {
    const key = JSON.stringify([alert.name, alert.namespace, alert.service, alert.severity]);
    const known = told.get(key);
    if (known) known.count += 1;
    else told.set(key, { alert, count: 1 });
  }
  return [...told.values()];
}

export const groupings = ["service", "name", "severity"] as const;
export type Grouping = (typeof groupings)[number];

type Search = { get(name: string): string | null };
const list = (value: string | null) => (value ? value.split(",").filter(Boolean) : []);

/** What of the firing alerts a person looks at; the whole of it stands in the address. */
export type LiveView = { search: string; severities: string[]; services: string[]; standings: Standing[]; group: Grouping };

/** Reads the address; what makes no sense in it is left out. */
export function parseLiveView(search: Search): LiveView {
  return {
    search: search.get("q") ?? "",
    severities: list(search.get("severity")),
    services: list(search.get("service")),
    standings: standings.filter((standing) => list(search.get("standing")).includes(standing)),
    group: groupings.find((grouping) => grouping === search.get("group")) ?? "service",
  };
}

/** The address's parameters of a view: null for what is as it is by default. */
export function liveViewParameters(view: LiveView): Record<string, string | null> {
  return {
    q: view.search || null,
    severity: view.severities.join(",") || null,
    service: view.services.join(",") || null,
    standing: view.standings.join(",") || null,
    group: view.group === "service" ? null : view.group,
  };
}

/** What is asked of the server for a view; without any filter the same question that the bar at the top asks. */
export function liveFilter(view: LiveView): LiveAlertsInput {
  const filter: LiveAlertsInput = {};
  if (view.search) filter.search = view.search;
  if (view.severities.length > 0) filter.severity = view.severities.join(",");
  if (view.services.length > 0) filter.service = view.services.join(",");
  if (view.standings.length > 0) filter.standing = view.standings.join(",");
  return filter;
}

/** What wants somebody first, worst first, newest first. */
export function byUrgency(a: AlertRow, b: AlertRow): number {
  return (
    rank(a.standing) - rank(b.standing) ||
    bySeverity(a.severity, b.severity) ||
    b.startsAt.localeCompare(a.startsAt) ||
    a.id.localeCompare(b.id)
  );
}

const ranks: Record<Standing, number> = { firing: 0, unknown: 0, acknowledged: 1, inhibited: 2, silenced: 3, resolved: 4 };
const rank = (standing: Standing) => ranks[standing];

export type AlertGroup<Row extends AlertRow = AlertRow> = {
  key: string;
  title: string;
  /** When the group is a service: its id. */
  service: string | null;
  alerts: Row[];
};

/** Alerts that belong together, each group sorted by urgency and the groups by their most urgent alert. */
export function groupAlerts<Row extends AlertRow>(alerts: Row[], by: Grouping): AlertGroup<Row>[] {
  const groups = new Map<string, AlertGroup<Row>>();
  for (const alert of [...alerts].sort(byUrgency)) {
    const service = serviceOf(alert) ?? alert.service;
    const key = by === "service" ? (service ?? "") : by === "name" ? alert.name : alert.severity;
    const group = groups.get(key);
    if (group) group.alerts.push(alert);
    else
      groups.set(key, {
        key,
        title: by === "service" ? (service ?? "No service") : key,
        service: by === "service" ? serviceOf(alert) : null,
        alerts: [alert],
      });
  }
  return [...groups.values()];
}

export type LiveLine<Row extends AlertRow = AlertRow> =
  | { type: "group"; key: string; group: AlertGroup<Row> }
  | { type: "alert"; key: string; alert: Row }
  | { type: "more"; key: string; group: AlertGroup<Row>; hidden: number };

/** Of a group larger than this only the first few are listed until the reader asks for all. */
const longGroup = 12;
const firstOfLong = 8;

/** The lines of the list: each group's heading, its alerts, and for a long group what stays folded. */
export function liveLines<Row extends AlertRow>(groups: AlertGroup<Row>[], open: ReadonlySet<string>): LiveLine<Row>[] {
  return groups.flatMap((group): LiveLine<Row>[] => {
    const shown = group.alerts.length > longGroup && !open.has(group.key) ? group.alerts.slice(0, firstOfLong) : group.alerts;
    const hidden = group.alerts.length - shown.length;
    return [
      { type: "group", key: `group ${group.key}`, group },
      ...shown.map((alert): LiveLine<Row> => ({ type: "alert", key: alert.id, alert })),
      ...(hidden > 0 ? [{ type: "more" as const, key: `more ${group.key}`, group, hidden }] : []),
    ];
  });
}

/** Named spans of the history; "24h" when the address names none. */
export const historySpans = {
  "1h": { label: "Last hour", seconds: 3_600 },
  "6h": { label: "Last 6 hours", seconds: 21_600 },
  "24h": { label: "Last 24 hours", seconds: 86_400 },
  "7d": { label: "Last 7 days", seconds: 604_800 },
  "30d": { label: "Last 30 days", seconds: 2_592_000 },
  "365d": { label: "Last year", seconds: 31_536_000 },
} as const;
export type HistorySpan = keyof typeof historySpans;

export const historyFields = ["source", "severity", "name", "service"] as const;
export type HistoryField = (typeof historyFields)[number];

/** What of the history a person looks at: a named span up to now, or fixed times in unix seconds. */
export type HistoryView = {
  search: string;
  lists: Record<HistoryField, string[]>;
  namespace: string | null;
  labels: string;
  state: "firing" | "resolved" | null;
  acknowledged: "yes" | "no" | null;
  fingerprint: string | null;
  span: HistorySpan;
  fixed: { from: number; to: number } | null;
};

const isOneOf = <T extends string>(values: readonly T[], value: string | null): T | null =>
  values.find((each) => each === value) ?? null;

/** Reads the address; what makes no sense in it is left out. */
export function parseHistoryView(search: Search): HistoryView {
  const [from, to] = [Number(search.get("from") ?? Number.NaN), Number(search.get("to") ?? Number.NaN)];
  const spans = Object.keys(historySpans) as HistorySpan[];
  return {
    search: search.get("q") ?? "",
    lists: {
      source: list(search.get("source")),
      severity: list(search.get("severity")),
      name: list(search.get("name")),
      service: list(search.get("service")),
    },
    namespace: search.get("namespace") || null,
    labels: search.get("labels") ?? "",
    state: isOneOf(["firing", "resolved"], search.get("state")),
    acknowledged: isOneOf(["yes", "no"], search.get("acknowledged")),
    fingerprint: search.get("fingerprint") || null,
    span: isOneOf(spans, search.get("span")) ?? "24h",
    fixed: Number.isInteger(from) && Number.isInteger(to) && from > 0 && to > from ? { from, to } : null,
  };
}

/** The address's parameters of a view: null for what is as it is by default. */
export function historyViewParameters(view: HistoryView): Record<string, string | null> {
  return {
    q: view.search || null,
    source: view.lists.source.join(",") || null,
    severity: view.lists.severity.join(",") || null,
    name: view.lists.name.join(",") || null,
    service: view.lists.service.join(",") || null,
    namespace: view.namespace,
    labels: view.labels || null,
    state: view.state,
    acknowledged: view.acknowledged,
    fingerprint: view.fingerprint,
    span: view.fixed || view.span === "24h" ? null : view.span,
    from: view.fixed ? String(view.fixed.from) : null,
    to: view.fixed ? String(view.fixed.to) : null,
  };
}

/** Whether anything but the time narrows the view. */
export const narrows = (view: HistoryView) =>
  Boolean(
    view.search ||
      view.namespace ||
      view.labels ||
      view.state ||
      view.acknowledged ||
      view.fingerprint ||
      Object.values(view.lists).some((values) => values.length > 0),
  );

/**
 * What is asked of the server for a view. A running span begins on a whole minute (of a long one: on a coarser step), so that
 * the same question is asked again and not another one each second; its end is left open.
 */
export function historyFilter(view: HistoryView, now: number): Omit<HistoryInput, "cursor" | "limit"> {
  const { seconds } = historySpans[view.span];
  const step = Math.max(60, seconds / 360);
  const from = view.fixed?.from ?? Math.floor(now / 1000 / step) * step - seconds;
  const filter: Omit<HistoryInput, "cursor" | "limit"> = { from: new Date(from * 1000).toISOString() };
  if (view.fixed) filter.to = new Date(view.fixed.to * 1000).toISOString();
  if (view.search) filter.search = view.search;
  for (const field of historyFields) if (view.lists[field].length > 0) filter[field] = view.lists[field].join(",");
  if (view.namespace) filter.namespace = view.namespace;
  if (view.labels) filter.labels = view.labels;
  if (view.state) filter.state = view.state;
  if (view.acknowledged) filter.acknowledged = view.acknowledged;
  if (view.fingerprint) filter.fingerprint = view.fingerprint;
  return filter;
}

/** The address of the history that holds what `part` names over the last week, e.g. for "every episode of this alert". */
export function historyAddress(part: Partial<Record<HistoryField | "labels" | "fingerprint" | "namespace" | "span", string>>) {
  const search = new URLSearchParams({ span: "7d", ...part });
  return `/alerts/history?${search.toString().replaceAll("%2C", ",")}`;
}

/** The service's charts around an alert: from half an hour before it began to ten minutes after its end, or to now. */
export function chartsAddress(service: string, { startsAt, endsAt }: Pick<AlertRow, "startsAt" | "endsAt">, now: number): string {
  const from = Math.floor(Date.parse(startsAt) / 1000) - 1800;
  const to = Math.min(Math.floor(now / 1000), Math.floor((endsAt ? Date.parse(endsAt) : now) / 1000) + 600);
  return `/fleet/${service}?from=${from}&to=${Math.max(to, from + 1860)}`;
}
