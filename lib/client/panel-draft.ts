import {
  type ChangePanelInput,
  type CreatePanelInput,
  createPanelSchema,
  type Panel,
  panelLimits,
} from "#lib/domain/metrics/schemas.ts";

/** A chart as it is being edited: texts as typed. */
export type PanelDraft = {
  title: string;
  unit: Panel["unit"];
  style: Panel["style"];
  limitValue: string;
  limitLabel: string;
  seriesLabel: string;
  queries: { key: string; name: string; expr: string }[];
};

export const mostQueries = panelLimits.queries;

/** The draft of a chart, or of a new one. */
export function draftOf(panel: Panel | null): PanelDraft {
  if (!panel) {
    return {
      title: "",
      unit: "per-second",
      style: "lines",
      limitValue: "",
      limitLabel: "",
      seriesLabel: "",
      queries: [{ key: "0", name: "", expr: "" }],
    };
  }
  return {
    title: panel.title,
    unit: panel.unit,
    style: panel.style,
    limitValue: panel.limit ? String(panel.limit.value) : "",
    limitLabel: panel.limit?.label ?? "",
    seriesLabel: panel.seriesLabel ?? "",
    queries: panel.queries.map(({ name, expr }, index) => ({ key: String(index), name, expr })),
  };
}

export function withQuery(draft: PanelDraft): PanelDraft {
  const key = String(Math.max(...draft.queries.map((query) => Number(query.key)), -1) + 1);
  return { ...draft, queries: [...draft.queries, { key, name: "", expr: "" }] };
}

export function withoutQuery(draft: PanelDraft, key: string): PanelDraft {
  return { ...draft, queries: draft.queries.filter((query) => query.key !== key) };
}

type Fields = Omit<ChangePanelInput, "version">;

/** What a draft says, or what is wrong with it, by field: "title", "limit.value", "queries.0.expr". */
export function readDraft(
  draft: PanelDraft,
): { fields: Fields; errors: null } | { fields: null; errors: Record<string, string[]> } {
  const hasLimit = draft.limitValue.trim() !== "" || draft.limitLabel.trim() !== "";
  const value = Number(draft.limitValue.trim().replace(",", ".") || Number.NaN);
  const input: CreatePanelInput = {
    title: draft.title,
    unit: draft.unit,
    style: draft.style,
    limit: hasLimit ? { value, label: draft.limitLabel.trim() || "limit" } : null,
    queries: draft.queries.map(({ name, expr }) => ({ name, expr })),
    seriesLabel: draft.seriesLabel.trim() || null,
  };
  const parsed = createPanelSchema.safeParse(input);
  if (parsed.success) {
    const { replaces: _, ...fields } = parsed.data;
    return { fields, errors: null };
  }
  const errors: Record<string, string[]> = {};
  for (const { path, message } of parsed.error.issues) {
    const field = path.join(".");
    errors[field] = [...(errors[field] ?? []), field === "limit.value" ? "A limit is a number, in the chart's unit." : message];
  }
  return { fields: null, errors };
}

/** What a chart and a draft of it say differently, as texts: "Title", "Expression 2"; an empty text is nothing. */
export function draftDifferences(present: Panel, mine: PanelDraft): { field: string; present: string; mine: string }[] {
  const theirs = textsOf(draftOf(present));
  const own = textsOf(mine);
  return [...new Set([...theirs.keys(), ...own.keys()])]
    .map((field) => ({ field, present: theirs.get(field) ?? "", mine: own.get(field) ?? "" }))
    .filter((each) => each.present !== each.mine);
}

function textsOf(draft: PanelDraft): Map<string, string> {
  const texts = new Map<string, string>([
    ["Title", draft.title.trim()],
    ["Unit", draft.unit],
    ["Style", draft.style],
    ["Series named by", draft.seriesLabel.trim()],
    ["Limit", [draft.limitValue.trim(), draft.limitLabel.trim()].filter(Boolean).join(", ")],
  ]);
  for (const [index, { name, expr }] of draft.queries.entries()) {
    texts.set(`Expression ${index + 1}`, [name.trim(), expr.trim()].filter(Boolean).join(": "));
  }
  return texts;
}
