// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Automation } from "#lib/domain/incidents/opening/automation-settings.ts";
import type { EscalationSettings } from "#lib/domain/incidents/schemas.ts";
import { show } from "../../fleet/[namespace]/[name]/rollout/_components/rollout-test-world.tsx";
import { IncidentsSection } from "./incidents-section.tsx";

const sent: { path: string; body: unknown }[] = [];
const automation: Automation = {
  opening: {
    criticalAlerts: { isOn: true, severity: "P1", graceSeconds: 60 },
    namedAlerts: { isOn: true, severity: "P2", graceSeconds: 60, names: ["RelayHighLatency"] },
    rollouts: { isOn: true, severity: "P3" },
    backups: { isOn: true, severity: "P3", graceSeconds: 60 },
  },
  clearSeconds: 300,
};
const escalation: EscalationSettings = { minutes: { P1: 5, P2: 15, P3: null, P4: null } };

beforeEach(() => {
  sent.length = 0;
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    if (init.method !== "PUT") return Response.json(path.endsWith("/automation") ? automation : escalation);
    sent.push({ path, body: JSON.parse(String(init.body)) });
    return new Response(String(init.body));
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("switches off a rule, names alerts that open an incident, and waits longer for one", async () => {
  show(<IncidentsSection />, "admin");
  fireEvent.click(await screen.findByLabelText("A rollout fails, or Switchyard aborts it"));
  fireEvent.change(screen.getByLabelText("Names of alerts"), {
    target: { value: "RelayHighLatency, EdgeBufferFull EdgeBufferFull" },
  });
  fireEvent.change(screen.getByLabelText("An alert fires whose severity is critical or page: seconds that it fires"), {
    target: { value: "120" },
  });
  fireEvent.click(screen.getByRole("button", { name: "Save what opens incidents" }));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toEqual({
    path: "/api/incidents/settings/automation",
    body: {
      ...automation,
      opening: {
        ...automation.opening,
        criticalAlerts: { isOn: true, severity: "P1", graceSeconds: 120 },
        namedAlerts: { isOn: true, severity: "P2", graceSeconds: 60, names: ["RelayHighLatency", "EdgeBufferFull"] },
        rollouts: { isOn: false, severity: "P3" },
      },
    },
  });
});

it("lets an incident be resolved sooner, and leaves what opens incidents as it is", async () => {
  show(<IncidentsSection />, "admin");
  const seconds = await screen.findByLabelText("Its alerts must be over for, seconds");
  fireEvent.change(screen.getByLabelText("Names of alerts"), { target: { value: "RelayHighLatency, half typed" } });
  fireEvent.change(seconds, { target: { value: "60" } });
  fireEvent.click(screen.getByRole("button", { name: "Save when it may be resolved" }));
  await waitFor(() =>
    expect(sent).toEqual([{ path: "/api/incidents/settings/automation", body: { ...automation, clearSeconds: 60 } }]),
  );
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "Save when it may be resolved" }).getAttribute("aria-description")).toContain(
      "Nothing is changed yet.",
    ),
  );
  expect(screen.getByLabelText<HTMLInputElement>("Names of alerts").value).toBe("RelayHighLatency, half typed");
});

it("tells people again after other minutes, or never, and refuses what is no number", async () => {
  show(<IncidentsSection />, "admin");
  fireEvent.change(await screen.findByLabelText("P2, minutes"), { target: { value: "ten" } });
  fireEvent.change(screen.getByLabelText("P1, minutes"), { target: { value: "" } });
  const save = () => fireEvent.click(screen.getByRole("button", { name: "Save when people are told again" }));
  save();
  expect(screen.getByText("Give whole minutes.")).toBeDefined();
  expect(sent).toEqual([]);
  fireEvent.change(screen.getByLabelText("P2, minutes"), { target: { value: "10" } });
  save();
  await waitFor(() =>
    expect(sent).toEqual([
      { path: "/api/incidents/settings/escalation", body: { minutes: { P1: null, P2: 10, P3: null, P4: null } } },
    ]),
  );
});

it("shows an operator the settings and who may change them", async () => {
  show(<IncidentsSection />, "operator");
  expect((await screen.findByLabelText<HTMLInputElement>("P1, minutes")).disabled).toBe(true);
  expect(screen.getByRole("button", { name: "Save when people are told again" }).getAttribute("aria-description")).toContain(
    "Needs the role admin",
  );
});
