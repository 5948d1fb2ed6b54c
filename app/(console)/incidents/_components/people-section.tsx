"use client";
import { X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { putPerson, removePerson } from "#lib/client/incidents.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { Choice } from "../../../ui/choice.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { PersonInput } from "../../../ui/person-input.tsx";
import { useRoleRefusal, useSession } from "../../../ui/session.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

type Role = IncidentDetail["people"][number]["role"];

/** Who commands and who works on it. */
export function PeopleSection({ incident }: { incident: IncidentDetail }) {
  const session = useSession();
  const refusal = useRoleRefusal("operator");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("responder");
  const write = useIncidentWrite({ onDone: () => setName("") });
  const present = incident.people.filter(({ leftAt }) => leftAt === null).toSorted(commanderFirst);
  const me = session?.username;
  const put = (who: string, as: Role) => write.mutate(() => putPerson(incident.id, { name: who, role: as }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && !write.isPending && name.trim() !== "") put(name.trim(), role);
  };
  return (
    <section aria-labelledby="people">
      <SectionHeader id="people" title="People">
        {me && incident.commander !== me && (
          <Button size="small" disabledReason={refusal} busy={write.isPending} onClick={() => put(me, "commander")}>
            I command
          </Button>
        )}
        {me && !present.some((person) => person.name === me) && (
          <Button size="small" disabledReason={refusal} busy={write.isPending} onClick={() => put(me, "responder")}>
            I help
          </Button>
        )}
      </SectionHeader>
      <ul>
        {present.map((person) => (
          <li key={person.name} className="flex h-8 items-center gap-2 border-b px-4">
            <span className="font-medium">{person.name}</span>
            <span className={person.role === "commander" ? "text-accent" : "text-ink-3"}>{person.role}</span>
            <span className="ml-auto text-xs text-ink-3">
              since <TimeAgo at={person.joinedAt} />
            </span>
            <Button
              size="small"
              look="ghost"
              disabledReason={refusal}
              aria-label={`${person.name} has left`}
              tooltip={`${person.name} has left`}
              onClick={() => write.mutate(() => removePerson(incident.id, person.name))}
              className="size-6 p-0"
            >
              <X aria-hidden="true" />
            </Button>
          </li>
        ))}
        {present.length === 0 && <li className="border-b px-4 py-1.5 text-warn">Nobody works on it yet.</li>}
      </ul>
      <form onSubmit={submit} className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <PersonInput
          aria-label="Name of a person"
          placeholder="Somebody's name"
          value={name}
          maxLength={100}
          onChange={({ target }) => setName(target.value)}
          className="h-7 w-40"
        />
        <Choice
          label="Role"
          value={role}
          options={[
            ["responder", "Responder"],
            ["commander", "Commander"],
          ]}
          onChange={setRole}
        />
        <Button
          type="submit"
          size="small"
          busy={write.isPending}
          disabledReason={refusal ?? (name.trim() ? null : "Give a name.")}
        >
          Add
        </Button>
      </form>
      {write.error !== null && <ErrorNotice className="m-4" what="Not kept" error={write.error} />}
    </section>
  );
}

const commanderFirst = (a: { role: Role; joinedAt: string }, b: { role: Role; joinedAt: string }) =>
  Number(b.role === "commander") - Number(a.role === "commander") || a.joinedAt.localeCompare(b.joinedAt);
