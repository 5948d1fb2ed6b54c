import { Archive, Boxes, Database, Layers, ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import type { Contents } from "#lib/domain/recovery/backups/schemas.ts";

/** What goes into a backup, line by line, with where it comes from. */
export function ContentsView({ contents, isOwn = false }: { contents: Contents; isOwn?: boolean }) {
  const { postgres, redis, objects, logHours } = contents;
  if (!postgres && !redis && !objects && !logHours) return <p className="text-warn">Nothing would be in it.</p>;
  return (
    <ul aria-label="Contents" className="grid gap-1">
      {postgres && (
        <Line icon={<Database aria-hidden="true" />} title="PostgreSQL">
          {postgres.address ? (
            <>
              address from <span className="font-mono text-xs">{`${postgres.address.secret}/${postgres.address.key}`}</span>
            </>
          ) : isOwn ? (
            "Switchyard's own database"
          ) : (
            "no address"
          )}
          , {postgres.tables ? postgres.tables.join(", ") : "all tables"}
        </Line>
      )}
      {redis && (
        <Line icon={<Layers aria-hidden="true" />} title="Redis">
          {redis.url ? (
            <span className="font-mono text-xs">{redis.url}</span>
          ) : (
            <>
              address from <span className="font-mono text-xs">{`${redis.address?.secret}/${redis.address?.key}`}</span>
            </>
          )}
        </Line>
      )}
      {objects && (
        <Line icon={<Boxes aria-hidden="true" />} title="Kubernetes objects">
          its own and what they name: ConfigMaps, Secrets, certificates
        </Line>
      )}
      {logHours !== null && (
        <Line icon={<ScrollText aria-hidden="true" />} title="Logs">
          of the last {logHours} h
        </Line>
      )}
      <Line icon={<Archive aria-hidden="true" />} title="Sealed">
        encrypted as a whole before it is written
      </Line>
    </ul>
  );
}

const Line = ({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) => (
  <li className="flex items-start gap-2 [&>svg]:mt-0.5 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-ink-3">
    {icon}
    <span className="min-w-0 break-words">
      <span className="font-medium">{title}</span> <span className="text-ink-2">{children}</span>
    </span>
  </li>
);
