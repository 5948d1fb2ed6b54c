"use client";
import { useQuery } from "@tanstack/react-query";
import { revisionsQuery } from "#lib/client/fleet.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { CopyButton } from "../../../../../ui/identifier.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { Yaml } from "../../../../../ui/yaml.tsx";

/** The template that runs now, and the containers in it. */
export function ConfigurationTab({ service }: { service: Service }) {
  const { data, error, refetch } = useQuery(revisionsQuery(service.id, service.templateHash));
  const current = data?.revisions.find((revision) => revision.current) ?? data?.revisions[0];
  if (error && !data)
    return <ErrorNotice className="m-4" what="The template could not be read" error={error} onRetry={() => refetch()} />;
  if (!data) return <TableSkeleton rows={8} columns={3} />;
  return (
    <>
      <SectionHeader title="Containers" />
      <ul>
        {service.containers.map((container) => (
          <li key={container.name} className="flex min-h-8 flex-wrap items-center gap-x-4 border-b px-4">
            <span className="w-40 truncate font-medium">{container.name}</span>
            <span className="break-all font-mono text-xs text-ink-2">{container.image}</span>
          </li>
        ))}
      </ul>
      <SectionHeader title="Pod template" aside={current ? `revision ${current.revision}, ${current.source}` : null}>
        {current && (
          <CopyButton text={current.template} label="Copy the template" className="text-xs">
            Copy
          </CopyButton>
        )}
      </SectionHeader>
      {current ? (
        <Yaml text={current.template} />
      ) : (
        <Empty title="No template yet">It appears once the Deployment's first ReplicaSet is made.</Empty>
      )}
    </>
  );
}
