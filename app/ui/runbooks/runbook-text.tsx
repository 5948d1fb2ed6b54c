"use client";
import type { ReactNode } from "react";
import { isActionHref, readActionLink } from "#lib/domain/runbooks/action-link.ts";
import { Markdown } from "../markdown.tsx";
import { RunbookButton } from "./runbook-button.tsx";

/** A runbook's Markdown; its links `action:...` are buttons that act on `service` (namespace/name) unless they name another. */
export function RunbookText({
  text,
  service,
  reason,
  topLevel = 3,
}: {
  text: string;
  service: string | null;
  /** What the action's dialog is filled in with. */
  reason: string;
  topLevel?: 2 | 3 | 4;
}) {
  const drawLink = (href: string, words: ReactNode) => {
    if (!isActionHref(href)) return null;
    const link = readActionLink(href);
    // What is no action that there is stays words: a step must not look as if it could be pressed.
    return link ? (
      <RunbookButton link={link} service={service} reason={reason}>
        {words}
      </RunbookButton>
    ) : (
      <span title={`There is no ${href}.`}>{words}</span>
    );
  };
  return <Markdown text={text} topLevel={topLevel} link={drawLink} className="[&_li]:leading-6" />;
}
