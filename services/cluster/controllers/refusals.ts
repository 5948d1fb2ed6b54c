import { StatusError } from "../api.ts";

export function ignoreNotFound(error: unknown): void {
  if (!(error instanceof StatusError && error.code === 404)) throw error;
}

export function ignoreExisting(error: unknown): void {
  if (!(error instanceof StatusError && error.reason === "AlreadyExists")) throw error;
}

export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError && error.code === 403 && error.message.includes("being terminated");
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
