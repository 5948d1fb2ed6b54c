"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { drillsQuery } from "#lib/client/drills.ts";
import { verdicts } from "#lib/domain/recovery/drills/schemas.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import { scenarios } from "#lib/domain/recovery/schemas.ts";
import { Answer, OlderOnes } from "../../../../ui/answer.tsx";
import { ChoiceFilter } from "../../../../ui/choice.tsx";
import { Empty, NoneFits, TableSkeleton } from "../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { verdictWord } from "../../../../ui/recovery/marks.tsx";
import { StartDrillButton } from "../../../../ui/recovery/start-drill-button.tsx";
import { SubjectFilter } from "../../../../ui/recovery/subject-field.tsx";
import { useUrlState } from "../../../../ui/use-url-state.ts";
import { DrillTable } from "../../_components/drill-table.tsx";
import { RecoveryHeader } from "../../_components/recovery-header.tsx";
import { SchedulesSection } from "./schedules-section.tsx";

export function DrillsPage() {
  const [search, setSearch] = useUrlState();
  const subject = search.get("subject") ?? undefined;
  const scenario = scenarios.find((each) => each === search.get("scenario"));
  const verdict = verdicts.find((each) => each === search.get("verdict"));
  const query = useInfiniteQuery(drillsQuery({ subject, scenario, verdict }));
  return (
    <>
      <RecoveryHeader>
        <StartDrillButton subject={subject} scenario={scenario} look="primary" />
      </RecoveryHeader>
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <SubjectFilter value={subject} onChange={(next) => setSearch({ subject: next })} />
        <ChoiceFilter
          label="Scenario"
          every="Every scenario"
          value={scenario}
          options={scenarios.map((each) => [each, scenarioInfos[each].title])}
          onChange={(next) => setSearch({ scenario: next })}
        />
        <ChoiceFilter
          label="Verdict"
          every="Every verdict"
          value={verdict}
          options={verdicts.map((each) => [each, verdictWord(each)])}
          onChange={(next) => setSearch({ verdict: next })}
        />
      </div>
      <section aria-label="Drills">
        <Answer
          of={query}
          what="The drills could not be read"
          still="One that is under way goes on and cleans up."
          waiting={<TableSkeleton rows={8} columns={7} />}
        >
          {({ pages }) => (
            <DrillTable
              drills={pages.flatMap(({ items }) => items)}
              empty={
                subject || scenario || verdict ? (
                  <NoneFits thing="drill" onClear={() => setSearch({ subject: null, scenario: null, verdict: null })} />
                ) : (
                  <Empty title="No drills yet">
                    A drill breaks something on purpose and measures, from where users stand, how long it is away and what is
                    lost.
                  </Empty>
                )
              }
            />
          )}
        </Answer>
        <OlderOnes of={query} />
      </section>
      <section aria-labelledby="schedules">
        <SectionHeader id="schedules" title="Schedules" aside="none begins in a freeze window" />
        <SchedulesSection />
      </section>
    </>
  );
}
