"use client";
import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import { eventNames, filterPreviewQuery } from "#lib/client/notifications.ts";
import { chosenEventKinds, type EventKind, filterSchema, type NotificationFilter } from "#lib/domain/notifications/events.ts";
import { Field, Input } from "../../../ui/field.tsx";
import { errorsBelow, wordsOf } from "./target-input.ts";

export const firstFilter: NotificationFilter = {
  events: [
    "alert-fired",
    "alert-resolved",
    "silence-expiring",
    "rollout-failed",
    "rollout-aborted",
    "feed-lost",
    "source-blind",
    "incident-opened",
    "incident-severity-changed",
    "incident-escalated",
    "incident-resolved",
  ],
  severities: [],
  services: [],
};

const countedNames: Record<EventKind, string> = {
  "alert-fired": "fired",
  "alert-resolved": "resolved",
  "silence-expiring": "silences that end",
  "rollout-failed": "failed rollouts",
  "rollout-aborted": "aborted rollouts",
  "rollout-finished": "complete rollouts",
  "feed-lost": "lost feeds",
  "source-blind": "sources not heard",
  "incident-opened": "incidents",
  "incident-severity-changed": "changes of severity",
  "incident-escalated": "escalations",
  "incident-resolved": "resolved incidents",
  "status-update": "updates for the team",
  "external-update": "updates for those outside",
  "postmortem-published": "postmortems",
  "action-item-due": "reminders of action items",
  test: "tests",
};

/** Which events a target wants, with what that would have been in the last 24 hours. */
export function FilterFields({
  filter,
  errors,
  onChange,
}: {
  filter: NotificationFilter;
  errors: Record<string, string[]>;
  onChange: (filter: NotificationFilter) => void;
}) {
  const services = useQuery(servicesQuery).data?.services ?? [];
  return (
    <fieldset className="grid gap-3 border-t pt-3">
      <legend className="sr-only">Which events it gets</legend>
      <p aria-hidden="true" className="-mb-2 font-medium text-ink-2">
        It gets
      </p>
      <div className="grid gap-x-4 gap-y-1 sm:grid-cols-2">
        {chosenEventKinds.map((kind) => (
          <label key={kind} className="flex items-center gap-2">
            <input
              type="checkbox"
              checked={filter.events.includes(kind)}
              onChange={({ target }) =>
                onChange({
                  ...filter,
                  events: target.checked ? [...filter.events, kind] : filter.events.filter((each) => each !== kind),
                })
              }
            />
            {eventNames[kind]}
          </label>
        ))}
      </div>
      {errors["filter.events"] && (
        <p role="alert" className="text-xs text-bad">
          {errors["filter.events"].join(" ")}
        </p>
      )}
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <Field
          label="Severities"
          errors={errorsBelow(errors, "filter.severities")}
          hint="Of alerts, and P1 to P4 of incidents. Leave it empty for all. Several with commas."
        >
          {(ties) => (
            <Input
              {...ties}
              placeholder="critical, warning, P1, P2"
              defaultValue={filter.severities.join(", ")}
              autoComplete="off"
              spellCheck={false}
              onChange={({ target }) => onChange({ ...filter, severities: wordsOf(target.value) })}
            />
          )}
        </Field>
        <Field
          label="Services"
          errors={errorsBelow(errors, "filter.services")}
          hint="Leave it empty for all. Several with commas."
        >
          {(ties) => (
            <>
              <Input
                {...ties}
                list="target-services"
                placeholder="fleet/relay"
                defaultValue={filter.services.join(", ")}
                autoComplete="off"
                spellCheck={false}
                onChange={({ target }) => onChange({ ...filter, services: wordsOf(target.value) })}
              />
              <datalist id="target-services">
                {services.map(({ namespace, name }) => (
                  <option key={`${namespace}/${name}`} value={`${namespace}/${name}`} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      </div>
      <FilterPreviewLine filter={filter} />
    </fieldset>
  );
}

function FilterPreviewLine({ filter }: { filter: NotificationFilter }) {
  const isComplete = filterSchema.safeParse(filter).success;
  const { data, error } = useQuery({ ...filterPreviewQuery(filter), enabled: isComplete });
  if (!isComplete) return null;
  if (error) return <p className="text-xs text-ink-3">What this would have been in the last 24 h cannot be counted now.</p>;
  if (!data) return <p className="text-xs text-ink-3">Counting what this would have been in the last 24 h …</p>;
  const parts = data.byEvent
    .filter(({ matched }) => matched > 0)
    .map(({ event, matched }) => `${matched} ${countedNames[event]}`);
  return (
    <p role="status" className="rounded-md bg-sunken px-3 py-2 text-xs text-ink-2">
      <b className="font-medium text-ink">
        In the last 24 h this would have been {data.matched} of {data.total} events
      </b>
      {parts.length > 0 && ` (${parts.join(", ")})`}.
      {data.uncounted.length > 0 && ` Not counted: ${data.uncounted.map((event) => countedNames[event]).join(", ")}.`}
    </p>
  );
}
