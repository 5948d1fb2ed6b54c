// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aDrillSchedule } from "#lib/client/drill-fixtures.ts";
import { begin, end, server, show } from "../../_components/recovery-test-world.tsx";
import { SchedulesSection } from "./schedules-section.tsx";

beforeEach(begin);
afterEach(end);

const dialog = () => within(screen.getByRole("dialog"));

it("says when each comes next and what the last one showed; one that is switched off says so", async () => {
  const last = {
    id: "d",
    number: 4,
    state: "completed" as const,
    verdict: "missed" as const,
    createdAt: "2026-10-01T10:00:00.000Z",
  };
  server.answers["GET /api/drill-schedules"] = [
    aDrillSchedule({ last }),
    aDrillSchedule({ id: "off", subject: "fleet/hub", isEnabled: false }),
  ];
  show(<SchedulesSection />);
  const [, first, second] = await screen.findAllByRole("row");
  expect(first?.textContent).toContain("on day 1 of January, April, July and October at 10:00 UTCin 40 dDR-4Missed");
  expect(second?.textContent).toContain("switched off");
});

it("makes one quarterly unless told otherwise, by administrators", async () => {
  server.answers["GET /api/drill-schedules"] = [];
  server.answers["PUT /api/drill-schedules"] = aDrillSchedule();
  show(<SchedulesSection />, "admin");
  fireEvent.click(screen.getByRole("button", { name: "Schedule a drill" }));
  const send = () => fireEvent.click(dialog().getByRole("button", { name: "Schedule the drill" }));
  send();
  expect(dialog().getByText("Choose what it is carried out on.")).toBeDefined();
  fireEvent.change(dialog().getByLabelText("Service"), { target: { value: "fleet/hub" } });
  fireEvent.change(dialog().getByLabelText("Scenario"), { target: { value: "hub" } });
  fireEvent.change(dialog().getByLabelText("Kept away for"), { target: { value: "1 m" } });
  fireEvent.change(dialog().getByLabelText("Reason"), { target: { value: "every quarter" } });
  send();
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.sent[0]?.body).toMatchObject({
    scenario: "hub",
    subject: "fleet/hub",
    settings: { awaySeconds: 60 },
    cron: "0 10 1 1,4,7,10 *",
    isEnabled: true,
    reason: "every quarter",
  });
});

it("is changed and deleted with a reason, and by nobody but administrators", async () => {
  server.answers["GET /api/drill-schedules"] = [aDrillSchedule()];
  server.answers["DELETE /api/drill-schedules/schedule-1"] = aDrillSchedule();
  show(<SchedulesSection />, "admin");
  fireEvent.click(await screen.findByRole("button", { name: /^Change the schedule of/ }));
  expect(dialog().getByLabelText<HTMLSelectElement>("It begins").value).toBe("0 10 1 1,4,7,10 *");
  fireEvent.click(dialog().getByRole("button", { name: "Cancel" }));
  fireEvent.click(screen.getByRole("button", { name: /^Delete the schedule of/ }));
  fireEvent.change(dialog().getByLabelText("Reason"), { target: { value: "it is gone" } });
  fireEvent.click(dialog().getByRole("button", { name: "Delete the schedule on relay" }));
  await waitFor(() => expect(server.sent).toHaveLength(1));
  expect(server.sent[0]).toMatchObject({ method: "DELETE", body: { reason: "it is gone" } });
  end();
  begin();
  server.answers["GET /api/drill-schedules"] = [aDrillSchedule()];
  show(<SchedulesSection />, "operator");
  const button = await screen.findByRole("button", { name: /^Delete the schedule of/ });
  expect(button.getAttribute("aria-description")).toContain("Needs the role admin");
});
