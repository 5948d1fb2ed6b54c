"use client";
import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import { anyGroup } from "#lib/domain/runbooks/schemas.ts";
import { ChoiceFilter } from "../../../ui/choice.tsx";
import { useUrlState } from "../../../ui/use-url-state.ts";

/** The service that a page's buttons act on: the one that its address names, else the only one of that kind. */
export function useRunbookService(kind: string): { service: string | null; candidates: string[] } {
  const [search] = useUrlState();
  const services = useQuery(servicesQuery).data?.services ?? [];
  const ofKind = services.filter((service) => service.kind === kind);
  const candidates = (ofKind.length > 0 || kind !== anyGroup ? ofKind : services).map(({ id }) => id);
  const named = search.get("service");
  if (named && services.some(({ id }) => id === named))
    return { service: named, candidates: [...new Set([named, ...candidates])] };
  return { service: candidates.length === 1 ? (candidates[0] ?? null) : null, candidates };
}

/** Chooses among several. */
export function ServiceChoice({ service, candidates }: { service: string | null; candidates: string[] }) {
  const [, setSearch] = useUrlState();
  if (candidates.length === 0) return null;
  if (candidates.length === 1) return <span className="text-xs text-ink-3">Buttons act on {candidates[0]}</span>;
  return (
    <ChoiceFilter
      label="The service that the buttons act on"
      every="Buttons act on …"
      value={service}
      options={candidates.map((id) => [id, id])}
      onChange={(next) => setSearch({ service: next })}
    />
  );
}
