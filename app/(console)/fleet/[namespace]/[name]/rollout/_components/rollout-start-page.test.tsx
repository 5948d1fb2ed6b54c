// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { anAlert, liveAlerts } from "#lib/client/alert-fixtures.ts";
import { aService } from "#lib/client/fixtures.ts";
import { RolloutStartPage } from "./rollout-start-page.tsx";
import { show } from "./rollout-test-world.tsx";

vi.mock("../../../../../../ui/live/live-provider.tsx", () => ({ useWatchedService: () => {} }));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const open = (alerts: Parameters<typeof liveAlerts>[0]) => {
  vi.stubGlobal("fetch", async (path: string) => {
    if (path === "/api/services") return Response.json({ services: [aService()] });
    if (path === "/api/alerts") return Response.json(liveAlerts(alerts));
    return new Promise(() => {});
  });
  show(<RolloutStartPage id="fleet/relay" />);
};

it("does not call a service healthy whose alert fires", async () => {
  open([anAlert()]);
  expect(await screen.findByText("Degraded")).toBeDefined();
  expect(screen.getByText(/RelayHighLatency fires\.$/)).toBeDefined();
});

it("calls it healthy when no alert of it fires", async () => {
  open([anAlert({ service: "hub" })]);
  expect(await screen.findByText("Healthy")).toBeDefined();
});
