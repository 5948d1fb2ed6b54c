"use client";
import { ExternalLink } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useState } from "react";
import { itemName } from "#lib/client/action-items.ts";
import { incidentName } from "#lib/client/incident-view.ts";
import type { ItemView } from "#lib/domain/incidents/action-items/schemas.ts";
import { itemTypeInfos } from "#lib/domain/incidents/action-items/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { cn } from "../../../ui/class-names.ts";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { ItemCommandDialog } from "./item-command-dialog.tsx";
import { ItemDialog } from "./item-dialog.tsx";
import { ItemProof, ItemState } from "./item-marks.tsx";

const state: Column<ItemView> = {
  id: "state",
  header: "State",
  width: "w-28 max-md:w-14",
  essential: true,
  cell: (item) => <ItemState item={item} />,
};
/** "6 Dec": what a phone has room for. */
const shortDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const due: Column<ItemView> = {
  id: "due",
  header: "Due",
  width: "w-28 max-md:w-16",
  essential: true,
  cell: ({ dueOn, isOverdue }) => (
    <time dateTime={dueOn} title={dueOn} className={cn("tabular-nums", isOverdue ? "text-bad" : "text-ink-2")}>
      <span className="max-md:hidden">{dueOn}</span>
      <span className="md:hidden">{shortDay.format(new Date(dueOn))}</span>
    </time>
  ),
};
const what: Column<ItemView> = {
  id: "what",
  header: "What",
  essential: true,
  cell: ({ number, title, link }) => (
    <span title={title}>
      <span className="mr-2 font-mono text-xs text-ink-3 max-md:hidden">{itemName({ number })}</span>
      {title}
      {link && (
        <a
          href={link}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={`${itemName({ number })} elsewhere`}
          className="ml-1.5 inline-block align-middle text-ink-3 hover:text-accent"
        >
          <ExternalLink aria-hidden="true" className="size-3.5" />
        </a>
      )}
    </span>
  ),
};
const type: Column<ItemView> = {
  id: "type",
  header: "Type",
  width: "w-20",
  cell: (item) => (
    <span className="text-ink-2" title={itemTypeInfos[item.type].about}>
      {itemTypeInfos[item.type].title}
    </span>
  ),
};
const owner: Column<ItemView> = { id: "owner", header: "Owner", width: "w-24", cell: (item) => item.owner };
const proof: Column<ItemView> = { id: "proof", header: "Proof", width: "w-48", cell: (item) => <ItemProof item={item} /> };
const incident: Column<ItemView> = {
  id: "incident",
  header: "Incident",
  width: "w-24",
  cell: (item) => (
    <Link
      href={`/incidents/${item.incident.id}/postmortem`}
      title={item.incident.title}
      className="font-mono text-xs text-accent hover:underline"
    >
      {incidentName(item.incident)}
    </Link>
  ),
};

type Opened = { item: ItemView; as: "edit" | "close" | "reopen" };

/** Action items as rows; each opens to be changed, and is closed or reopened from its row. */
export function ItemTable({
  items,
  withIncident = false,
  empty,
}: {
  items: ItemView[];
  withIncident?: boolean;
  empty: ReactNode;
}) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const refusal = useRoleRefusal("operator");
  const act: Column<ItemView> = {
    id: "act",
    header: "",
    width: "w-24 max-md:w-20",
    align: "right",
    essential: true,
    cell: (item) => (
      <Button
        size="small"
        disabledReason={refusal}
        aria-label={`${item.state === "open" ? "Close" : "Reopen"} ${itemName(item)}`}
        onClick={() => setOpened({ item, as: item.state === "open" ? "close" : "reopen" })}
      >
        {item.state === "open" ? "Close" : "Reopen"}
      </Button>
    ),
  };
  const close = () => setOpened(null);
  return (
    <>
      <DataTable
        label="Action items"
        columns={withIncident ? [state, due, what, incident, type, owner, proof, act] : [state, due, what, type, owner, act]}
        rows={items}
        keyOf={(item) => item.id}
        nameOf={(item) => `${itemName(item)} ${item.title}`}
        onOpen={(item) => setOpened({ item, as: item.state === "open" ? "edit" : "reopen" })}
        note={({ state: now, reopenReason }) =>
          now === "open" && reopenReason && <p className="-mt-1 px-4 pb-1.5 text-warn">Open again: {reopenReason}</p>
        }
        empty={empty}
      />
      {opened?.as === "edit" && <ItemDialog incidentId={opened.item.incident.id} item={opened.item} onClose={close} />}
      {(opened?.as === "close" || opened?.as === "reopen") && (
        <ItemCommandDialog item={opened.item} command={opened.as} onClose={close} />
      )}
    </>
  );
}
