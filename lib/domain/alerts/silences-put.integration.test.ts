import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import type { AlertmanagerSilence, SilenceInput } from "#lib/alertmanager/schemas.ts";
import { putSilenceOnce } from "./silences-put.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

const wanted: SilenceInput = {
  matchers: [
    { name: "alertname", value: "RelayHighLatency", isRegex: false, isEqual: true },
    { name: "pod", value: "relay-.*", isRegex: true, isEqual: true },
  ],
  startsAt: "2026-11-21T12:00:00.000Z",
  endsAt: "2026-11-21T13:00:00.000Z",
  createdBy: "olga",
  comment: "a failover",
};

type Manner = { keeps: boolean; answers: "well" | "500" | "never"; silences?: AlertmanagerSilence[] };

/** An Alertmanager that keeps what is posted or does not, and answers the post well, badly or never. */
async function startMember({ keeps, answers, silences = [] }: Manner) {
  const member = { url: "", posts: 0, silences };
  const server = createServer(async (request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify(member.silences));
    member.posts += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const posted = JSON.parse(Buffer.concat(chunks).toString()) as SilenceInput;
    const id = `made-${member.posts}`;
    // Alertmanager answers with the matchers in its own order.
    const matchers = posted.matchers.toReversed();
    if (keeps) silences.push({ ...posted, matchers, id, status: { state: "active" }, updatedAt: wanted.startsAt });
    if (answers === "never") return;
    response.statusCode = answers === "well" ? 200 : 500;
    response.end(JSON.stringify(answers === "well" ? { silenceID: id } : "internal error"));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  member.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return member;
}

const clusterOf = (...urls: string[]) => ({
  source: "embedded",
  clients: urls.map((url) => new AlertmanagerClient({ url, timeoutMs: 300 })),
});

test.each(["500", "never"] as const)("a member that takes the silence and answers %s has it made once", async (answers) => {
  const slow = await startMember({ keeps: true, answers });
  const other = await startMember({ keeps: true, answers: "well" });
  expect(await putSilenceOnce(clusterOf(slow.url, other.url), wanted)).toBe("made-1");
  expect([slow.posts, other.posts]).toEqual([1, 0]);
});

test("a member that answers badly and shows no silence ends the request with a word of care, and no other is asked", async () => {
  const expired = { ...wanted, id: "old", status: { state: "expired" as const }, updatedAt: wanted.startsAt };
  const another = { ...wanted, id: "another", comment: "else", status: { state: "active" as const }, updatedAt: wanted.startsAt };
  const broken = await startMember({ keeps: false, answers: "500", silences: [expired, another] });
  const other = await startMember({ keeps: true, answers: "well" });
  await expect(putSilenceOnce(clusterOf(broken.url, other.url), wanted)).rejects.toMatchObject({
    code: "alertmanager-unavailable",
    message: expect.stringContaining("look at the silences before you try again"),
  });
  expect(other.posts).toBe(0);
});

test("where nothing listens the next member is asked", async () => {
  const gone = await startMember({ keeps: false, answers: "well" });
  const [server] = servers.splice(0);
  server?.close();
  if (server) await once(server, "close");
  const other = await startMember({ keeps: true, answers: "well" });
  expect(await putSilenceOnce(clusterOf(gone.url, other.url), wanted)).toBe("made-1");
  await expect(putSilenceOnce(clusterOf(gone.url), wanted)).rejects.toMatchObject({ code: "alertmanager-unavailable" });
});
