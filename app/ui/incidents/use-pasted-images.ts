"use client";
import { type ClipboardEvent, type DragEvent, type RefObject, useRef, useState } from "react";
import { pasteImage } from "#lib/client/incidents.ts";

export type PlacedPicture = { file: File; name: string; mark: string };

let pasted = 0;

/** A picture with what stands for it until it is kept. */
export function placePicture(file: File): PlacedPicture {
  pasted += 1;
  const name = file.name.replace(/[[\]()]/g, "") || "picture";
  return { file, name, mark: `![${name}, on its way (${pasted})]` };
}

type Options = {
  incidentId: string;
  field: RefObject<HTMLTextAreaElement | null>;
  text: string;
  setText: (text: string) => void;
};

/**
 * Takes pictures that are pasted or dropped into a field of Markdown: each is kept with the incident and stands where the cursor was.
 * One may write on meanwhile; what could not be kept is taken out again.
 */
export function usePastedImages({ incidentId, field, text, setText }: Options) {
  // The answer may come when the field is gone: what is kept of its text is changed all the same.
  const latest = useRef(text);
  latest.current = text;
  const [sending, setSending] = useState(0);
  const [error, setError] = useState<unknown>(null);

  async function keep({ file, name, mark }: PlacedPicture) {
    try {
      const { address } = await pasteImage(incidentId, file);
      replace(mark, `![${name}](${address})`);
    } catch (reason) {
      replace(mark, "");
      setError(reason);
    } finally {
      setSending((count) => count - 1);
    }
  }

  function put(next: string) {
    latest.current = next;
    setText(next);
  }

  function insert(marks: string) {
    const all = latest.current;
    const { selectionStart = all.length, selectionEnd = all.length } = field.current ?? {};
    const [before, after] = [all.slice(0, selectionStart), all.slice(selectionEnd)];
    put(`${before}${before && !before.endsWith("\n") ? "\n" : ""}${marks}\n${after}`);
  }

  const replace = (mark: string, by: string) => put(latest.current.replace(mark, () => by));

  function take(event: ClipboardEvent | DragEvent, files: FileList) {
    const pictures = [...files].filter(({ type }) => type.startsWith("image/"));
    if (pictures.length === 0) return;
    event.preventDefault();
    setError(null);
    setSending((count) => count + pictures.length);
    const placed = pictures.map(placePicture);
    insert(placed.map(({ mark }) => mark).join("\n"));
    for (const one of placed) void keep(one);
  }

  return {
    isSending: sending > 0,
    error,
    handlers: {
      onPaste: (event: ClipboardEvent) => take(event, event.clipboardData.files),
      onDrop: (event: DragEvent) => take(event, event.dataTransfer.files),
    },
  };
}
