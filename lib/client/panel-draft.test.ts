import { describe, expect, it } from "vitest";
import { aPanel } from "./fixtures.ts";
import { draftDifferences, draftOf, readDraft, withoutQuery, withQuery } from "./panel-draft.ts";

describe("a chart's draft", () => {
  it("says what the chart says when nothing was changed", () => {
    const panel = aPanel({ limit: { value: 0.05, label: "50 ms" }, seriesLabel: "pod", unit: "seconds" });
    expect(readDraft(draftOf(panel)).fields).toEqual({
      title: panel.title,
      unit: "seconds",
      style: "lines",
      limit: { value: 0.05, label: "50 ms" },
      queries: panel.queries,
      seriesLabel: "pod",
    });
  });

  it("of a new chart names what is missing, by field", () => {
    expect(readDraft(draftOf(null)).errors).toEqual({
      title: ["A chart needs a title."],
      "queries.0.expr": ["Write an expression."],
    });
  });

  it("takes a decimal comma, and refuses a limit that is no number", () => {
    const draft = { ...draftOf(aPanel()), limitValue: "0,5" };
    expect(readDraft(draft).fields?.limit).toEqual({ value: 0.5, label: "limit" });
    expect(readDraft({ ...draft, limitValue: "much" }).errors?.["limit.value"]).toEqual([
      "A limit is a number, in the chart's unit.",
    ]);
    expect(readDraft({ ...draft, limitValue: "", limitLabel: "alert" }).errors?.["limit.value"]).toHaveLength(1);
  });

  it("keeps each query's key while others come and go", () => {
    const two = withQuery(draftOf(aPanel()));
    expect(two.queries.map(({ key }) => key)).toEqual(["0", "1"]);
    expect(withQuery(withoutQuery(two, "0")).queries.map(({ key }) => key)).toEqual(["1", "2"]);
  });
});

describe("a draft beside the chart that somebody else changed meanwhile", () => {
  const present = aPanel({ title: "Rate", queries: [{ name: "ok", expr: "up" }] });

  it("says the same where nothing differs but blanks", () => {
    expect(draftDifferences(present, { ...draftOf(present), title: " Rate " })).toEqual([]);
  });

  it("differs by field, also where one has an expression more", () => {
    const mine = withQuery({ ...draftOf(present), title: "Requests", limitValue: "5" });
    mine.queries[1] = { key: "1", name: "", expr: "up == 0" };
    expect(draftDifferences(present, mine)).toEqual([
      { field: "Title", present: "Rate", mine: "Requests" },
      { field: "Limit", present: "", mine: "5" },
      { field: "Expression 2", present: "", mine: "up == 0" },
    ]);
  });
});
