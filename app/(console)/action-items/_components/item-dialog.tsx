"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { changeItem, createItem, itemKeys, itemName } from "#lib/client/action-items.ts";
import { rulesQuery } from "#lib/client/alerts.ts";
import { fieldsOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { postmortemKeys } from "#lib/client/postmortems.ts";
import {
  type CreateItemInput,
  createItemSchema,
  type ItemType,
  type ItemView,
  itemTypeInfos,
  itemTypes,
  type ProofKind,
  proofInfos,
  proofKinds,
  proofName,
} from "#lib/domain/incidents/action-items/schemas.ts";
import { Check } from "../../../ui/check.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { PersonInput } from "../../../ui/person-input.tsx";
import { useRoleRefusal, useSession } from "../../../ui/session.tsx";
import { useOrderKey } from "../../../ui/use-send-key.ts";

const twoWeeksMs = 14 * 86_400_000;
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** Adds an action item to an incident, or changes one. */
export function ItemDialog({ incidentId, item, onClose }: { incidentId: string; item?: ItemView; onClose: () => void }) {
  const queries = useQueryClient();
  const formId = useId();
  const refusal = useRoleRefusal("operator");
  const session = useSession();
  const [title, setTitle] = useState(item?.title ?? "");
  const [type, setType] = useState<ItemType>(item?.type ?? "prevent");
  const [owner, setOwner] = useState(item?.owner ?? session?.username ?? "");
  const [dueOn, setDueOn] = useState(item?.dueOn ?? day(Date.now() + twoWeeksMs));
  const [link, setLink] = useState(item?.link ?? "");
  const known = item?.proof ?? null;
  const [kind, setKind] = useState<ProofKind | "none">(known?.kind ?? "none");
  const [name, setName] = useState(known ? proofName(known) : "");
  const [within, setWithin] = useState(`${known?.kind === "alert-rule" ? known.withinSeconds : 300}`);
  const [watched, setWatched] = useState<boolean | null>(item?.isWatched ?? null);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const isWatched = watched ?? (type === "prevent" || type === "mitigate");
  const keyOf = useOrderKey();
  const write = useMutation({
    mutationFn: (input: CreateItemInput) => {
      const { incidentId: _, ...change } = input;
      return item ? changeItem(item.id, { ...change, version: item.version }) : createItem(input, keyOf(input));
    },
    onSuccess: onClose,
    onSettled: () => {
      for (const queryKey of [itemKeys.all, postmortemKeys.all, auditKeys.all]) void queries.invalidateQueries({ queryKey });
    },
  });
  const shown = { ...fieldsOf(write.error), ...errors };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (refusal || write.isPending) return;
    const input = {
      incidentId,
      title,
      type,
      owner,
      dueOn,
      link: link.trim() || null,
      proof: proofOf(kind, name, within),
      isWatched,
    };
    const found = fieldErrors(createItemSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) write.mutate(input);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={item ? `Change ${itemName(item)}` : "Add an action item"}
      description="What is done so that it does not happen again, or does less harm: one thing, one owner, one date."
      footer={
        <FormFooter onClose={onClose} form={formId} busy={write.isPending} disabledReason={refusal}>
          {item ? "Change it" : "Add it"}
        </FormFooter>
      }
    >
      <form id={formId} onSubmit={submit} noValidate className="grid gap-3">
        <Field label="What is to be done" errors={shown.title}>
          {(ties) => (
            <Input {...ties} autoFocus maxLength={300} value={title} onChange={({ target }) => setTitle(target.value)} />
          )}
        </Field>
        <div className="grid items-start gap-3 sm:grid-cols-3">
          <Field label="Type" errors={shown.type} hint={itemTypeInfos[type].about}>
            {(ties) => (
              <Select
                {...ties}
                value={type}
                onChange={({ target }) => setType(itemTypes.find((each) => each === target.value) ?? type)}
              >
                {itemTypes.map((each) => (
                  <option key={each} value={each}>
                    {itemTypeInfos[each].title}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="Owner" errors={shown.owner}>
            {(ties) => <PersonInput {...ties} maxLength={100} value={owner} onChange={({ target }) => setOwner(target.value)} />}
          </Field>
          <Field label="Due" errors={shown.dueOn} hint="The whole day, in UTC.">
            {(ties) => <Input {...ties} type="date" value={dueOn} onChange={({ target }) => setDueOn(target.value)} />}
          </Field>
        </div>
        <Field label="Link" errors={shown.link} hint="Where else it is tracked. May be empty.">
          {(ties) => (
            <Input {...ties} type="url" value={link} placeholder="https://" onChange={({ target }) => setLink(target.value)} />
          )}
        </Field>
        <Field
          label="Proof"
          errors={shown.proof}
          hint={kind === "none" ? "What shows that it is done. Closing it runs it." : proofHint(kind)}
        >
          {(ties) => (
            <Select
              {...ties}
              value={kind}
              onChange={({ target }) => setKind(proofKinds.find((each) => each === target.value) ?? "none")}
            >
              <option value="none">None</option>
              {proofKinds.map((each) => (
                <option key={each} value={each}>
                  {proofInfos[each].title}
                  {proofInfos[each].missing !== null && " (cannot be run yet)"}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {kind === "alert-rule" && <RuleFields rule={name} onRule={setName} within={within} onWithin={setWithin} errors={shown} />}
        {(kind === "drill" || kind === "restore") && (
          <Field
            label={kind === "drill" ? "Drill" : "Backup"}
            errors={shown[kind === "drill" ? "proof.drill" : "proof.backup"]}
            hint="Its name. When it fails after the item was closed, the item opens again."
          >
            {(ties) => (
              <Input
                {...ties}
                maxLength={200}
                value={name}
                onChange={({ target }) => setName(target.value)}
                className="font-mono"
              />
            )}
          </Field>
        )}
        <Check
          checked={isWatched}
          onChange={setWatched}
          label="Open it again when one of the incident's alerts fires after it was closed"
        />
        {write.error && Object.keys(shown).length === 0 && (
          <ErrorNotice what={item ? "It was not changed" : "It was not added"} error={write.error} />
        )}
      </form>
    </Dialog>
  );
}

const proofHint = (kind: ProofKind) => [proofInfos[kind].about, proofInfos[kind].missing].filter(Boolean).join(" ");

function proofOf(kind: ProofKind | "none", name: string, within: string): CreateItemInput["proof"] {
  switch (kind) {
    case "none":
      return null;
    case "alert-rule":
      return { kind, rule: name, withinSeconds: Number(within) };
    case "drill":
      return { kind, drill: name };
    case "restore":
      return { kind, backup: name };
  }
}

function RuleFields({
  rule,
  onRule,
  within,
  onWithin,
  errors,
}: {
  rule: string;
  onRule: (rule: string) => void;
  within: string;
  onWithin: (seconds: string) => void;
  errors: Record<string, string[]>;
}) {
  const listId = useId();
  const rules = useQuery(rulesQuery({ type: "alerting" })).data?.items ?? [];
  const names = [...new Set(rules.map(({ name }) => name))].toSorted();
  return (
    <div className="grid items-start gap-3 sm:grid-cols-2">
      <Field label="Alert rule" errors={errors["proof.rule"]} hint="Its name in Prometheus, now or once it is there.">
        {(ties) => (
          <Input {...ties} list={listId} value={rule} onChange={({ target }) => onRule(target.value)} className="font-mono" />
        )}
      </Field>
      <datalist id={listId}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Field label="Must fire within (seconds)" errors={errors["proof.withinSeconds"]} hint="From the start of the impact.">
        {(ties) => <Input {...ties} type="number" min={1} value={within} onChange={({ target }) => onWithin(target.value)} />}
      </Field>
    </div>
  );
}
