"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { newIdempotencyKey } from "#lib/client/actions.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { backupKeys } from "#lib/client/backups.ts";
import { drillKeys } from "#lib/client/drills.ts";
import { recoveryKeys } from "#lib/client/recovery.ts";
import { restoreKeys } from "#lib/client/restores.ts";

/**
 * Sends an order about backups, restores or drills. The same order sent again, because its answer was lost, carries the same key and
 * is done once.
 */
export function useRecoveryWrite<Order, Result>(
  send: (order: Order, idempotencyKey: string) => Promise<Result>,
  onDone?: (result: Result) => void,
) {
  const queries = useQueryClient();
  const last = useRef({ body: "", key: "" });
  return useMutation({
    mutationFn: (order: Order) => {
      const body = JSON.stringify(order);
      if (last.current.body !== body) last.current = { body, key: newIdempotencyKey() };
      return send(order, last.current.key);
    },
    onSuccess: onDone,
    onSettled: () => {
      for (const { all } of [backupKeys, restoreKeys, drillKeys, recoveryKeys, auditKeys]) {
        void queries.invalidateQueries({ queryKey: all });
      }
    },
  });
}
