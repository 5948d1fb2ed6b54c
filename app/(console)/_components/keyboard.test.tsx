// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Role } from "#lib/domain/users/schemas.ts";
import { Choice } from "../../ui/choice.tsx";
import { IncidentContext } from "../../ui/incidents/use-incidents.ts";
import { show } from "../fleet/[namespace]/[name]/rollout/_components/rollout-test-world.tsx";
import { Keyboard } from "./keyboard.tsx";

const router = { push: vi.fn() };
vi.mock("next/navigation", () => ({ useRouter: () => router }));
const incidents = { report: vi.fn() };

afterEach(() => {
  cleanup();
  vi.clearAllMocks();
});

function open(role: Role = "operator") {
  show(
    <IncidentContext value={incidents}>
      <input aria-label="Filter" />
      <Keyboard />
    </IncidentContext>,
    role,
  );
}
const press = (key: string, on: Element = document.body) => fireEvent.keyDown(on, { key });

it("reports an incident by c, from wherever one is", () => {
  open();
  press("c");
  expect(incidents.report).toHaveBeenCalledExactlyOnceWith();
});

it("reports none while somebody types, copies, or has just begun to go somewhere", () => {
  open();
  press("c", screen.getByLabelText("Filter"));
  fireEvent.keyDown(document.body, { key: "c", ctrlKey: true });
  press("g");
  press("c");
  expect(incidents.report).not.toHaveBeenCalled();
});

it("reports none for who may not", () => {
  open("viewer");
  press("c");
  expect(incidents.report).not.toHaveBeenCalled();
});

it("goes to the incidents by g i", () => {
  open();
  press("g");
  press("i");
  expect(router.push).toHaveBeenCalledWith("/incidents");
});

it.each([
  ["a search", <input key="filter" aria-label="List" data-filter />],
  ["a list", <Choice key="filter" label="List" data-filter value="" options={[["", "Every state"]]} onChange={() => {}} />],
])("goes to the first filter of a page by /, and keeps the browser from searching, where that is %s", (_, filter) => {
  show(
    <IncidentContext value={incidents}>
      {filter}
      <Keyboard />
    </IncidentContext>,
    "viewer",
  );
  const isLeftToBrowser = press("/");
  expect(document.activeElement).toBe(screen.getByLabelText("List"));
  expect(isLeftToBrowser).toBe(false);
});
