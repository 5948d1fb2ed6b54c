"use client";
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { incidentItemsQuery } from "#lib/client/action-items.ts";
import { Answer } from "../../../../../ui/answer.tsx";
import { Button } from "../../../../../ui/button.tsx";
import { Empty, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { ItemDialog } from "../../../../action-items/_components/item-dialog.tsx";
import { ItemTable } from "../../../../action-items/_components/item-table.tsx";

/** What is to be done after this incident. */
export function ItemsSection({ incidentId }: { incidentId: string }) {
  const query = useQuery(incidentItemsQuery(incidentId));
  const refusal = useRoleRefusal("operator");
  const [isAdding, setAdding] = useState(false);
  return (
    <section aria-label="Action items" className="border-t">
      <SectionHeader title="Action items" aside={query.data && query.data.length > 0 ? query.data.length : undefined}>
        <Button size="small" disabledReason={refusal} onClick={() => setAdding(true)}>
          <Plus aria-hidden="true" /> Add
        </Button>
      </SectionHeader>
      <Answer of={query} what="The action items could not be read" waiting={<TableSkeleton rows={2} columns={4} />}>
        {(items) => (
          <ItemTable
            items={items}
            empty={
              <Empty title="Nothing is to be done yet">What keeps this from happening again, with an owner and a date.</Empty>
            }
          />
        )}
      </Answer>
      {isAdding && <ItemDialog incidentId={incidentId} onClose={() => setAdding(false)} />}
    </section>
  );
}
