import { expect, test } from "vitest";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import { MemoryJobs } from "./memory-jobs.ts";

const scan = { target: "a", ports: "80", timeoutMs: 1_000, portTimeoutMs: 100 };

async function end(jobs: MemoryJobs, tenant: string, id: string, { named = true, bytes = 10 } = {}): Promise<void> {
  await jobs.put(tenant, id, named ? { ...scan, job: id } : scan, 10);
  const lease = await jobs.claim(tenant, 1_000);
  const result = { closed: "x".repeat(bytes) } as unknown as HubBody<"result">;
  if (!lease || !(await jobs.finish(lease, { result }))) throw new Error("the job did not end");
}

const known = async (jobs: MemoryJobs, tenant: string, ids: string[]) => {
  const found = await Promise.all(ids.map((id) => jobs.get(tenant, id)));
  return ids.filter((_, index) => found[index] !== undefined);
};

test("the end of a job without a name is remembered for a minute, and that of a named one for longer", async () => {
  let now = 0;
  const jobs = new MemoryJobs({ now: () => now });
  await end(jobs, "t", "named");
  await end(jobs, "t", "unnamed", { named: false });
  now = 59_000;
  await jobs.counts();
  expect(await known(jobs, "t", ["named", "unnamed"])).toEqual(["named", "unnamed"]);
  now = 60_000;
  await jobs.counts();
  expect(await known(jobs, "t", ["named", "unnamed"])).toEqual(["named"]);
});

test.each([true, false])("results are bounded by number and by bytes, the oldest go; named: %s", async (named) => {
  const jobs = new MemoryJobs({ maxEnded: 4, maxEndedBytes: 1_000 });
  const ids = ["1", "2", "3", "4", "5", "6"];
  for (const id of ids) await end(jobs, "t", id, { named });
  expect(await known(jobs, "t", ids)).toEqual(["3", "4", "5", "6"]);
  await end(jobs, "t", "large", { named, bytes: 900 });
  expect(await known(jobs, "t", [...ids, "large"])).toEqual(["5", "6", "large"]);
  expect((await jobs.list({ state: "done", limit: 10 })).jobs).toHaveLength(named ? 3 : 0);
});
