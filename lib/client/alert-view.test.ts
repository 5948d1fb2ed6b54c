import { describe, expect, it } from "vitest";
import type { Health } from "#lib/domain/fleet/schemas.ts";
import { anAlert } from "./alert-fixtures.ts";
import {
  chartsAddress,
  groupAlerts,
  historyAddress,
  historyFilter,
  historyViewParameters,
  judgeByAlerts,
  liveFilter,
  liveLines,
  liveViewParameters,
  narrows,
  parseHistoryView,
  parseLiveView,
  sentenceOf,
  toldOnce,
  wantedByService,
} from "./alert-view.ts";
import { aService } from "./fixtures.ts";

const address = (parameters: Record<string, string | null>) =>
  new URLSearchParams(Object.entries(parameters).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));

describe("the live list", () => {
  it("asks the same question as the bar at the top when nothing narrows it", () => {
    expect(liveFilter(parseLiveView(new URLSearchParams()))).toEqual({});
  });

  it("stands in the address whole, and what makes no sense there is left out", () => {
    const view = parseLiveView(new URLSearchParams("q=relay&severity=critical,warning&standing=silenced,bogus&group=name"));
    expect(view).toEqual({
      search: "relay",
      severities: ["critical", "warning"],
      services: [],
      standings: ["silenced"],
      group: "name",
    });
    expect(parseLiveView(address(liveViewParameters(view)))).toEqual(view);
    expect(parseLiveView(new URLSearchParams("group=colour")).group).toBe("service");
  });

  it("puts what wants somebody before what is taken or hidden, and the worst first", () => {
    const alerts = [
      anAlert({ id: "taken", severity: "critical", standing: "acknowledged" }),
      anAlert({ id: "warning", severity: "warning" }),
      anAlert({ id: "hidden", severity: "critical", standing: "silenced" }),
      anAlert({ id: "critical", severity: "critical" }),
      anAlert({ id: "unseen", severity: "info", standing: "unknown" }),
    ];
    expect(groupAlerts(alerts, "service")[0]?.alerts.map((alert) => alert.id)).toEqual([
      "critical",
      "warning",
      "unseen",
      "taken",
      "hidden",
    ]);
  });

  it("knows what wants somebody of each service, and leaves out what is taken, hidden or of no service", () => {
    const wanted = wantedByService([
      anAlert({ id: "later", severity: "warning" }),
      anAlert({ id: "worst", severity: "critical" }),
      anAlert({ id: "taken", service: "hub", standing: "acknowledged" }),
      anAlert({ id: "hidden", service: "edge", standing: "silenced" }),
      anAlert({ id: "nobody's", service: null }),
    ]);
    expect([...wanted].map(([service, alerts]) => [service, alerts.map(({ id }) => id)])).toEqual([
      ["fleet/relay", ["worst", "later"]],
    ]);
  });

  it("degrades a healthy service while an alert above info fires on it that nothing hides", () => {
    const judged = (alert: Parameters<typeof anAlert>[0], health: Health = "healthy") =>
      judgeByAlerts([aService({ health, healthReason: "3 of 3 instances are ready." })], [anAlert(alert)])[0];
    expect(judged({})).toMatchObject({ health: "degraded", healthReason: "3 of 3 instances are ready. RelayHighLatency fires." });
    expect(judged({ standing: "acknowledged" })?.health).toBe("degraded");
    expect(judged({}, "down")).toMatchObject({ health: "down", healthReason: "3 of 3 instances are ready." });
    for (const quiet of [{ standing: "silenced" }, { severity: "info" }, { service: "hub" }] as const)
      expect(judged(quiet)?.health).toBe("healthy");
  });

  it.each([
    [3, "3 alerts fire: A1, A2, A3."],
    [5, "5 alerts fire: A1, A2 and 3 more."],
  ])("names the first of %i alerts on one line", (count, words) => {
    const alerts = Array.from({ length: count }, (_, index) => anAlert({ id: `${index}`, name: `A${index + 1}` }));
    expect(judgeByAlerts([aService({ health: "healthy", healthReason: "Ready." })], alerts)[0]?.healthReason).toBe(
      `Ready. ${words}`,
    );
  });

  it("tells alerts that read the same once, by the first, and says how many there are", () => {
    const alerts = [
      anAlert({ id: "1", name: "ErrorBudgetBurnSlow", labels: { sli: "probe" } }),
      anAlert({ id: "2", name: "RelayHighLatency" }),
      anAlert({ id: "3", name: "ErrorBudgetBurnSlow", labels: { sli: "latency" } }),
      anAlert({ id: "4", name: "ErrorBudgetBurnSlow", service: "hub" }),
    ];
    expect(toldOnce(alerts).map(({ alert, count }) => [alert.id, count])).toEqual([
      ["1", 2],
      ["2", 1],
      ["4", 1],
    ]);
  });

  it("puts the group with the most urgent alert first, and alerts without a service in a group of their own", () => {
    const alerts = [
      anAlert({ id: "1", service: "hub", severity: "warning" }),
      anAlert({ id: "2", service: null, severity: "critical" }),
      anAlert({ id: "3", service: "relay", severity: "critical", standing: "acknowledged" }),
    ];
    const groups = groupAlerts(alerts, "service");
    expect(groups.map((group) => group.title)).toEqual(["No service", "fleet/hub", "fleet/relay"]);
    expect(groups.map((group) => group.service)).toEqual([null, "fleet/hub", "fleet/relay"]);
  });

  it("folds a long group and shows all of it when asked", () => {
    const alerts = Array.from({ length: 40 }, (_, index) => anAlert({ id: `alert-${String(index).padStart(2, "0")}` }));
    const groups = groupAlerts(alerts, "name");
    const folded = liveLines(groups, new Set());
    expect(folded.map((line) => line.type)).toEqual(["group", ...Array.from({ length: 8 }, () => "alert"), "more"]);
    expect(folded.at(-1)).toMatchObject({ type: "more", hidden: 32 });
    expect(liveLines(groups, new Set(["RelayHighLatency"]))).toHaveLength(41);
  });

  it("says what is wrong by the summary, then the description, then the name", () => {
    expect(sentenceOf(anAlert({ annotations: { summary: "Slow", description: "Very" } }))).toBe("Slow");
    expect(sentenceOf(anAlert({ annotations: { description: "Very" } }))).toBe("Very");
    expect(sentenceOf(anAlert({ annotations: {} }))).toBe("RelayHighLatency");
  });
});

