"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ClipboardCopy, RefreshCw } from "lucide-react";
import { measureImpact, postmortemKeys } from "#lib/client/postmortems.ts";
import { impactLines } from "#lib/domain/incidents/postmortem/impact-texts.ts";
import type { PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { copyText } from "../../../../../ui/identifier.tsx";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";

/** The impact as it was measured last; after a change of the incident's times it is measured again, and taken over by hand. */
export function ImpactSection({ postmortem: { incidentId, impact } }: { postmortem: PostmortemView }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const measure = useMutation({
    mutationFn: () => measureImpact(incidentId),
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  const text = impact ? impactLines(impact).join("\n") : "Not measured yet.";
  return (
    <section aria-label="Impact">
      <SectionHeader title="Impact">
        <Button size="small" look="ghost" tooltip="Copy as Markdown" onClick={() => void copyText(text)}>
          <ClipboardCopy aria-hidden="true" /> Copy
        </Button>
        <Button size="small" busy={measure.isPending} disabledReason={refusal} onClick={() => measure.mutate()}>
          {!measure.isPending && <RefreshCw aria-hidden="true" />} Measure again
        </Button>
      </SectionHeader>
      <Markdown text={text} topLevel={1} className="px-4 py-3 text-xs" />
      {measure.error && <ErrorNotice className="mx-4 mb-3" what="It was not measured" error={measure.error} />}
    </section>
  );
}
