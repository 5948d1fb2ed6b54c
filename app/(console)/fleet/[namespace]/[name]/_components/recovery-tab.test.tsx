// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aDrill } from "#lib/client/drill-fixtures.ts";
import { aBackup, aPlan, aRecoverability, aStanding } from "#lib/client/recovery-fixtures.ts";
import { RecoverabilityFact } from "../../../../../ui/recovery/recoverability-fact.tsx";
import { begin, end, server, show } from "../../../../recovery/_components/recovery-test-world.tsx";
import { RecoveryTab } from "./recovery-tab.tsx";

beforeEach(() => {
  begin();
  server.answers = {
    "GET /api/recovery/standing": aRecoverability(),
    "GET /api/backups": { items: [aBackup()], nextCursor: null },
    "GET /api/drills": { items: [aDrill()], nextCursor: null },
    "GET /api/backup-plans": aPlan(),
  };
});
afterEach(end);

const scenarios = async () => within(await screen.findByRole("list", { name: "Scenarios" })).getAllByRole("listitem");

it("shows what was measured in each scenario, and which was never tried", async () => {
  show(<RecoveryTab id="fleet/relay" />);
  const [instance, database] = await scenarios();
  expect(instance?.textContent).toContain("InstanceMetRTO 4.2 s of 30 sRPO 0 s of 0 s");
  expect(database?.textContent).toContain("Databasenever triedRTO – of 1 hRPO – of 1 m");
});

it("says the plan in a line, as the way to change it", async () => {
  show(<RecoveryTab id="fleet/relay" />);
  const link = await screen.findByRole("link", { name: /^every day at 02:00 UTC/ });
  expect(link.textContent).toBe("every day at 02:00 UTC: PostgreSQL, Kubernetes objects; kept: the last 7, 7 daily, 4 weekly");
  expect(link.getAttribute("href")).toBe("/recovery/plans/fleet/relay");
});

it("begins the drill of a scenario from its line", async () => {
  show(<RecoveryTab id="fleet/relay" />);
  const [, database] = await scenarios();
  if (!database) throw new Error("There are two scenarios.");
  fireEvent.click(within(database).getByRole("button", { name: "Start a drill" }));
  expect(screen.getByRole("heading", { name: "Drill: Database loss on relay" })).toBeDefined();
});

it("lets administrators hold it to another objective, and back to the guides'", async () => {
  server.answers["PUT /api/recovery/objectives"] = {};
  server.answers["DELETE /api/recovery/objectives"] = {};
  server.answers["GET /api/recovery/standing"] = aRecoverability({ scenarios: [aStanding({ isOwn: true })] });
  show(<RecoveryTab id="fleet/relay" />, "admin");
  const open = async () => {
    fireEvent.click(await screen.findByRole("button", { name: "Change the objective of Instance" }));
    return within(screen.getByRole("dialog"));
  };
  let dialog = await open();
  fireEvent.change(dialog.getByLabelText("RTO"), { target: { value: "45 s" } });
  fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "agreed with them" } });
  fireEvent.click(dialog.getByRole("button", { name: "Set the objective" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  dialog = await open();
  fireEvent.click(dialog.getByRole("checkbox"));
  fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "agreed again" } });
  fireEvent.click(dialog.getByRole("button", { name: "Take the guides' objective" }));
  await waitFor(() => expect(server.sent).toHaveLength(2));
  expect(server.sent.map(({ method, body }) => [method, body])).toEqual([
    ["PUT", { scenario: "instance", rtoSeconds: 45, rpoSeconds: 0, reason: "agreed with them" }],
    ["DELETE", { scenario: "instance", reason: "agreed again" }],
  ]);
});

it("says in the header how much would be lost, as the way here", async () => {
  show(<RecoverabilityFact subject="fleet/relay" />);
  const link = await screen.findByRole("link");
  expect(link.textContent).toBe("Stale20 m of 1 m");
  expect(link.getAttribute("href")).toBe("/fleet/fleet/relay?tab=recovery");
});
