"use client";
import {
  autocompletion,
  type CompletionSource,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, forceParsing, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { Decoration, EditorView, keymap, MatchDecorator, placeholder, tooltips, ViewPlugin } from "@codemirror/view";
import { LanguageType, newCompleteStrategy, PromQLExtension, promQLLanguage } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef } from "react";
import { placeholderPattern, readableExpression } from "#lib/client/promql-template.ts";
import { placeholders } from "#lib/domain/metrics/schemas.ts";
import { promqlHighlighter } from "./promql-text.tsx";

type Properties = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Names of metrics to offer. */
  metricNames: readonly string[];
  isInvalid?: boolean;
  describedBy?: string;
};

/** A field for PromQL: colours, errors and completion of Prometheus' own grammar, with the templates' placeholders. */
export function PromqlEditor({ label, value, onChange, metricNames, isInvalid = false, describedBy }: Properties) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const present = useRef({ value, onChange, metricNames });
  present.current = { value, onChange, metricNames };

  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: present.current.value,
        extensions: [
          extensions(() => present.current.metricNames),
          EditorView.contentAttributes.of({ "aria-label": label, ...(describedBy ? { "aria-describedby": describedBy } : {}) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) present.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [label, describedBy]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  return (
    <div
      ref={host}
      data-invalid={isInvalid || undefined}
      className="rounded-md border border-line-strong bg-canvas text-xs focus-within:outline-2 focus-within:outline-accent data-invalid:border-bad-fill"
    />
  );
}

const theme = EditorView.theme({
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "20px" },
  ".cm-content": { padding: "5px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 10px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "var(--tint) !important" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-matchingBracket": { background: "var(--tint) !important", outline: "none" },
  ".cm-tooltip": {
    background: "var(--raised)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    color: "var(--ink)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "14em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px !important" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "var(--selected) !important",
    color: "var(--ink) !important",
  },
  ".cm-completionDetail": { color: "var(--ink-3)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-completionIcon": { display: "none" },
  ".cm-diagnostic": { padding: "3px 8px", fontFamily: "var(--font-sans)", borderLeft: "3px solid var(--bad-fill)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad-fill)",
    textUnderlineOffset: "3px",
  },
});

function extensions(metricNames: () => readonly string[]) {
  const complete = newCompleteStrategy({
    remote: {
      metricNames: async () => [...metricNames()],
      metricMetadata: async () => ({}),
      labelNames: async () => [],
      labelValues: async () => [],
      series: async () => [],
      flags: async () => ({}),
    },
  });
  const language = promQLLanguage(LanguageType.PromQL);
  return [
    language,
    language.data.of({ autocomplete: ((context) => complete.promQL(context)) satisfies CompletionSource }),
    language.data.of({ autocomplete: completePlaceholder }),
    syntaxHighlighting(promqlHighlighter),
    placeholderMarks,
    linter((view) => findErrors(view.state.doc.toString()), { delay: 300 }),
    autocompletion({ icons: false }),
    closeBrackets(),
    bracketMatching(),
    history(),
    // Inside a dialog, whose edges would cut a tooltip.
    tooltips({ position: "fixed" }),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
    placeholder("sum by (pod) (rate(requests_total{$in}[$window]))"),
    EditorView.cspNonce.of(pageNonce()),
    EditorView.lineWrapping,
    theme,
  ];
}

const completePlaceholder: CompletionSource = (context) => {
  const word = context.matchBefore(/\$\w*/);
  if (!word) return null;
  const options = Object.entries(placeholders).map(([label, detail]) => ({ label, detail, type: "variable" }));
  return { from: word.from, options };
};

const grammarLinter = new PromQLExtension().getLinter();

/** What Prometheus' grammar and types have to say against an expression, at its places as typed. */
async function findErrors(source: string): Promise<Diagnostic[]> {
  if (source.trim() === "") return [];
  const { text, toSource } = readableExpression(source);
  // The library reads a view only; this one is never shown.
  const view = new EditorView({ state: EditorState.create({ doc: text, extensions: [promQLLanguage(LanguageType.PromQL)] }) });
  // On a busy machine the first parse stops early, and half a tree looks like an error.
  forceParsing(view, text.length, 1000);
  const found = await grammarLinter.promQL()(view);
  view.destroy();
  return found.map((each) => ({
    ...each,
    from: Math.min(toSource(each.from), source.length),
    to: Math.min(toSource(each.to), source.length),
  }));
}

const placeholderMark = Decoration.mark({ class: "text-accent font-medium" });
const decorator = new MatchDecorator({ regexp: placeholderPattern, decoration: placeholderMark });
const placeholderMarks = ViewPlugin.define(
  (view) => ({
    decorations: decorator.createDeco(view),
    update(update) {
      this.decorations = decorator.updateDeco(update, this.decorations);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

/** The editor's own styles are let in by the page's policy only with the nonce of its scripts. */
function pageNonce(): string {
  return document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}
