"use client";
import { Plus, Undo2 } from "lucide-react";
import { useState } from "react";
import type { RolloutOptions } from "#lib/domain/rollouts/start/start-schemas.ts";
import { Button } from "../../../../../../ui/button.tsx";
import { cn } from "../../../../../../ui/class-names.ts";
import { Input, TextArea } from "../../../../../../ui/field.tsx";
import type { Draft, KeyEdits } from "./draft.ts";

type Config = RolloutOptions["config"][number];

/** The ConfigMaps and Secrets that the template names: keys can be set or taken away; present values are not shown. */
export function ConfigFields({
  config,
  edits,
  onChange,
  errors,
}: {
  config: Config[];
  edits: Draft["config"];
  onChange: (edits: Draft["config"]) => void;
  errors: string[] | undefined;
}) {
  if (config.length === 0) return null;
  const count = Object.values(edits).reduce((sum, each) => sum + Object.keys(each).length, 0);
  return (
    <details open={count > 0 || undefined} className="border-t pt-3">
      <summary className="cursor-pointer font-medium text-ink-2 hover:text-ink">
        Configuration{" "}
        <span className="font-normal text-ink-3">
          {count > 0 ? `${count} ${count === 1 ? "key" : "keys"} changed` : config.map(({ name }) => name).join(", ")}
        </span>
      </summary>
      <p className="mt-1 text-xs text-ink-3">
        A change is written to a copy that only the new template names, so that rolling back brings the old values back too.
      </p>
      <div className="mt-2 grid gap-3">
        {config.map((each) => {
          const object = `${each.kind}/${each.name}`;
          return (
            <ObjectFields
              key={object}
              config={each}
              edits={edits[object] ?? {}}
              onChange={(next) => onChange({ ...edits, [object]: next })}
            />
          );
        })}
      </div>
      {errors && (
        <p role="alert" className="mt-2 text-xs text-bad">
          {errors.join(" ")}
        </p>
      )}
    </details>
  );
}

function ObjectFields({
  config: { kind, name, keys },
  edits,
  onChange,
}: {
  config: Config;
  edits: KeyEdits;
  onChange: (edits: KeyEdits) => void;
}) {
  const [added, setAdded] = useState("");
  const all = [...new Set([...(keys ?? []), ...Object.keys(edits)])];
  const forget = (key: string) => onChange(Object.fromEntries(Object.entries(edits).filter(([each]) => each !== key)));
  const add = () => {
    if (added.trim() === "" || Object.hasOwn(edits, added.trim())) return;
    onChange({ ...edits, [added.trim()]: "" });
    setAdded("");
  };
  return (
    <section aria-label={`${kind} ${name}`} className="rounded-md border">
      <h3 className="border-b bg-sunken px-3 py-1.5 text-xs">
        <span className="text-ink-3">{kind}</span> <span className="font-mono">{name}</span>
      </h3>
      {keys === null && <p className="px-3 pt-1.5 text-xs text-warn">Its keys cannot be read; what you set is added to it.</p>}
      <ul className="divide-y">
        {all.map((key) => (
          <KeyRow
            key={key}
            name={key}
            isSecret={kind === "Secret"}
            edit={Object.hasOwn(edits, key) ? edits[key] : undefined}
            onSet={(value) => onChange({ ...edits, [key]: value })}
            onForget={() => forget(key)}
          />
        ))}
      </ul>
      <div className="flex items-center gap-2 border-t px-3 py-1.5">
        <Input
          aria-label={`New key of ${name}`}
          placeholder="another key"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="none"
          className="h-7 w-40 font-mono text-xs"
          value={added}
          onChange={({ target }) => setAdded(target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <Button size="small" onClick={add} aria-label={`Add the key to ${name}`}>
          <Plus aria-hidden="true" /> Add
        </Button>
      </div>
    </section>
  );
}

function KeyRow({
  name,
  isSecret,
  edit,
  onSet,
  onForget,
}: {
  name: string;
  isSecret: boolean;
  /** undefined: stays as it is; null: is taken away. */
  edit: string | null | undefined;
  onSet: (value: string | null) => void;
  onForget: () => void;
}) {
  return (
    <li className="grid gap-1 px-3 py-1.5">
      <div className="flex min-h-6 flex-wrap items-center gap-2">
        <span className={cn("min-w-0 flex-1 truncate font-mono text-xs", edit === null && "text-ink-3 line-through")}>
          {name}
        </span>
        {edit === undefined ? (
          <>
            <Button size="small" look="ghost" aria-label={`Set ${name}`} onClick={() => onSet("")}>
              Set
            </Button>
            <Button size="small" look="ghost" aria-label={`Take ${name} away`} onClick={() => onSet(null)}>
              Take away
            </Button>
          </>
        ) : (
          <Button size="small" look="ghost" aria-label={`Leave ${name} as it is`} onClick={onForget}>
            <Undo2 aria-hidden="true" /> Leave as it is
          </Button>
        )}
      </div>
      {typeof edit === "string" && (
        <TextArea
          aria-label={`New value of ${name}`}
          rows={Math.min(8, edit.split("\n").length)}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="none"
          className={cn("font-mono text-xs", isSecret && "[-webkit-text-security:disc]")}
          value={edit}
          onChange={({ target }) => onSet(target.value)}
        />
      )}
    </li>
  );
}
