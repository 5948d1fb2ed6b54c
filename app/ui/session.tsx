"use client";
import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "#lib/client/users.ts";
import { type Role, roleIncludes } from "#lib/domain/users/schemas.ts";

export const useSession = () => useQuery(sessionQuery).data ?? null;

/** Why the person may not do what needs this role; null when they may. */
export function useRoleRefusal(needed: Role): string | null {
  const session = useSession();
  if (!session) return "Waiting to learn who you are.";
  if (roleIncludes(session.role, needed)) return null;
  return `Needs the role ${needed}; yours is ${session.role}. Ask an administrator.`;
}
