import type { Scenario } from "../schemas.ts";

/** What a scenario is called, and in one sentence what is done in it. */
export const scenarioTexts: Record<Scenario, { title: string; about: string }> = {
  instance: { title: "Loss of an instance", about: "One instance is killed without warning." },
  node: { title: "Loss of a node", about: "The power of a node is cut." },
  redis: { title: "Loss of Redis", about: "The instance of Redis that the service uses is killed without warning." },
  database: { title: "Loss of the database", about: "The service's database is dropped, and restored from its backup." },
  region: { title: "Loss of the region (rehearsal)", about: "The service is restored from its backup in another namespace." },
  hub: { title: "Loss of the hub", about: "All instances of the hub are taken away for a while; edges keep their messages." },
  "bad-release": { title: "Bad release", about: "A release that fails is rolled out, and rolled back when the alert arrives." },
  "control-plane": { title: "Loss of Switchyard", about: "Switchyard's own database is restored elsewhere from its backup." },
};
