import { subjectTitle } from "#lib/client/recovery-view.ts";
import type { RestoreOrder, RestoreQuestion } from "#lib/client/restores.ts";
import type { BackupView } from "#lib/domain/recovery/backups/schemas.ts";
import type { RestoreMode } from "#lib/domain/recovery/restores/schemas.ts";
import { reasonErrors } from "../../../../ui/field-errors.ts";

/** What is filled in before a restore begins. */
export type RestoreDraft = {
  mode: RestoreMode;
  /** Null: the whole. */
  parts: string[] | null;
  intoNamespace: string;
  /** ISO; empty: as of the backup. */
  untilTime: string;
  confirm: string;
  isPresentLost: boolean;
};

export const emptyDraft: RestoreDraft = {
  mode: "scratch",
  parts: null,
  intoNamespace: "",
  untilTime: "",
  confirm: "",
  isPresentLost: false,
};

/** What the dry run is asked; null while something that it needs is missing. */
export function questionOf({ mode, parts, intoNamespace, untilTime }: RestoreDraft): RestoreQuestion | null {
  if (mode === "namespace" && intoNamespace.trim() === "") return null;
  if (parts?.length === 0) return null;
  return {
    mode,
    parts,
    intoNamespace: mode === "namespace" ? intoNamespace.trim() : null,
    untilTime: mode !== "namespace" && untilTime !== "" ? untilTime : null,
  };
}

/** What is missing before it can be sent, by field. */
export function missingOf(draft: RestoreDraft, reason: string, subject: string): Record<string, string[] | undefined> {
  return {
    parts: draft.parts?.length === 0 ? ["Choose at least one part."] : undefined,
    intoNamespace: draft.mode === "namespace" && draft.intoNamespace.trim() === "" ? ["Name the namespace."] : undefined,
    confirm:
      draft.mode === "in-place" && draft.confirm.trim() !== subject ? [`Type ${subject}, as it is written here.`] : undefined,
    reason: reasonErrors(reason),
  };
}

export function orderOf(draft: RestoreDraft, reason: string): RestoreOrder {
  const { mode, parts, intoNamespace, untilTime, confirm, isPresentLost } = draft;
  return {
    mode,
    parts,
    intoNamespace: mode === "namespace" ? intoNamespace.trim() : null,
    confirm: mode === "in-place" ? confirm.trim() : null,
    untilTime: mode !== "namespace" && untilTime !== "" ? untilTime : null,
    isPresentLost: mode === "in-place" && isPresentLost,
    reason: reason.trim(),
  };
}

/** The verb with its object, for the button. */
export function restoreSentence({ mode, intoNamespace }: RestoreDraft, backup: BackupView): string {
  const name = subjectTitle(backup.subject);
  if (mode === "scratch") return `Restore ${name} into scratch`;
  if (mode === "in-place") return `Restore ${name} over the present`;
  return `Restore ${name} into ${intoNamespace.trim() || "another namespace"}`;
}
