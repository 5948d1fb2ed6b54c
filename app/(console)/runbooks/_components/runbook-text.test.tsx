// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { readRunbook } from "./runbook.ts";
import { RunbookText } from "./runbook-text.tsx";
import runbooks from "./runbooks.json" with { type: "json" };

afterEach(cleanup);

it("has a section at the address that an alert links to, with steps and commands", () => {
  const { container } = render(<RunbookText runbook={readRunbook(runbooks.relay)} />);
  const section = container.querySelector("#RelayHighLatency");
  expect(screen.getByRole("heading", { name: "RelayHighLatency" }).parentElement).toBe(section);
  expect(section?.querySelectorAll("ol > li").length).toBe(4);
  expect(section?.querySelector("code")?.textContent).toMatch(/^select pid/);
  expect(container.textContent).not.toContain("`");
});
