"use client";
import { useQuery } from "@tanstack/react-query";
import { Play } from "lucide-react";
import type { ReactNode } from "react";
import { servicesQuery } from "#lib/client/fleet.ts";
import { refusalOf } from "#lib/client/mitigations.ts";
import type { ActionLink } from "#lib/domain/runbooks/action-link.ts";
import { useActions } from "../actions/use-actions.ts";
import { Button } from "../button.tsx";
import { useRoleRefusal } from "../session.tsx";

/** A step that can be pressed: it opens the dialog that every action goes through. */
export function RunbookButton({
  link,
  service,
  reason,
  children,
}: {
  link: ActionLink;
  service: string | null;
  reason: string;
  children: ReactNode;
}) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  const services = useQuery(servicesQuery).data?.services;
  const id = link.service ?? service;
  const target = services?.find((candidate) => candidate.id === id);
  const { verb, replicas, toRevision } = link;
  const missing =
    id === null
      ? "Choose first which service it is for."
      : services && !target
        ? `There is no service ${id}.`
        : target && refusalOf(verb, target);
  return (
    <Button
      size="small"
      className="mx-0.5 -my-0.5 align-middle"
      disabledReason={refusal ?? missing}
      tooltip={id === null ? undefined : `On ${id}, after a preview`}
      onClick={() => id && actions.open({ verb, service: id, values: { replicas, toRevision }, reason })}
    >
      <Play aria-hidden="true" className="text-accent" /> {children}
    </Button>
  );
}
