// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import type { Candidate } from "#lib/domain/fleet/schemas.ts";
import { fleetTableColumns } from "./fleet-columns.tsx";

afterEach(cleanup);

const candidate: Candidate = {
  name: "relay-candidate",
  image: "switchyard/relay:2.1.0",
  version: "2.1.0",
  templateHash: "6f9b44",
  desired: 2,
  ready: 1,
  available: 1,
};

function textOf(column: "ready" | "version", beside: Candidate | null): string | null {
  const cell = fleetTableColumns({}).find(({ id }) => id === column)?.cell;
  return render(<div>{cell?.(aService({ ready: 3, desired: 3, candidate: beside }))}</div>).container.textContent;
}

it("counts and names a rollout's candidate with the service that it stands beside", () => {
  expect([textOf("ready", candidate), textOf("version", candidate)]).toEqual(["4/5", "2.0.0 → 2.1.0"]);
});

it("shows a service without a candidate as it is", () => {
  expect([textOf("ready", null), textOf("version", null)]).toEqual(["3/3", "2.0.0"]);
});
