"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { drillsQuery } from "#lib/client/drills.ts";
import { verdicts } from "#lib/domain/recovery/drills/schemas.ts";
import { scenarioInfos } from "#lib/domain/recovery/objectives/scenarios.ts";
import { scenarios } from "#lib/domain/recovery/schemas.ts";
import { Answer, OlderOnes } from "../../../../ui/answer.tsx";
import { Button } from "../../../../ui/button.tsx";
import { Select } from "../../../../ui/field.tsx";
import { Empty, TableSkeleton } from "../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { verdictWord } from "../../../../ui/recovery/marks.tsx";
import { StartDrillButton } from "../../../../ui/recovery/start-drill-button.tsx";
import { SubjectOptions } from "../../../../ui/recovery/subject-field.tsx";
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
        <Select
          aria-label="Service"
          data-filter
          value={subject ?? ""}
          onChange={({ target }) => setSearch({ subject: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every service</option>
          <SubjectOptions known={subject} />
        </Select>
        <Select
          aria-label="Scenario"
          value={scenario ?? ""}
          onChange={({ target }) => setSearch({ scenario: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every scenario</option>
          {scenarios.map((each) => (
            <option key={each} value={each}>
              {scenarioInfos[each].title}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Verdict"
          value={verdict ?? ""}
          onChange={({ target }) => setSearch({ verdict: target.value || null })}
          className="[&_select]:h-7"
        >
          <option value="">Every verdict</option>
          {verdicts.map((each) => (
            <option key={each} value={each}>
              {verdictWord(each)}
            </option>
          ))}
        </Select>
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
                  <Empty title="No drill fits these filters">
                    <Button onClick={() => setSearch({ subject: null, scenario: null, verdict: null })} className="mt-2">
                      Clear the filters
                    </Button>
                  </Empty>
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
