// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { healthWords } from "#lib/domain/fleet/schemas.ts";
import { Status } from "./status.tsx";

afterEach(cleanup);

describe("a status", () => {
  it.each(healthWords)("%s is a word with a shape, never colour alone", (health) => {
    const { container } = render(<Status health={health} />);
    expect(container.textContent?.toLowerCase()).toBe(health);
    expect(container.querySelector("svg")?.children.length).toBeGreaterThan(0);
  });

  it("has a shape and a colour of its own for every word", () => {
    const shapes = healthWords.map((health) => {
      const { container } = render(<Status health={health} />);
      const shape = container.querySelector("svg")?.innerHTML;
      const color = /text-(\w+)/.exec(container.firstElementChild?.className.replace(/text-(sm|xs)/, "") ?? "")?.[1];
      return { shape, color };
    });
    expect(new Set(shapes.map((each) => each.shape)).size).toBe(healthWords.length);
    expect(new Set(shapes.map((each) => each.color)).size).toBe(healthWords.length);
  });

  it("tells its reason on hover", () => {
    render(<Status health="down" reason="No instance is ready." />);
    expect(screen.getByTitle("No instance is ready.").textContent).toBe("Down");
  });
});
