// @vitest-environment jsdom
import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Markdown } from "./markdown.tsx";

afterEach(cleanup);

describe("Markdown in a page", () => {
  it("has headings of the page's levels, lists with boxes and tables", () => {
    render(<Markdown text={"# Impact\n\n- [x] told\n- [ ] fixed\n\n| what | n |\n|--|--:|\n| failed | 12 |"} topLevel={3} />);
    expect(screen.getByRole("heading", { level: 3, name: "Impact" })).toBeDefined();
    expect(screen.getAllByRole("checkbox").map((box) => (box as HTMLInputElement).checked)).toEqual([true, false]);
    expect(within(screen.getByRole("table")).getByRole("cell", { name: "12" }).className).toContain("text-right");
  });

  it("goes to pages of Switchyard in place and to others in a tab of their own that knows nothing of this one", () => {
    render(<Markdown text="[chart](/fleet/fleet/relay) and https://example.org/x" />);
    expect(screen.getByText("chart").hasAttribute("data-inside")).toBe(true);
    const outside = screen.getByText("https://example.org/x");
    expect([outside.getAttribute("target"), outside.getAttribute("rel")]).toEqual(["_blank", "noopener noreferrer"]);
  });

  it("shows pictures that were pasted into an incident, and none from elsewhere", () => {
    const address = "/api/incidents/0197a000-0000-7000-8000-000000000012/images/0197a000-0000-7000-8000-0000000000ab";
    render(<Markdown text={`![graph](${address}) ![spy](https://example.org/x.png)`} />);
    expect(screen.getAllByRole("img").map((image) => [image.getAttribute("src"), image.getAttribute("alt")])).toEqual([
      [address, "graph"],
    ]);
  });

  it("has no link inside another, which the browser would take apart", () => {
    const { container } = render(
      <Markdown text="[https://a.example and ![graph](https://b.example/x.png)](https://c.example)" />,
    );
    expect(container.querySelectorAll("a")).toHaveLength(1);
    expect(container.textContent).toBe("https://a.example and graph");
  });

  it("draws actions as the page says, and as their words where it says nothing", () => {
    const text = "1. [Roll **back**](action:roll-back?service=fleet/relay), see [chart](/fleet/fleet/relay)";
    const { container, rerender } = render(<Markdown text={text} />);
    expect(container.querySelectorAll("a")).toHaveLength(1);
    expect(container.textContent).toBe("Roll back, see chart");
    rerender(
      <Markdown
        text={text}
        link={(href, words) => (href.startsWith("action:") ? <button type="button">{words}</button> : null)}
      />,
    );
    expect(screen.getByRole("button", { name: "Roll back" })).toBeDefined();
    expect(container.querySelectorAll("a")).toHaveLength(1);
  });

  it("shows what would be a script as it was written", () => {
    const { container } = render(<Markdown text={"<script>alert(1)</script> [x](javascript:alert(1))"} />);
    expect(container.querySelector("script, a")).toBeNull();
    expect(container.textContent).toBe("<script>alert(1)</script> [x](javascript:alert(1))");
  });
});
