"use client";
import Link from "next/link";
import type { Service } from "#lib/domain/fleet/schemas.ts";

/** A service's name as the way to its page. */
export function ServiceLink({ service, range }: { service: Pick<Service, "id" | "name">; range?: string }) {
  return (
    <Link
      href={`/fleet/${service.id}${range ? `?range=${range}` : ""}`}
      tabIndex={-1}
      className="name truncate rounded-sm font-medium text-ink hover:text-accent hover:underline"
    >
      {service.name}
    </Link>
  );
}
