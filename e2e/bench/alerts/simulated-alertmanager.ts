import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fingerprintOf } from "#lib/domain/alerts/webhook-body.ts";

/**
 * An Alertmanager as its webhook's receiver and its API's callers see it (dispatch.go, dedup_stage.go, notify.go, webhook.go): alerts
 * are grouped; a group waits for group_wait, then tells at every group_interval what is new; a delivery is tried again with back-off
 * after 5xx and transport errors and dropped after anything else; resolved alerts leave their group after a delivery that succeeded,
 * told or cut off by max_alerts. Two of them here gossip nothing, so that everything comes at least twice.
 */

export type PostedAlert = { fingerprint: string; labels: Record<string, string>; startsAt: number; endsAt: number | null };
/**
 * `listed` is what the API tells of it, `sent` what webhooks do, and `told` what the judge wants to know: made once, because a real
 * Alertmanager's answers and webhooks cost another machine's time.
 */
type Held = PostedAlert & { updatedAt: number; listed: string; sent: string; told: { key: string; resolved: boolean } };
type Group = { key: string; alerts: Map<string, Held>; told: Map<string, string>; toldAt: number };

/** One attempt to deliver, for the judge and for the latencies. Times in milliseconds of performance.now(). */
export type Attempt = { at: number; ms: number; status: number | "error"; alerts: readonly { key: string; resolved: boolean }[] };

export type AlertmanagerSettings = {
  name: string;
  webhookUrl: string;
  secret: string;
  groupWaitMs: number;
  groupIntervalMs: number;
  repeatIntervalMs: number;
  maxAlerts: number;
  random: () => number;
  onAttempt: (attempt: Attempt) => void;
};

const retry = { initialMs: 500, factor: 1.5, maxMs: 60_000, jitter: 0.5 };
/** How often a body that was delivered is sent again later, as a proxy or a client that gave up waiting does. */
const replayShare = 0.15;
const maxReplayDelayMs = 10_000;
const maxNetworkDelayMs = 150;

export class SimulatedAlertmanager {
  readonly #settings: AlertmanagerSettings;
  readonly #alerts = new Map<string, Held>();
  readonly #groups = new Map<string, Group>();
  readonly #startedAt = new Date(Date.now() - 86_400_000);
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  readonly #server: Server;
  readonly #connections = new Agent({ keepAlive: true });
  truncated = 0;

