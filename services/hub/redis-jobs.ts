import type { Redis } from "ioredis";
import type { HubBody } from "#lib/protocol/hub-messages.ts";
import type {
  JobDetail,
  JobListener,
  JobListOptions,
  JobName,
  JobOutcome,
  JobPage,
  JobState,
  JobStore,
  JobSummary,
  Lease,
} from "./state.ts";

const namedTtlSeconds = 24 * 3600;
const unnamedTtlSeconds = 60;

/**
 * A job is a hash. Sorted sets name the jobs of each state, of all tenants and of each one, by the number that they got when they
 * entered it; a job that waits has the number of its first time for good, which is its place in the queue. Another set of each
 * tenant says until when leases run, in microseconds of Redis's own clock, which all hubs share; a job's tokens start there too, so
 * that none comes again after a Redis that has lost its data. The scripts make their keys themselves, so this is for one Redis, not for
 * Redis Cluster.
 */
const prelude = `
local prefix, tenant, name = ARGV[1], ARGV[2], ARGV[3]
local leased = prefix .. 'leased:' .. tenant
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function job(of) return prefix .. 'job:' .. of end
local function lists(state) return { prefix .. 'list:' .. state, prefix .. 'list:' .. state .. ':' .. tenant } end
local function nextNumber() return redis.call('INCR', prefix .. 'number') end
local function leave(of)
  local state = redis.call('HGET', job(of), 'state')
  for _, list in ipairs(state and lists(state) or {}) do redis.call('ZREM', list, of) end
  if state == 'running' then redis.call('ZREM', leased, of) end
end
local function enter(of, state, number)
  leave(of)
  redis.call('HSET', job(of), 'state', state)
  for _, list in ipairs(lists(state)) do redis.call('ZADD', list, number, of) end
end
local function queue(of) enter(of, 'waiting', redis.call('HGET', job(of), 'number')) end
local function tell(event) redis.call('PUBLISH', prefix .. 'events', event .. name) end
local function hold(of, leaseMs)
  if redis.call('HGET', job(of), 'state') ~= 'running' then enter(of, 'running', nextNumber()) end
  redis.call('ZADD', leased, text(now + leaseMs * 1000), of)
  local found = redis.call('HMGET', job(of), 'id', 'token', 'leases', 'scan', 'at')
  return { found[1], tonumber(found[2]), tonumber(found[3]), found[4], math.floor((now - found[5]) / 1000) }
end
local function isHeldBy(token)
  local found = redis.call('HMGET', job(name), 'token', 'outcome')
  return found[1] == token and not found[2]
end
`;

const putScript = `${prelude}
local outcome = redis.call('HGET', job(name), 'outcome')
if outcome then return outcome end
if redis.call('EXISTS', job(name)) == 1 then return 'known' end
if redis.call('ZCARD', lists('waiting')[2]) + redis.call('ZCARD', leased) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', job(name), 'tenant', tenant, 'id', ARGV[5], 'scan', ARGV[6], 'target', ARGV[7], 'ports', ARGV[8],
  'named', ARGV[9], 'token', text(now), 'leases', 0, 'at', text(now), 'number', nextNumber())
queue(name)
tell('queued')
return 'added'`;

const claimScript = `${prelude}
for _, of in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', text(now), 'LIMIT', 0, 10)) do queue(of) end
local first = redis.call('ZRANGE', lists('waiting')[2], 0, 0)[1]
if not first then return false end
redis.call('HINCRBY', job(first), 'token', 1)
redis.call('HINCRBY', job(first), 'leases', 1)
return hold(first, ARGV[4])`;

const renewScript = `${prelude}
if not isHeldBy(ARGV[4]) then return false end
return hold(name, ARGV[5])`;

const releaseScript = `${prelude}
if not isHeldBy(ARGV[4]) then return 0 end
redis.call('HINCRBY', job(name), 'token', 1)
if ARGV[5] == 'unbegun' then redis.call('HINCRBY', job(name), 'leases', -1) end
queue(name)
tell('queued')
return 1`;

/** Results that Redis has forgotten leave the lists two at a time, which keeps up with one that enters. */
const finishScript = `${prelude}
if redis.call('EXISTS', job(name)) == 0 or redis.call('HEXISTS', job(name), 'outcome') == 1 then return 0 end
if ARGV[4] ~= '' and not isHeldBy(ARGV[4]) then return 0 end
redis.call('HSET', job(name), 'outcome', ARGV[6], 'endedAt', text(now))
if redis.call('HGET', job(name), 'named') == '1' then
  enter(name, ARGV[5], nextNumber())
  redis.call('EXPIRE', job(name), ${namedTtlSeconds})
  for _, list in ipairs(lists(ARGV[5])) do
    for _, of in ipairs(redis.call('ZRANGE', list, 0, 1)) do
      if redis.call('EXISTS', job(of)) == 0 then redis.call('ZREM', list, of) end
    end
  end
else
  leave(name)
  redis.call('HSET', job(name), 'state', ARGV[5])
  redis.call('EXPIRE', job(name), ${unnamedTtlSeconds})
end
tell('ended')
return 1`;

type LeaseAnswer = [id: string, token: number, leases: number, scan: string, ageMs: number] | null;

export class RedisJobs implements JobStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix = "hub:") {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async put(tenant: string, id: string, scan: HubBody<"scan">, limit: number): Promise<JobState> {
    const isNamed = scan.job === undefined ? 0 : 1;
    const values = [limit, id, JSON.stringify(scan), scan.target, scan.ports, isNamed];
    const answer = await this.#run(putScript, { tenant, id }, ...values);
    if (answer === "added" || answer === "known" || answer === "full") return answer;
    return JSON.parse(String(answer));
  }

