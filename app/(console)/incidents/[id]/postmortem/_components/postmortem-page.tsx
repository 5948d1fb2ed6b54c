"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { ApiError } from "#lib/client/api.ts";
import { incidentKeys } from "#lib/client/incidents.ts";
import { postmortemKeys, postmortemQuery, startPostmortem } from "#lib/client/postmortems.ts";
import type { PostmortemAnswer, PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { Empty, ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { CommentsSection } from "./comments-section.tsx";
import { Editor, PostmortemText } from "./editor.tsx";
import { HistorySection } from "./history-section.tsx";
import { ImpactSection } from "./impact-section.tsx";
import { ItemsSection } from "./items-section.tsx";
import { PostmortemHeader } from "./postmortem-header.tsx";
import { useIsBrowser } from "./use-is-browser.ts";

export function PostmortemPage({ id }: { id: string }) {
  const { data, error, refetch, errorUpdatedAt } = useQuery(postmortemQuery(id));
  const failed = error && (
    <ErrorNotice
      className="m-4"
      what="The postmortem could not be read"
      error={error}
      since={errorUpdatedAt}
      still={data && "What you type is kept here and saved once Switchyard answers."}
      onRetry={() => refetch()}
    />
  );
  if (!data && !error) return <Skeleton className="m-4 h-40 max-w-3xl" />;
  if (!data) {
    return error instanceof ApiError && error.code === "not-found" ? (
      <Empty title="There is no such incident">
        <Link href="/incidents?state=all" className="text-accent hover:underline">
          See all incidents
        </Link>
      </Empty>
    ) : (
      failed
    );
  }
  return (
    <>
      <PostmortemHeader answer={data} />
      {failed}
      {data.postmortem ? <Loaded postmortem={data.postmortem} /> : <NotDrafted answer={data} />}
    </>
  );
}

function NotDrafted({ answer: { incident, isRequired } }: { answer: PostmortemAnswer }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const draft = useMutation({
    mutationFn: () => startPostmortem(incident.id),
    onSettled: () => {
      for (const queryKey of [postmortemKeys.all, incidentKeys.all]) void queries.invalidateQueries({ queryKey });
    },
  });
  return (
    <Empty title={isRequired ? `${incident.severity} needs a postmortem, and there is none yet` : "There is no postmortem yet"}>
      <p>
        A draft has all that is known: times, the impact in numbers, what changed before, what was done, the timeline. What others
        can learn from it is yours to write.
        {incident.resolvedAt === null && " The incident is not resolved: what comes later is not in the draft."}
      </p>
      <Button look="primary" busy={draft.isPending} disabledReason={refusal} onClick={() => draft.mutate()} className="mt-3">
        Draft the postmortem
      </Button>
      {draft.error && <ErrorNotice className="mt-3 text-left" what="It was not drafted" error={draft.error} />}
    </Empty>
  );
}

function Loaded({ postmortem }: { postmortem: PostmortemView }) {
  const refusal = useRoleRefusal("operator");
  const isBrowser = useIsBrowser();
  // Also of a published one: who was writing when it was published is told what is not saved.
  const canWrite = isBrowser && refusal === null;
  return (
    <div className="grid xl:grid-cols-[minmax(0,1fr)_26rem] print:block">
      <div className="min-w-0 xl:border-r">
        {canWrite ? <Editor postmortem={postmortem} /> : <PostmortemText text={postmortem.text} />}
        <ItemsSection incidentId={postmortem.incidentId} />
      </div>
      <div className="min-w-0 max-xl:border-t print:hidden">
        <ImpactSection postmortem={postmortem} />
        <CommentsSection postmortem={postmortem} />
        <HistorySection postmortem={postmortem} />
      </div>
    </div>
  );
}