  constructor(settings: AlertmanagerSettings) {
    this.#settings = settings;
    this.#server = createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(request.url?.startsWith("/api/v2/status") ? this.#status() : this.#list());
    });
  }

  /** Serves its API; resolves to the address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Takes alerts as Prometheus posts them. Of what overlaps the earliest start and the latest end are kept. */
  post(alerts: readonly PostedAlert[]): void {
    for (const posted of alerts) {
      const { fingerprint } = posted;
      const old = this.#alerts.get(fingerprint);
      const overlaps = old && (old.endsAt === null || posted.startsAt <= old.endsAt);
      const startsAt = overlaps ? Math.min(old.startsAt, posted.startsAt) : posted.startsAt;
      const alert = { ...posted, startsAt, updatedAt: Date.now() };
      const told = { key: `${fingerprint}/${startsAt}`, resolved: posted.endsAt !== null };
      const held = { ...alert, listed: describeListed(alert), sent: describeSent(alert), told };
      this.#alerts.set(fingerprint, held);
      this.#group(posted.labels.group ?? "").alerts.set(fingerprint, held);
    }
  }

  /** Whether every group has told all that it holds. */
  hasToldAll(): boolean {
    return [...this.#groups.values()].every(({ alerts, told }) =>
      [...alerts.values()].every(
        ({ fingerprint, endsAt }) => told.get(fingerprint) === (endsAt === null ? "firing" : "resolved"),
      ),
    );
  }

  /** Ends its groups; its API goes on. Waits for the deliveries under way. */
  async settle(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#running);
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    await this.settle();
    this.#connections.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #group(key: string): Group {
    const known = this.#groups.get(key);
    if (known) return known;
    const group: Group = { key, alerts: new Map(), told: new Map(), toldAt: 0 };
    this.#groups.set(key, group);
    this.#track(this.#run(group));
    return group;
  }

  async #run(group: Group): Promise<void> {
    const { groupWaitMs, groupIntervalMs } = this.#settings;
    await this.#pause(groupWaitMs);
    while (!this.#abort.signal.aborted) {
      const due = performance.now() + groupIntervalMs;
      await this.#flush(group);
      await this.#pause(Math.max(0, due - performance.now()));
    }
  }

  async #flush(group: Group): Promise<void> {
    const snapshot = [...group.alerts.values()].toSorted((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
    const now = performance.now();
    const firing = new Map(snapshot.map((alert) => [alert.fingerprint, alert.endsAt === null ? "firing" : "resolved"]));
    const isNew = [...firing].some(([fingerprint, state]) => group.told.get(fingerprint) !== state);
    if (snapshot.length === 0 || (!isNew && now - group.toldAt < this.#settings.repeatIntervalMs)) return;
    const sent = snapshot.slice(0, this.#settings.maxAlerts);
    this.truncated += snapshot.length - sent.length;
    if (!(await this.#deliver(sent, this.#body(group.key, sent, snapshot.length - sent.length)))) return;
    group.told = firing;
    group.toldAt = now;
    for (const alert of snapshot) {
      if (alert.endsAt === null || group.alerts.get(alert.fingerprint) !== alert) continue;
      group.alerts.delete(alert.fingerprint);
      group.told.delete(alert.fingerprint);
    }
  }

  /** Tries until it succeeds, is refused for good, or the time for it is over. */
  async #deliver(alerts: readonly Held[], body: string): Promise<boolean> {
    const deadline = performance.now() + Math.max(this.#settings.groupIntervalMs, 10_000);
    for (let interval = retry.initialMs; ; interval = Math.min(retry.maxMs, interval * retry.factor)) {
      await this.#pause(this.#settings.random() * maxNetworkDelayMs);
      const status = await this.#send(alerts, body);
      if (typeof status === "number" && status < 300) {
        if (this.#settings.random() < replayShare) this.#track(this.#replay(alerts, body));
        return true;
      }
      if (typeof status === "number" && status < 500) return false;
      await this.#pause(interval * (1 - retry.jitter + 2 * retry.jitter * this.#settings.random()));
      if (performance.now() > deadline || this.#abort.signal.aborted) return false;
    }
  }

  async #replay(alerts: readonly Held[], body: string): Promise<void> {
    await this.#pause(this.#settings.random() * maxReplayDelayMs);
    await this.#send(alerts, body);
  }

  async #send(alerts: readonly Held[], body: string): Promise<number | "error"> {
    const { webhookUrl, secret, onAttempt } = this.#settings;
    const at = performance.now();
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${secret}`,
      "user-agent": "Alertmanager/0.27.0",
    };
    const status = await post(this.#connections, webhookUrl, headers, body);
    onAttempt({ at, ms: performance.now() - at, status, alerts: alerts.map(({ told }) => told) });
    return status;
  }

  #body(groupKey: string, alerts: readonly Held[], truncatedAlerts: number): string {
    const head = JSON.stringify({
      version: "4",
      groupKey: `{}/{}:{group="${groupKey}"}`,
      truncatedAlerts,
      status: alerts.some(({ endsAt }) => endsAt === null) ? "firing" : "resolved",
      receiver: "switchyard",
      groupLabels: { group: groupKey },
      commonLabels: { group: groupKey },
      commonAnnotations: {},
      externalURL: `http://${this.#settings.name}.monitoring:9093`,
    });
    return `${head.slice(0, -1)},"alerts":[${alerts.map(({ sent }) => sent).join(",")}]}`;
  }

  #status(): string {
    const cluster = { status: "ready", peers: [] };
    return JSON.stringify({ uptime: this.#startedAt.toISOString(), versionInfo: { version: "0.27.0" }, cluster });
  }

  #list(): string {
    const firing = [...this.#alerts.values()].filter(({ endsAt }) => endsAt === null);
    const labels = { alertname: "Watchdog", severity: "none" };
    const startsAt = this.#startedAt.getTime();
    const watchdog = { fingerprint: fingerprintOf(labels), labels, startsAt, endsAt: null, updatedAt: Date.now() };
    return `[${[...firing.map(({ listed }) => listed), describeListed(watchdog)].join(",")}]`;
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(() => {}).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** Returns early when it is stopped. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => {});
  }
}

/** Resolves to the status of the answer; "error" stands for an error of transport, which is tried again like a 5xx. */
function post(agent: Agent, url: string, headers: Record<string, string>, body: string): Promise<number | "error"> {
  return new Promise((resolve) => {
    const sent = request(url, { method: "POST", agent, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    sent.on("error", () => resolve("error"));
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? "error"));
      response.on("error", () => resolve("error"));
    });
    sent.end(body);
  });
}

type Known = PostedAlert & { updatedAt: number };

function describeSent(alert: Known): string {
  return JSON.stringify({
    status: alert.endsAt === null ? "firing" : "resolved",
    labels: alert.labels,
    annotations: annotationsOf(alert),
    startsAt: new Date(alert.startsAt).toISOString(),
    endsAt: alert.endsAt === null ? "0001-01-01T00:00:00Z" : new Date(alert.endsAt).toISOString(),
    generatorURL: "http://prometheus.monitoring:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    fingerprint: alert.fingerprint,
  });
}

function describeListed(alert: Known): string {
  return JSON.stringify({
    fingerprint: alert.fingerprint,
    labels: alert.labels,
    annotations: annotationsOf(alert),
    startsAt: new Date(alert.startsAt).toISOString(),
    endsAt: new Date(alert.updatedAt + 240_000).toISOString(),
    updatedAt: new Date(alert.updatedAt).toISOString(),
    generatorURL: "",
    receivers: [{ name: "switchyard" }],
    status: { state: "active", silencedBy: [], inhibitedBy: [] },
  });
}

function annotationsOf({ labels }: { labels: Record<string, string> }): Record<string, string> {
  return {
    summary: `${labels.alertname} on ${labels.pod ?? "the fleet"}`,
    description: "The 95th percentile of the latency of operations has been above 50 ms for longer than the rule allows.",
    runbook_url: `http://localhost:3000/runbooks/relay#${labels.alertname}`,
  };
}
