"use client";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { markdown, markdownLanguage } from "@codemirror/lang-markdown";
import { syntaxHighlighting } from "@codemirror/language";
import { diff } from "@codemirror/merge";
import { Annotation, EditorState, Transaction } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { useEffect, useLayoutEffect, useRef } from "react";
import { placePicture } from "./incidents/use-pasted-images.ts";

type Properties = {
  label: string;
  text: string;
  /** What the person made of the text that the editor had shown. */
  onType: (text: string, shown: string) => void;
  /** Ctrl S. */
  onSave: () => void;
  /** Keeps a picture that is pasted or dropped, and resolves with its address. */
  keepPicture: (file: File) => Promise<string>;
  onProblem: (error: unknown) => void;
};

/**
 * A field for Markdown with colours, lists that go on by themselves, and undo. Text that changes from outside is put in change by
 * change: the cursor stays at the words where it was, and undo takes back only what was typed here.
 */
export function MarkdownEditor({ label, ...given }: Properties) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const present = useRef(given);
  present.current = given;
  const { text } = given;

  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: present.current.text,
        extensions: [
          extensions(),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "true", autocorrect: "on", autocapitalize: "on" }),
          keymap.of([{ key: "Mod-s", run: () => save(present.current.onSave) }]),
          EditorView.domEventHandlers({
            paste: (event, editor) => takePictures(editor, event.clipboardData, present),
            drop: (event, editor) => takePictures(editor, event.dataTransfer, present),
          }),
          EditorView.updateListener.of(({ docChanged, transactions, startState, state }) => {
            const isTyped = transactions.some((transaction) => transaction.docChanged && !transaction.annotation(fromOutside));
            if (docChanged && isTyped) present.current.onType(state.doc.toString(), startState.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [label]);

  // Before anything else is typed: what the editor shows is what the page holds.
  useLayoutEffect(() => {
    if (view.current) showText(view.current, text);
  }, [text]);

  return <div ref={host} className="min-w-0 bg-canvas text-xs print:hidden" />;
}

/** A picture stands where the cursor was while it is kept; what could not be kept is taken out again. */
function takePictures(editor: EditorView, data: DataTransfer | null, present: { current: Omit<Properties, "label"> }): boolean {
  const placed = [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/")).map(placePicture);
  if (placed.length === 0) return false;
  editor.dispatch(editor.state.replaceSelection(placed.map(({ mark }) => mark).join("\n")));
  for (const { file, name, mark } of placed) {
    const put = (insert: string) => {
      const from = editor.state.doc.toString().indexOf(mark);
      if (from >= 0) editor.dispatch({ changes: { from, to: from + mark.length, insert } });
    };
    present.current.keepPicture(file).then(
      (address) => put(`![${name}](${address})`),
      (error) => {
        put("");
        present.current.onProblem(error);
      },
    );
  }
  return true;
}

function save(onSave: () => void): boolean {
  onSave();
  return true;
}

const fromOutside = Annotation.define<true>();

function showText(editor: EditorView, text: string): void {
  const shown = editor.state.doc.toString();
  if (shown === text) return;
  const changes = diff(shown, text, { scanLimit: 500, timeout: 100 }).map(({ fromA, toA, fromB, toB }) => ({
    from: fromA,
    to: toA,
    insert: text.slice(fromB, toB),
  }));
  editor.dispatch({ changes, annotations: [fromOutside.of(true), Transaction.addToHistory.of(false)] });
}

const highlighter = tagHighlighter([
  { tag: tags.heading, class: "font-semibold text-ink" },
  { tag: tags.strong, class: "font-semibold" },
  { tag: tags.emphasis, class: "italic" },
  { tag: tags.strikethrough, class: "line-through" },
  { tag: [tags.link, tags.url], class: "text-accent" },
  { tag: tags.monospace, class: "text-held" },
  { tag: tags.quote, class: "text-ink-2" },
  { tag: [tags.processingInstruction, tags.contentSeparator], class: "text-ink-3" },
]);

const theme = EditorView.theme({
  "&": { minHeight: "70vh" },
  "&.cm-focused": { outline: "none", boxShadow: "inset 2px 0 0 var(--accent-solid)" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "20px" },
  ".cm-content": { padding: "16px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 16px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "var(--tint) !important" },
});

const extensions = () => [
  markdown({ base: markdownLanguage, completeHTMLTags: false }),
  syntaxHighlighting(highlighter),
  history(),
  keymap.of([...historyKeymap, ...defaultKeymap]),
  EditorView.cspNonce.of(pageNonce()),
  EditorView.lineWrapping,
  theme,
];

/** The editor's own styles are let in by the page's policy only with the nonce of its scripts. */
function pageNonce(): string {
  return document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}
