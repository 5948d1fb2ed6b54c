// @vitest-environment jsdom
import { screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { anIncident } from "#lib/client/incident-fixtures.ts";
import { reliabilityQuery } from "#lib/client/incident-trends.ts";
import { objectivesQuery } from "#lib/client/objectives.ts";
import type { ServiceReliability, TrendRow } from "#lib/domain/incidents/trends/schemas.ts";
import { aFigure, begin, end, show, span } from "../../../../../ui/trends/trends-test-world.tsx";
import { ReliabilityTab } from "./reliability-tab.tsx";

vi.mock("next/navigation", () => ({
  usePathname: () => "/fleet/fleet/relay",
  useRouter: () => ({ push: vi.fn() }),
  useSearchParams: () => new URLSearchParams("tab=reliability&days=30"),
}));
beforeEach(begin);
afterEach(end);

const known = aFigure({ n: 1, p90: 120, mean: 120 });
const row: TrendRow = { incidents: 2, figures: { ttd: known, tta: known, ttm: known, ttr: known } };
const answer: ServiceReliability = {
  ...span,
  drillsLeftOut: 1,
  trend: {
    ...row,
    namespace: "fleet",
    service: "relay",
    observedFrom: "2026-11-11T12:00:00.000Z",
    failures: 2,
    downtimeSeconds: 8_640,
    mtbf: 427_680,
  },
  calendar: { starts: [], knownFrom: null },
  incidents: [anIncident()],
  worstAlerts: [
    {
      name: "RelayHighLatency",
      severity: "warning",
      namespace: "fleet",
      service: "relay",
      episodes: 7,
      firingSeconds: 3_600,
      lastStartsAt: "2026-11-21T11:00:00.000Z",
    },
  ],
  openItems: [],
};

const showTab = (over: Partial<ServiceReliability> = {}) =>
  show(<ReliabilityTab id="fleet/relay" service={aService({ id: "fleet/relay", name: "relay" })} />, [
    [reliabilityQuery("fleet/relay", 30).queryKey, { ...answer, ...over }],
    [objectivesQuery.queryKey, { at: null, problem: null, services: {} }],
  ]);

const terms = () =>
  Object.fromEntries(screen.getAllByRole("term").map((term) => [term.textContent, term.nextElementSibling?.textContent ?? ""]));

it("says how far apart the failures were, and over which time that counts", () => {
  showTab();
  expect(terms()).toMatchObject({
    MTBF: "4 d 22 hof 2 failures",
    Downtime: "2 h 24 m1.00 % of the time",
    "Looked at": "10 dsince the service is there",
  });
  expect(screen.getByText("2 incidents, 1 drill left out")).toBeDefined();
});

it("names the alerts that came most, the incidents, and that nothing is left to do", () => {
  showTab();
  const alerts = within(screen.getByRole("region", { name: "Worst alerts" }));
  expect(alerts.getAllByRole("cell").map(({ textContent }) => textContent)).toEqual([
    "RelayHighLatency",
    "7",
    "1 h",
    expect.any(String),
  ]);
  expect(within(screen.getByRole("region", { name: "Incidents in this time" })).getByText("Documents open slowly")).toBeDefined();
  expect(screen.getByText("Nothing is left to do")).toBeDefined();
});

it("has no figures of incidents where there was none", () => {
  showTab({
    trend: { ...answer.trend, incidents: 0, failures: 0, downtimeSeconds: 0, mtbf: null },
    incidents: [],
    worstAlerts: [],
  });
  expect(terms().MTBF).toBe("–no failure in this time");
  expect(screen.queryByText("TTD")).toBeNull();
  expect(screen.getByText("Nothing fired in this time")).toBeDefined();
});
