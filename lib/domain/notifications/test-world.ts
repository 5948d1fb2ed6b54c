import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { Sealer } from "#lib/runtime/sealed.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { testContext } from "../actions/test-fleet.ts";
import type { Role } from "../users/schemas.ts";
import type { SealingContext } from "./targets.ts";

/** A fresh database and contexts on it that can seal, with a clock that is set by hand; for tests. */
export type NotificationWorld = {
  db: Database;
  sealer: Sealer;
  clock: () => Date;
  setClock: (now: Date) => void;
  as: (role: Role, sealer?: Sealer) => SealingContext;
  drop: () => Promise<void>;
};

export async function startNotificationWorld(): Promise<NotificationWorld> {
  const { database: db, drop } = await createTestDatabase();
  const sealer = new Sealer("a key of the tests with more than 32 characters");
  const noCluster = null as unknown as KubernetesClient;
  let now = new Date();
  const clock = () => now;
  return {
    db,
    sealer,
    clock,
    setClock: (given) => {
      now = given;
    },
    as: (role, withSealer = sealer) => ({
      ...testContext({ db, kubernetes: noCluster, clock }, { role, name: `an ${role}` }),
      sealer: withSealer,
    }),
    drop,
  };
}
