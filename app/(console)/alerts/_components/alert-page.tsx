"use client";
import { useQuery } from "@tanstack/react-query";
import { BellOff, BookOpen, ChartLine, ExternalLink, UserCheck } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useEffect } from "react";
import { chartsAddress, historyAddress, sentenceOf, serviceOf } from "#lib/client/alert-view.ts";
import { alertQuery } from "#lib/client/alerts.ts";
import { codeOf } from "#lib/client/api.ts";
import { reportOfAlert } from "#lib/client/incident-view.ts";
import { formatAbsolute } from "#lib/client/time.ts";
import type { AlertDetail } from "#lib/domain/alerts/schemas.ts";
import { BlindNotice } from "../../../ui/alerts/source-notice.tsx";
import { AlertStanding } from "../../../ui/alerts/standing.tsx";
import { SuspectUndo } from "../../../ui/alerts/suspect-line.tsx";
import { type AlertActions, useAlertActions } from "../../../ui/alerts/use-alert-actions.ts";
import { Button, buttonLook } from "../../../ui/button.tsx";
import { Elapsed, TimeAgo, useNow } from "../../../ui/clock.tsx";
import { type Fact, FactList } from "../../../ui/facts.tsx";
import { Tint } from "../../../ui/figure.tsx";
import { OpenIncidents } from "../../../ui/incidents/open-incidents.tsx";
import { ReportButton } from "../../../ui/incidents/report-button.tsx";
import { isGoing } from "../../../ui/keys.ts";
import { Empty, ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { AlertRunbook } from "../../../ui/runbooks/alert-runbook.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { Severity } from "../../../ui/severity.tsx";
import { Episodes, Labels, SilencesHiding, Transitions } from "./alert-facts.tsx";
import { Suspects } from "./alert-suspects.tsx";
import { FlappingBadge } from "./flapping-badge.tsx";

export function AlertPage({ id }: { id: string }) {
  const { data, error, refetch, errorUpdatedAt } = useQuery(alertQuery(id));
  if (data) return <LoadedAlert alert={data} />;
  if (!error) return <Skeleton className="m-4 h-24 max-w-3xl" />;
  return codeOf(error) === "not-found" ? (
    <Empty title="There is no such alert">
      It may be older than the history is kept.{" "}
      <Link href="/alerts/history" className="text-accent hover:underline">
        See the history
      </Link>
    </Empty>
  ) : (
    <ErrorNotice
      className="m-4"
      what="The alert could not be read"
      error={error}
      since={errorUpdatedAt}
      onRetry={() => refetch()}
    />
  );
}

function LoadedAlert({ alert }: { alert: AlertDetail }) {
  const actions = useAlertActions();
  useKeys(alert, actions);
  const service = serviceOf(alert);
  const sentence = sentenceOf(alert);
  const description = alert.annotations.description;
  const [closest] = alert.suspects;
  return (
    <>
      {alert.state === "firing" && <BlindNotice sources={[alert.sourceState]} />}
      <header className="border-b px-4 py-3">
        <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-80">
            <p className="text-xs text-ink-3">
              <Link href="/alerts" className="hover:text-ink">
                Alerts
              </Link>{" "}
              / {alert.namespace ?? alert.source}
            </p>
            <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
              <span className="name break-all">{alert.name}</span>
              <span
                className="inline-flex flex-wrap items-center gap-x-3 text-sm tracking-normal"
                role="status"
                aria-live="polite"
              >
                <Severity severity={alert.severity} />
                <Tint value={alert.standing}>
                  <AlertStanding standing={alert.standing} />
                </Tint>
                {alert.isFlapping && <FlappingBadge />}
              </span>
            </h1>
            {sentence !== alert.name && <p className="max-w-3xl">{sentence}</p>}
            {description && description !== sentence && <p className="max-w-3xl text-ink-2">{description}</p>}
          </div>
          <Actions
            alert={alert}
            actions={actions}
            undo={closest && <SuspectUndo suspect={closest} isPrimary={alert.state === "firing"} />}
          />
        </div>
        <Facts alert={alert} />
        <OpenIncidents service={service} />
        <Links alert={alert} service={service} />
      </header>
      <Suspects alert={alert} />
      {alert.silences.length > 0 && <SilencesHiding alert={alert} />}
      <div className="grid lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="min-w-0 lg:border-r">
          <AlertRunbook alert={alert} />
          <Transitions alert={alert} />
          <Episodes alert={alert} />
        </div>
        <Labels alert={alert} />
      </div>
    </>
  );
}

function Actions({ alert, actions, undo }: { alert: AlertDetail; actions: AlertActions; undo: ReactNode }) {
  const refusal = useRoleRefusal("operator");
  const ended = alert.state === "resolved" ? "It has ended." : null;
  return (
    <div role="toolbar" aria-label={`Actions on ${alert.name}`} className="flex flex-wrap gap-1.5">
      {alert.acknowledgedAt && !ended ? (
        <Button disabledReason={refusal} onClick={() => actions.unacknowledge([alert])}>
          <UserCheck aria-hidden="true" /> Take back acknowledgement
        </Button>
      ) : (
        <Button disabledReason={refusal ?? ended} aria-keyshortcuts="a" onClick={() => actions.acknowledge([alert])}>
          <UserCheck aria-hidden="true" /> Acknowledge
        </Button>
      )}
      <Button disabledReason={refusal} aria-keyshortcuts="s" onClick={() => actions.silence({ alerts: [alert] })}>
        <BellOff aria-hidden="true" /> Silence
      </Button>
      <ReportButton draft={reportOfAlert(alert)} />
      {undo}
    </div>
  );
}

function Facts({ alert }: { alert: AlertDetail }) {
  const service = serviceOf(alert);
  const facts: Fact[] = [
    [
      "Since",
      <>
        <TimeAgo at={alert.startsAt} className="font-medium" />{" "}
        <span className="text-ink-3">
          <Absolute at={alert.startsAt} />
        </span>
      </>,
    ],
    [alert.endsAt ? "Took" : "For", <Elapsed key="took" from={alert.startsAt} to={alert.endsAt} />],
    alert.endsAt !== null && [
      "Ended",
      <>
        <TimeAgo at={alert.endsAt} />
        {alert.closedBy === "poll" && (
          <span className="text-ink-3" title="Its end was not told; asking Alertmanager showed that it fires no more.">
            {" "}
            (found by asking)
          </span>
        )}
      </>,
    ],
    [
      "Service",
      service ? (
        <Link key="service" href={`/fleet/${service}?tab=alerts`} className="name font-medium text-accent hover:underline">
          {alert.service}
        </Link>
      ) : (
        (alert.service ?? "names none")
      ),
    ],
    [
      "Instance",
      <span key="instance" className="font-mono text-xs">
        {alert.instance ?? "–"}
      </span>,
    ],
    [
      "Taken by",
      alert.acknowledgedAt ? (
        <>
          <span className="font-medium">{alert.acknowledgedBy}</span> <TimeAgo at={alert.acknowledgedAt} className="text-ink-3" />
        </>
      ) : (
        "nobody"
      ),
    ],
    ["Source", alert.source],
    ["Last told", <TimeAgo key="told" at={alert.lastReceivedAt} />],
  ];
  return <FactList facts={facts} className="mt-3 max-md:grid max-md:grid-cols-2" />;
}

const Absolute = ({ at }: { at: string }) => (useNow() === null ? null : formatAbsolute(at));

function Links({ alert, service }: { alert: AlertDetail; service: string | null }) {
  const now = useNow();
  const minute = now === null ? null : Math.floor(now / 60_000) * 60_000;
  return (
    <div className="mt-3 flex flex-wrap gap-1.5">
      {service && (
        <Link href={minute === null ? `/fleet/${service}` : chartsAddress(service, alert, minute)} className={buttonLook()}>
          <ChartLine aria-hidden="true" /> Charts at that time
        </Link>
      )}
      {alert.runbook && <Outside href={alert.runbook} icon={<BookOpen aria-hidden="true" />} text="Runbook" />}
      {alert.generatorUrl && (
        <Outside href={alert.generatorUrl} icon={<ExternalLink aria-hidden="true" />} text="Query in Prometheus" />
      )}
      <Link href={historyAddress({ fingerprint: alert.fingerprint })} className={buttonLook({ look: "ghost" })}>
        All its episodes
      </Link>
      <Link href={`/alerts/rules?q=${encodeURIComponent(alert.name)}`} className={buttonLook({ look: "ghost" })}>
        Its rule
      </Link>
    </div>
  );
}

/** A link that labels or annotations name: only to the web, whatever they say. */
function Outside({ href, icon, text }: { href: string; icon: ReactNode; text: string }) {
  if (!/^https?:\/\//i.test(href)) return null;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener" title={href} className={buttonLook()}>
      {icon} {text}
    </a>
  );
}

function useKeys(alert: AlertDetail, actions: AlertActions) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isGoing()) return;
      if (event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[role=dialog]")) return;
      if (document.querySelector('[role="dialog"]')) return;
      if (event.key === "a" && alert.state === "firing" && !alert.acknowledgedAt) actions.acknowledge([alert]);
      else if (event.key === "s") actions.silence({ alerts: [alert] });
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [alert, actions]);
}
