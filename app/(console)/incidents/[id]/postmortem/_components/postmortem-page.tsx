"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { codeOf } from "#lib/client/api.ts";
import { incidentKeys } from "#lib/client/incidents.ts";
import { postmortemFactsQuery, postmortemKeys, postmortemQuery, startPostmortem } from "#lib/client/postmortems.ts";
import type { PostmortemAnswer, PostmortemView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { Answer } from "../../../../../ui/answer.tsx";
import { Button } from "../../../../../ui/button.tsx";
import { Empty, ErrorNotice, Skeleton } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { CommentsSection } from "./comments-section.tsx";
import { CourseSection } from "./course-section.tsx";
import { Editor, PostmortemText } from "./editor.tsx";
import { FactsSection } from "./facts-section.tsx";
import { HistorySection } from "./history-section.tsx";
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
    return codeOf(error) === "not-found" ? (
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
        The facts come by themselves: times, the impact in numbers, charts, what changed before, the timeline. A draft tells them
        in sentences; what others can learn from it is yours to write.
        {incident.resolvedAt === null && " The incident is not resolved: the facts follow it, the sentences of the draft do not."}
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
  const facts = useQuery(postmortemFactsQuery(postmortem.incidentId));
  const { incidentId } = postmortem;
  // Also of a published one: who was writing when it was published is told what is not saved.
  const canWrite = isBrowser && refusal === null;
  return (
    <div className="grid xl:grid-cols-[minmax(0,1fr)_24rem] print:block">
      <div className="min-w-0 xl:border-r">
        <Answer
          of={facts}
          what="The facts could not be read"
          still="The text is here all the same."
          waiting={<Skeleton className="m-4 h-48" />}
        >
          {(known) => <FactsSection incidentId={incidentId} facts={known} />}
        </Answer>
        {canWrite ? <Editor postmortem={postmortem} /> : <PostmortemText text={postmortem.text} />}
        {facts.data && <CourseSection incidentId={incidentId} facts={facts.data} />}
        <ItemsSection incidentId={incidentId} />
      </div>
      <div className="min-w-0 max-xl:border-t print:hidden">
        <CommentsSection postmortem={postmortem} />
        <HistorySection postmortem={postmortem} />
      </div>
    </div>
  );
}
