// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Column, DataTable, type DataTableProps } from "./data-table.tsx";
import { beginGoing, endGoing } from "./keys.ts";

type Row = { id: string; value: number };
const columns: Column<Row>[] = [
  { id: "id", header: "Name", essential: true, cell: (row) => row.id },
  { id: "value", header: "Value", cell: (row) => row.value },
];
const rows = (...ids: string[]): Row[] => ids.map((id, value) => ({ id, value }));
const table = (over: Partial<DataTableProps<Row>> = {}) => (
  <DataTable label="Things" columns={columns} rows={rows("a", "b", "c")} keyOf={(row) => row.id} empty="Nothing" {...over} />
);
const order = () => screen.getAllByRole("row").flatMap((row) => row.getAttribute("data-key") ?? []);
const rowOf = (id: string) => {
  const row = screen.getAllByRole("row").find((each) => each.getAttribute("data-key") === id);
  if (!row) throw new Error(`no row ${id}`);
  return row;
};

beforeAll(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("CSS", { escape: (text: string) => text });
});
afterEach(cleanup);

describe("a table", () => {
  it("moves through its rows with the arrow keys and opens one with Enter", async () => {
    const onOpen = vi.fn();
    render(table({ onOpen }));
    rowOf("a").focus();
    fireEvent.keyDown(rowOf("a"), { key: "ArrowDown" });
    await waitFor(() => expect(document.activeElement).toBe(rowOf("b")));
    fireEvent.keyDown(rowOf("b"), { key: "End" });
    await waitFor(() => expect(document.activeElement).toBe(rowOf("c")));
    fireEvent.keyDown(rowOf("c"), { key: "ArrowDown" });
    fireEvent.keyDown(rowOf("c"), { key: "Enter" });
    expect(onOpen).toHaveBeenCalledExactlyOnceWith({ id: "c", value: 2 });
  });

  it("has one row that Tab reaches", () => {
    render(table({ onOpen: () => {} }));
    expect(screen.getAllByRole("row").filter((row) => row.tabIndex === 0 && row.dataset.key)).toHaveLength(1);
  });

  it("keeps its rows in place under the pointer and orders them anew when it leaves", () => {
    const { rerender, container } = render(table());
    const body = container.querySelector("tbody") ?? container;
    fireEvent.pointerEnter(body);
    rerender(table({ rows: rows("c", "new", "a") }));
    expect(order()).toEqual(["a", "c", "new"]);
    fireEvent.pointerLeave(body);
    expect(order()).toEqual(["c", "new", "a"]);
  });

  it("obeys a sort that the reader asks for while pointing at it", () => {
    const sort = { column: "id", descending: false, onSort: () => {} };
    const { rerender, container } = render(table({ sort }));
    fireEvent.pointerEnter(container.querySelector("tbody") ?? container);
    rerender(table({ sort: { ...sort, descending: true }, rows: rows("c", "b", "a") }));
    expect(order()).toEqual(["c", "b", "a"]);
  });

  it("says by which column it is sorted", () => {
    const onSort = vi.fn();
    render(table({ sort: { column: "value", descending: true, onSort } }));
    expect(screen.getByRole("columnheader", { name: "Value" }).getAttribute("aria-sort")).toBe("descending");
    fireEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(onSort).toHaveBeenCalledWith("id");
  });

  it("selects rows with their boxes, with Space, and all at once", () => {
    const onChange = vi.fn();
    render(table({ selection: { selected: new Set(["b"]), onChange } }));
    fireEvent.click(screen.getByRole("checkbox", { name: "Select a" }));
    expect([...(onChange.mock.lastCall?.[0] ?? [])].sort()).toEqual(["a", "b"]);
    fireEvent.keyDown(rowOf("b"), { key: " " });
    expect([...(onChange.mock.lastCall?.[0] ?? [])]).toEqual([]);
    fireEvent.click(screen.getByRole("checkbox", { name: "Select all" }));
    expect([...(onChange.mock.lastCall?.[0] ?? [])]).toEqual(["a", "b", "c"]);
  });

  it("does what a key says to the row that has the focus, and not to what is typed with it held down", () => {
    const acknowledge = vi.fn();
    render(table({ onOpen: () => {}, keys: { a: acknowledge } }));
    fireEvent.keyDown(rowOf("b"), { key: "a", ctrlKey: true });
    fireEvent.keyDown(rowOf("b"), { key: "b" });
    expect(acknowledge).not.toHaveBeenCalled();
    fireEvent.keyDown(rowOf("b"), { key: "a" });
    expect(acknowledge).toHaveBeenCalledExactlyOnceWith({ id: "b", value: 1 });
  });

  it("closes an opened row with Escape before that leaves the page", () => {
    const onOpen = vi.fn();
    render(table({ onOpen, expanded: (row) => (row.id === "b" ? "More of b" : null) }));
    expect(fireEvent.keyDown(rowOf("a"), { key: "Escape" })).toBe(true);
    expect(onOpen).not.toHaveBeenCalled();
    expect(fireEvent.keyDown(rowOf("b"), { key: "Escape" })).toBe(false);
    expect(onOpen).toHaveBeenCalledExactlyOnceWith({ id: "b", value: 1 });
  });

  it("leaves a letter after “g” to the way to a page", () => {
    const acknowledge = vi.fn();
    render(table({ onOpen: () => {}, keys: { a: acknowledge } }));
    beginGoing();
    fireEvent.keyDown(rowOf("b"), { key: "a" });
    expect(acknowledge).not.toHaveBeenCalled();
    expect(endGoing()).toBe(true);
    fireEvent.keyDown(rowOf("b"), { key: "a" });
    expect(acknowledge).toHaveBeenCalledOnce();
  });

  it("draws a heading over the whole width in the place of a row's cells, reached like a row", async () => {
    render(table({ onOpen: () => {}, band: (row) => (row.id === "b" ? <b>Group b</b> : null) }));
    expect(screen.getByText("Group b").closest("td")?.colSpan).toBe(2);
    expect(rowOf("b").querySelectorAll("td")).toHaveLength(1);
    rowOf("a").focus();
    fireEvent.keyDown(rowOf("a"), { key: "ArrowDown" });
    await waitFor(() => expect(document.activeElement).toBe(rowOf("b")));
  });

  it("says what would be here when there is nothing", () => {
    render(table({ rows: [] }));
    expect(screen.getByText("Nothing")).toBeTruthy();
  });

  it("puts only a part of many rows into the document, and says how many there are", () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ id: `row-${index}`, value: index }));
    render(table({ rows: many }));
    expect(order().length).toBeLessThan(200);
    expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("5001");
  });
});
