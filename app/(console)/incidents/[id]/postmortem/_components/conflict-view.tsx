"use client";
import { presentableDiff } from "@codemirror/merge";
import { type ReactNode, useId, useState } from "react";
import { type Choice, conflictsOf, type Piece } from "#lib/domain/incidents/postmortem/merge.ts";
import { Button } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";

const choices: [Choice, string][] = [
  ["mine", "Mine"],
  ["theirs", "Theirs"],
  ["both", "Both, mine first"],
];

/** The words that two people changed in two ways, and what to make of each; everything else is joined already. */
export function ConflictView({ pieces, onSettle }: { pieces: readonly Piece[]; onSettle: (choices: Choice[]) => void }) {
  const conflicts = conflictsOf(pieces);
  const [chosen, setChosen] = useState<Record<string, Choice>>({});
  const keyed = conflicts.map((conflict, index) => ({ ...conflict, key: `${index} ${conflict.base}` }));
  return (
    <section aria-label="Changed by both" className="border-b border-warn-fill bg-sunken px-4 py-3 print:hidden">
      <h3 className="font-semibold text-warn">
        {conflicts.length === 1
          ? "The same words were changed twice"
          : `The same words were changed twice, in ${conflicts.length} places`}
      </h3>
      <p className="mb-2 text-ink-2">
        What you and others changed elsewhere is joined. Nothing is lost: both stay unless you choose one.
      </p>
      <ol className="grid gap-3">
        {keyed.map(({ key, base, mine, theirs }) => (
          <li key={key} className="grid gap-1.5">
            <div className="grid gap-2 md:grid-cols-3">
              <Side title="Mine" text={mine} base={base} isChosen={chosen[key] !== "theirs"} />
              <Side title="Theirs" text={theirs} base={base} isChosen={chosen[key] !== "mine"} />
              <Side title="Before" text={base} base={base} isChosen={false} />
            </div>
            <Choose value={chosen[key] ?? "both"} onChange={(choice) => setChosen({ ...chosen, [key]: choice })} />
          </li>
        ))}
      </ol>
      <Button look="primary" className="mt-3" onClick={() => onSettle(keyed.map(({ key }) => chosen[key] ?? "both"))}>
        Go on with this
      </Button>
    </section>
  );
}

type SideOf = { title: string; text: string; base: string; isChosen: boolean };

function Side({ title, text, base, isChosen }: SideOf) {
  return (
    <figure className={cn("min-w-0 rounded-md border bg-canvas", isChosen ? "border-accent-solid" : "opacity-70")}>
      <figcaption className="border-b px-2 py-0.5 text-2xs text-ink-3">{title}</figcaption>
      <pre className="scroll-thin max-h-48 overflow-y-auto whitespace-pre-wrap break-words px-2 py-1 font-mono text-xs">
        {text === "" ? <span className="text-ink-3">taken away</span> : <Marked text={text} base={base} />}
      </pre>
    </figure>
  );
}

/** The words that are not as they were before stand out. */
function Marked({ text, base }: { text: string; base: string }) {
  const parts: ReactNode[] = [];
  let end = 0;
  for (const { fromB, toB } of presentableDiff(base, text, { scanLimit: 500, timeout: 50 })) {
    parts.push(text.slice(end, fromB));
    if (toB > fromB) {
      parts.push(
        <mark key={fromB} className="rounded-xs bg-(--diff-added-word) text-ink">
          {text.slice(fromB, toB)}
        </mark>,
      );
    }
    end = toB;
  }
  return [...parts, text.slice(end)];
}

function Choose({ value, onChange }: { value: Choice; onChange: (choice: Choice) => void }) {
  const name = useId();
  return (
    <fieldset className="flex flex-wrap gap-4">
      <legend className="sr-only">Keep</legend>
      {choices.map(([choice, label]) => (
        <label key={choice} className="flex items-center gap-1.5">
          <input
            type="radio"
            name={name}
            checked={value === choice}
            onChange={() => onChange(choice)}
            className="accent-(--accent-solid)"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