  async claim(tenant: string, leaseMs: number): Promise<Lease | undefined> {
    return readLease(tenant, await this.#run(claimScript, { tenant, id: "" }, leaseMs));
  }

  async renew(job: JobName & { token: number }, leaseMs: number): Promise<Lease | undefined> {
    return readLease(job.tenant, await this.#run(renewScript, job, job.token, leaseMs));
  }

  async release(job: JobName & { token: number }, work: "begun" | "unbegun"): Promise<void> {
    await this.#run(releaseScript, job, job.token, work);
  }

  async finish(job: JobName & { token?: number }, outcome: JobOutcome): Promise<boolean> {
    const state = "error" in outcome ? "failed" : "done";
    return (await this.#run(finishScript, job, job.token ?? "", state, JSON.stringify(outcome))) === 1;
  }

  async outcome(tenant: string, id: string): Promise<JobOutcome | undefined> {
    const text = await this.#redis.hget(this.#key({ tenant, id }), "outcome");
    return text === null ? undefined : JSON.parse(text);
  }

  async get(tenant: string, id: string): Promise<JobDetail | undefined> {
    const fields = await this.#redis.hgetall(this.#key({ tenant, id }));
    if (!fields.scan) return undefined;
    const outcome = fields.outcome ? { outcome: JSON.parse(fields.outcome) } : {};
    return { ...readSummary(fields), scan: JSON.parse(fields.scan), ...outcome };
  }

  async list({ state, tenant, after, limit }: JobListOptions): Promise<JobPage> {
    const key = `${this.#prefix}list:${state}${tenant === undefined ? "" : `:${tenant}`}`;
    const isNewestFirst = state === "done" || state === "failed";
    const found = isNewestFirst
      ? await this.#redis.zrevrangebyscore(key, after ? `(${after}` : "+inf", "-inf", "WITHSCORES", "LIMIT", 0, limit + 1)
      : await this.#redis.zrangebyscore(key, after ? `(${after}` : "-inf", "+inf", "WITHSCORES", "LIMIT", 0, limit + 1);
    const names = found.filter((_, index) => index % 2 === 0).slice(0, limit);
    const next = found.length > limit * 2 ? { next: String(found[limit * 2 - 1]) } : {};
    const jobs = await Promise.all(names.map((name) => this.#readListed(name)));
    return { jobs: jobs.filter((job) => job !== undefined), ...next };
  }

  async counts(): Promise<{ waiting: number; running: number }> {
    const [waiting, running] = await Promise.all([
      this.#redis.zcard(`${this.#prefix}list:waiting`),
      this.#redis.zcard(`${this.#prefix}list:running`),
    ]);
    return { waiting, running };
  }

  tell({ tenant, id }: JobName, progress: HubBody<"progress">): void {
    const text = `progress${JSON.stringify([tenant, id, progress])}`;
    this.#redis.publish(`${this.#prefix}events`, text).catch(() => {});
  }

  /** Listens by a connection of its own; `close` of the caller's connection ends it too. */
  listen({ onQueued, onProgress, onEnded }: JobListener): void {
    const events = this.#redis.duplicate({ enableOfflineQueue: true, commandTimeout: undefined, maxRetriesPerRequest: null });
    events.on("error", () => {});
    events.on("message", (_channel, text: string) => {
      const at = text.indexOf("[");
      const [tenant, id, progress] = JSON.parse(text.slice(at));
      const event = text.slice(0, at);
      if (event === "queued") onQueued(tenant);
      else if (event === "progress") onProgress({ tenant, id }, progress);
      else onEnded({ tenant, id });
    });
    this.#redis.once("end", () => events.disconnect());
    events.subscribe(`${this.#prefix}events`).catch(() => {});
  }

  async #readListed(name: string): Promise<JobSummary | undefined> {
    const wanted = ["tenant", "id", "state", "target", "ports", "at", "leases", "endedAt"];
    const values = await this.#redis.hmget(`${this.#prefix}job:${name}`, ...wanted);
    if (values[0] === null) return undefined;
    return readSummary(Object.fromEntries(wanted.map((field, index) => [field, values[index] ?? ""])));
  }

  #run(script: string, job: JobName, ...values: (string | number)[]): Promise<unknown> {
    return this.#redis.eval(script, 0, this.#prefix, job.tenant, nameOf(job), ...values);
  }

  #key(job: JobName): string {
    return `${this.#prefix}job:${nameOf(job)}`;
  }
}

function nameOf({ tenant, id }: JobName): string {
  return JSON.stringify([tenant, id]);
}

function readLease(tenant: string, answer: unknown): Lease | undefined {
  const lease = answer as LeaseAnswer;
  if (!lease) return undefined;
  const [id, token, leases, scan, ageMs] = lease;
  return { tenant, id, token, leases, ageMs, scan: JSON.parse(scan) };
}

function readSummary(fields: Record<string, string>): JobSummary {
  const time = (micros: string | undefined) => new Date(Number(micros) / 1000).toISOString();
  return {
    tenant: fields.tenant ?? "",
    id: fields.id ?? "",
    state: fields.state as JobSummary["state"],
    target: fields.target ?? "",
    ports: fields.ports ?? "",
    submittedAt: time(fields.at),
    leases: Number(fields.leases),
    ...(fields.endedAt ? { endedAt: time(fields.endedAt) } : {}),
  };
}
