"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { auditKeys } from "#lib/client/audit.ts";
import { backupKeys } from "#lib/client/backups.ts";
import { drillKeys } from "#lib/client/drills.ts";
import { recoveryKeys } from "#lib/client/recovery.ts";
import { restoreKeys } from "#lib/client/restores.ts";
import { useOrderKey } from "../use-send-key.ts";

/** Sends an order about backups, restores or drills; sent again because its answer was lost, it is done once. */
export function useRecoveryWrite<Order, Result>(
  send: (order: Order, idempotencyKey: string) => Promise<Result>,
  onDone?: (result: Result) => void,
) {
  const queries = useQueryClient();
  const keyOf = useOrderKey();
  return useMutation({
    mutationFn: (order: Order) => send(order, keyOf(order)),
    onSuccess: onDone,
    onSettled: () => {
      for (const { all } of [backupKeys, restoreKeys, drillKeys, recoveryKeys, auditKeys]) {
        void queries.invalidateQueries({ queryKey: all });
      }
    },
  });
}