describe("the history", () => {
  const now = Date.parse("2026-11-21T12:00:42.000Z");

  it("stands in the address whole", () => {
    const view = parseHistoryView(
      new URLSearchParams(
        'q=slow&severity=critical&service=relay,hub&labels=pod="a"&state=resolved&acknowledged=no&fingerprint=ab12&span=7d',
      ),
    );
    expect(view.lists.service).toEqual(["relay", "hub"]);
    expect(parseHistoryView(address(historyViewParameters(view)))).toEqual(view);
  });

  it("takes fixed times only when both are there and in order", () => {
    expect(parseHistoryView(new URLSearchParams("from=100&to=200")).fixed).toEqual({ from: 100, to: 200 });
    for (const text of ["from=100", "from=200&to=100", "from=a&to=b", "from=1.5&to=2"])
      expect(parseHistoryView(new URLSearchParams(text)).fixed).toBeNull();
  });

  it("keeps asking the same question within a minute, with an open end", () => {
    const view = parseHistoryView(new URLSearchParams("span=1h"));
    const filter = historyFilter(view, now);
    expect(filter).toEqual({ from: "2026-11-21T11:00:00.000Z" });
    expect(historyFilter(view, now + 10_000)).toEqual(filter);
    expect(historyFilter(view, now + 60_000)).not.toEqual(filter);
  });

  it("asks for exactly the times that were chosen", () => {
    const view = parseHistoryView(new URLSearchParams("from=1763722800&to=1763726400"));
    expect(historyFilter(view, now)).toEqual({ from: "2025-11-21T11:00:00.000Z", to: "2025-11-21T12:00:00.000Z" });
  });

  it("knows whether anything but the time narrows it", () => {
    expect(narrows(parseHistoryView(new URLSearchParams("span=7d")))).toBe(false);
    expect(narrows(parseHistoryView(new URLSearchParams("severity=critical")))).toBe(true);
    expect(narrows(parseHistoryView(new URLSearchParams("labels=a%3D1")))).toBe(true);
  });

  it("can be pointed to by a label whose value needs quoting", () => {
    const url = new URL(historyAddress({ labels: 'job="a,b & c"' }), "http://x");
    expect(parseHistoryView(url.searchParams).labels).toBe('job="a,b & c"');
    expect(parseHistoryView(url.searchParams).span).toBe("7d");
  });
});

describe("the charts around an alert", () => {
  const startsAt = "2026-11-21T11:00:00.000Z";
  const start = Date.parse(startsAt) / 1000;

  it("reach from half an hour before it to ten minutes after its end", () => {
    const at = chartsAddress("fleet/relay", { startsAt, endsAt: "2026-11-21T11:05:00.000Z" }, Date.parse("2026-11-21T15:00:00Z"));
    expect(at).toBe(`/fleet/fleet/relay?from=${start - 1800}&to=${start + 900}`);
  });

  it("end now while it fires", () => {
    const at = chartsAddress("fleet/relay", { startsAt, endsAt: null }, Date.parse("2026-11-21T11:20:00Z"));
    expect(at).toBe(`/fleet/fleet/relay?from=${start - 1800}&to=${start + 1200}`);
  });
});
