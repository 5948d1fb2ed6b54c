// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aDrill } from "#lib/client/drill-fixtures.ts";
import { anIncident } from "#lib/client/incident-fixtures.ts";
import { aRestore } from "#lib/client/recovery-fixtures.ts";
import type { IncidentView } from "#lib/domain/incidents/schemas.ts";
import type { DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { show } from "../fleet/[namespace]/[name]/rollout/_components/rollout-test-world.tsx";
import { BurningBar } from "./burning-bar.tsx";

vi.mock("../../ui/live/live-provider.tsx", () => ({ useLive: () => ({ stream: { state: "live", since: 0 } }) }));
let open: IncidentView[];
let drills: DrillView[];
let restores: RestoreView[];
beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
  [drills, restores] = [[], []];
  vi.stubGlobal("fetch", async (url: string) => {
    const items = { "/api/incidents": open, "/api/drills": drills, "/api/restores": restores }[url.split("?")[0] ?? ""];
    return items ? Response.json({ items, nextCursor: null }) : new Promise(() => {});
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function bar(incidents: IncidentView[]) {
  open = incidents;
  show(<BurningBar />);
}

it("names the incidents that wake people, the worst first, and that nobody has taken them", async () => {
  const taken = { ...anIncident().clock, acknowledgedAt: "2026-11-21T11:55:00.000Z" };
  const worse = anIncident({ id: "worse", number: 13, severity: "P1", title: "Documents are lost", clock: taken });
  bar([anIncident(), worse]);
  const links = await screen.findAllByRole("link");
  expect(links.map((link) => [link.getAttribute("href"), link.textContent])).toEqual([
    ["/incidents/worse", "P1CriticalINC-13Documents are lost10 m"],
    [`/incidents/${anIncident().id}`, "P2HighINC-12Documents open slowly10 mnot taken"],
  ]);
});

it("is silent about drills and about what is not urgent", async () => {
  const [drill, minor] = [anIncident({ id: "drill", isDrill: true }), anIncident({ id: "minor", severity: "P3" })];
  bar([drill, minor, anIncident()]);
  const links = await screen.findAllByRole("link");
  expect(links.map((link) => link.getAttribute("href"))).toEqual([`/incidents/${anIncident().id}`]);
});

it("names the drills and the restores in place that are under way, and none that is over or touches nothing", async () => {
  drills = [aDrill(), aDrill({ id: "now", number: 6, state: "running", startedAt: "2026-11-21T11:59:30.000Z" })];
  const running = { state: "running" as const, startedAt: "2026-11-21T11:58:00.000Z" };
  restores = [
    aRestore({ ...running, id: "scratch", mode: "scratch" }),
    aRestore({ ...running, id: "back", number: 4, mode: "in-place" }),
  ];
  bar([]);
  const links = await screen.findAllByRole("link");
  expect(links.map((link) => [link.getAttribute("href"), link.textContent])).toEqual([
    ["/recovery/drills/now", "relay DR-6 instance failure30 s"],
    ["/recovery/restores/back", "relay R-4 restore in place2 m"],
  ]);
});
