// @vitest-environment jsdom
import { screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { incidentTrendsQuery } from "#lib/client/incident-trends.ts";
import type { IncidentTrends, TrendRow } from "#lib/domain/incidents/trends/schemas.ts";
import { aFigure, begin, end, show, span } from "../../../ui/trends/trends-test-world.tsx";
import { TrendsPage } from "./trends-page.tsx";

vi.mock("next/navigation", () => ({
  usePathname: () => "/incidents/trends",
  useRouter: () => ({ push: vi.fn() }),
  useSearchParams: () => new URLSearchParams("days=30"),
}));
beforeEach(begin);
afterEach(end);

const known = aFigure();
const unknown = aFigure({ n: 0, pending: 3, median: null, p90: null, mean: null });
const row: TrendRow = { incidents: 4, figures: { ttd: known, tta: known, ttm: unknown, ttr: known } };
const trends: IncidentTrends = {
  ...span,
  drillsLeftOut: 2,
  all: row,
  bySeverity: [{ ...row, severity: "P1" }],
  byService: [
    {
      ...row,
      namespace: "fleet",
      service: "relay",
      observedFrom: "2026-10-22T12:00:00.000Z",
      failures: 4,
      downtimeSeconds: 7200,
      mtbf: 646_200,
    },
  ],
  calendar: { starts: [], knownFrom: null },
};

const showTrends = (answer: IncidentTrends) => show(<TrendsPage />, [[incidentTrendsQuery(30).queryKey, answer]]);

it("shows each figure with how many it is of and how many are not known", () => {
  showTrends(trends);
  const figures = screen.getByRole("region", { name: "All incidents" });
  expect(figures.textContent).toContain("4 incidents, 2 drills left out");
  const [ttd, , ttm] = within(figures).getAllByRole("definition");
  expect(ttd?.textContent).toBe("2 m medianp90 10 m, mean 4 mn 3, 1 not known and left out");
  expect(ttm?.textContent).toBe("– medianp90 –, mean –n 0, 1 not known and left out, 3 still open");
});

it("shows the time between failures of each service beside its downtime", () => {
  showTrends(trends);
  const cells = within(screen.getByRole("table", { name: "By service" })).getAllByRole("cell");
  expect(cells.map(({ textContent }) => textContent)).toEqual([
    "relay",
    "4",
    "2 m / 10 m",
    "2 m / 10 m",
    "–",
    "2 m / 10 m",
    "2 h",
    "7 d 11 h",
  ]);
});

it("says that there were none, and that drills were left out", () => {
  showTrends({ ...trends, all: { ...row, incidents: 0 }, bySeverity: [], byService: [] });
  expect(screen.getByText("No incidents in this time")).toBeDefined();
  expect(screen.getByText(/^2 drills left out/)).toBeDefined();
});
