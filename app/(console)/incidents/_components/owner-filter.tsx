"use client";
import { Button } from "../../../ui/button.tsx";
import { useSession } from "../../../ui/session.tsx";

type OwnerFilterProps = {
  /** The username that the list is of; empty: of everybody. */
  owner: string;
  onChange: (owner: string | null) => void;
};

/** Of whom a list is: one press shows the viewer's own, the next everybody's. */
export function OwnerFilter({ owner, onChange }: OwnerFilterProps) {
  const session = useSession();
  const isMine = session !== null && owner === session.username;
  return (
    <Button aria-pressed={isMine} onClick={() => onChange(isMine ? null : (session?.username ?? null))}>
      {isMine ? "Mine only" : owner ? `Of ${owner}` : "Of everybody"}
    </Button>
  );
}
