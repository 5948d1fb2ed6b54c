// @vitest-environment jsdom
import { undo } from "@codemirror/commands";
import { EditorView } from "@codemirror/view";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MarkdownEditor } from "./markdown-editor.tsx";

afterEach(cleanup);

/** An editor whose page holds what is typed, and what comes from outside. */
function show(text: string) {
  const typed: string[] = [];
  const keepPicture = vi.fn<(file: File) => Promise<string>>(async () => "/picture");
  const onProblem = vi.fn();
  const onSave = vi.fn();
  const draw = (shown: string) => (
    <MarkdownEditor
      label="Text"
      text={shown}
      onType={(next) => typed.push(next)}
      onSave={onSave}
      keepPicture={keepPicture}
      onProblem={onProblem}
    />
  );
  const { rerender } = render(draw(text));
  const area = screen.getByRole("textbox", { name: "Text" });
  const view = EditorView.findFromDOM(area);
  if (!view) throw new Error("There is no editor.");
  const type = (at: number, insert: string) =>
    act(() =>
      view.dispatch({ changes: { from: at, insert }, selection: { anchor: at + insert.length }, userEvent: "input.type" }),
    );
  return { area, view, type, typed, keepPicture, onProblem, onSave, put: (next: string) => rerender(draw(next)) };
}

describe("a field for Markdown", () => {
  it("keeps the cursor at the words where it was when others' words come in, and tells nobody that these were typed", () => {
    const { view, type, typed, put } = show("one two\n");
    type(7, " mine");
    expect(typed).toEqual(["one two mine\n"]);
    put("zero\nONE two mine\nlast\n");
    expect(view.state.doc.toString()).toBe("zero\nONE two mine\nlast\n");
    expect(view.state.sliceDoc(0, view.state.selection.main.head)).toBe("zero\nONE two mine");
    expect(typed).toHaveLength(1);
  });

  it("takes back what was typed here only", () => {
    const { view, type, put } = show("one two\n");
    type(7, " mine");
    put("zero\none two mine\n");
    act(() => void undo(view));
    expect(view.state.doc.toString()).toBe("zero\none two\n");
  });

  it("saves with Ctrl+S", () => {
    const { area, onSave } = show("one");
    fireEvent.keyDown(area, { key: "s", ctrlKey: true });
    expect(onSave).toHaveBeenCalledOnce();
  });

  it("takes a picture out again that could not be kept, and what was written meanwhile stays", async () => {
    const { area, view, type, keepPicture, onProblem } = show("one\n");
    keepPicture.mockRejectedValueOnce(new Error("too large"));
    fireEvent.paste(area, { clipboardData: { files: [new File(["x"], "a.png", { type: "image/png" })], getData: () => "" } });
    expect(view.state.doc.toString()).toContain("a.png, on its way");
    type(view.state.doc.length, "two\n");
    await waitFor(() => expect(onProblem).toHaveBeenCalledOnce());
    expect(view.state.doc.toString()).toBe("one\ntwo\n");
  });
});
