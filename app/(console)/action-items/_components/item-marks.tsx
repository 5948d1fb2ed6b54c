import { Check, CircleDashed, ShieldCheck, ShieldX, TriangleAlert } from "lucide-react";
import type { ItemView } from "#lib/domain/incidents/action-items/schemas.ts";
import { proofInfos, proofName } from "#lib/domain/incidents/action-items/schemas.ts";
import { cn } from "../../../ui/class-names.ts";

/** Whether it is open, overdue or done, as word, shape and colour. */
export function ItemState({ item }: { item: Pick<ItemView, "state" | "isOverdue"> }) {
  const [word, color, Shape] =
    item.state === "done"
      ? (["Done", "text-good", Check] as const)
      : item.isOverdue
        ? (["Overdue", "text-bad", TriangleAlert] as const)
        : (["Open", "text-ink-2", CircleDashed] as const);
  return (
    <span title={word} className={cn("inline-flex items-center gap-1.5 whitespace-nowrap font-medium", color)}>
      <Shape aria-hidden="true" className="size-3.5" />
      <span className="max-md:sr-only">{word}</span>
    </span>
  );
}

/** What shows that it is done, and how that ended when it was run last. */
export function ItemProof({ item: { proof, proofResult, overrideReason } }: { item: ItemView }) {
  if (!proof) return <span className="text-ink-3">none named</span>;
  const title = [proofResult?.message, overrideReason && `Closed all the same: ${overrideReason}`].filter(Boolean).join(" ");
  const isPassed = proofResult?.verdict === "passed";
  return (
    <span title={title || proofInfos[proof.kind].about} className="inline-flex min-w-0 items-center gap-1.5">
      {proofResult &&
        (isPassed ? (
          <ShieldCheck aria-hidden="true" className="size-3.5 shrink-0 text-good" />
        ) : (
          <ShieldX aria-hidden="true" className="size-3.5 shrink-0 text-bad" />
        ))}
      {proof.kind !== "alert-rule" && <span className="text-ink-3">{proofInfos[proof.kind].title}</span>}
      <span className="name truncate">{proofName(proof)}</span>
      {proofResult && <span className={isPassed ? "text-good" : "text-bad"}>{isPassed ? "passed" : "not proven"}</span>}
    </span>
  );
}
