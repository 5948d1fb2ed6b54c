import type { lookup } from "node:dns";
import { createServer, type Server, type Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Certificate, CertificateAuthority } from "#lib/runtime/certificates.ts";
import { type MailTarget, sendMail } from "./smtp.ts";
import { testEvent, testMessage } from "./test-messages.ts";

let authority: CertificateAuthority;
let certificate: Certificate;
const running: { stop: () => Promise<void> }[] = [];

beforeAll(async () => {
  ({ authority } = await CertificateAuthority.create("mail tests"));
  certificate = await authority.issue({ commonName: "localhost", dnsNames: ["localhost"], addresses: ["127.0.0.1"] });
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

type Mailbox = {
  port: number;
  mails: { from: string; to: string[]; text: string; secure: boolean; user: unknown }[];
  logins: number;
};

/** A mail server on loopback that takes olga with her password. */
async function startServer(options: SMTPServerOptions = {}): Promise<Mailbox> {
  const box: Mailbox = { port: 0, mails: [], logins: 0 };
  const server = new SMTPServer({
    key: certificate.key,
    cert: certificate.certificate,
    logger: false,
    onAuth({ username, password }, _session, done) {
      box.logins += 1;
      if (username === "olga" && password === "correct horse") done(null, { user: username });
      else done(new Error("no such user"));
    },
    onData(stream, session, done) {
      let text = "";
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        text += chunk;
      });
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        box.mails.push({ from, to: rcptTo.map(({ address }) => address), text, secure: session.secure, user: session.user });
        done(null, "2.0.0 taken");
      });
    },
    ...options,
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  box.port = (server.server.address() as { port: number }).port;
  running.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) });
  return box;
}

function targetOf({ port }: { port: number }, given: Partial<MailTarget> = {}): MailTarget {
  const { host = "localhost", security = "starttls", username = "olga", password = "correct horse" } = given;
  return {
    host,
    port,
    security,
    username,
    password,
    from: "Switchyard <switchyard@example.org>",
    to: ["ops@example.org", "Olga <olga@example.org>"],
    ...given,
  };
}

const send = (target: MailTarget, message = testMessage(), timeoutMs = 5_000) =>
  sendMail(target, message, { timeoutMs, ca: authority.certificate });

describe("a mail", () => {
  test("goes over STARTTLS after a login, as text and HTML, under an id that stays", async () => {
    const box = await startServer();
    const target = targetOf(box);
    expect(await send(target)).toMatchObject({ outcome: "delivered", answer: "250 2.0.0 taken", error: null });
    await send(target);
    const [first, second] = box.mails;
    expect(first).toMatchObject({ from: "switchyard@example.org", to: ["ops@example.org", "olga@example.org"], secure: true });
    expect(first?.user).toBe("olga");
    const text = first?.text.replace(/=\r\n/g, "") ?? "";
    expect(text).toContain("Subject: Critical: RelayHighLatency on fleet/relay");
    expect(text).toContain("Content-Type: text/plain");
    expect(text).toContain("Content-Type: text/html");
    expect(text).toContain("https://switchyard.example.org/alerts/1");
    expect(text).toContain("Auto-Submitted: auto-generated");
    const id = `Message-ID: <${testMessage().id}@example.org>`;
    expect(text).toContain(id);
    expect(second?.text).toContain(id);
  });

  test("goes over TLS from the first byte", async () => {
    const box = await startServer({ secure: true });
    expect(await send(targetOf(box, { security: "tls" }))).toMatchObject({ outcome: "delivered" });
    expect(box.mails[0]?.secure).toBe(true);
  });

  test("goes in plain and without a login where that was chosen", async () => {
    const box = await startServer({ disabledCommands: ["STARTTLS"], authOptional: true });
    const target = targetOf(box, { security: "none", username: null, password: null });
    expect(await send(target)).toMatchObject({ outcome: "delivered" });
    expect(box.mails[0]?.secure).toBe(false);
  });

  test("takes no header or recipient from the text of an event", async () => {
    const box = await startServer();
    const title = "Bad\r\nBcc: thief@example.org\r\n\r\n<script>alert(1)</script>";
    const message = testMessage({
      title,
      events: [testEvent({ title, text: "</p><img src=x>\r\n.\r\nRCPT TO:<thief@example.org>" })],
    });
    expect(await send(targetOf(box), message)).toMatchObject({ outcome: "delivered" });
    const [mail] = box.mails;
    expect(mail?.to).toEqual(["ops@example.org", "olga@example.org"]);
    expect(mail?.text.split("\r\n\r\n")[0]).not.toMatch(/^Bcc:/im);
    const html = mail?.text.split("Content-Type: text/html")[1]?.replace(/=\r\n/g, "") ?? "";
    expect(html).not.toContain("<script>");
    expect(html).not.toContain("<img");
    expect(html).toContain("&lt;script&gt;");
  });
});

describe("a mail server", () => {
  test("that refuses the password refuses, without the password in what is kept", async () => {
    const box = await startServer();
    const sent = await send(targetOf(box, { password: "wrong battery" }));
    expect(sent).toMatchObject({
      outcome: "refused",
      answer: expect.stringContaining("535"),
      error: expect.stringContaining("password"),
    });
    expect(JSON.stringify(sent)).not.toContain("wrong battery");
    expect(box.mails).toEqual([]);
  });

  test("that offers no STARTTLS gets neither password nor mail", async () => {
    const box = await startServer({ disabledCommands: ["STARTTLS"], authOptional: true });
    expect(await send(targetOf(box))).toMatchObject({ outcome: "refused", error: expect.stringContaining("STARTTLS") });
    expect(box).toMatchObject({ logins: 0, mails: [] });
  });

  test("whose certificate is for another name or from nobody known gets neither", async () => {
    const box = await startServer();
    const unknown = await sendMail(targetOf(box), testMessage(), { timeoutMs: 5_000 });
    expect(unknown).toMatchObject({ outcome: "unreachable", error: expect.stringContaining("certificate") });
    certificate = await authority.issue({ commonName: "elsewhere", dnsNames: ["elsewhere.example.org"], addresses: [] });
    const other = await startServer();
    expect(await send(targetOf(other))).toMatchObject({ outcome: "unreachable", error: expect.stringContaining("certificate") });
    certificate = await authority.issue({ commonName: "localhost", dnsNames: ["localhost"], addresses: ["127.0.0.1"] });
    expect([box, other].map(({ logins, mails }) => [logins, mails.length])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test("that answers 451 is in trouble, and one that answers 550 refuses", async () => {
    const answering = (responseCode: number) =>
      startServer({ onMailFrom: (_address, _session, done) => done(Object.assign(new Error("not now"), { responseCode })) });
    const [busy, strict] = await Promise.all([answering(451), answering(550)]);
    expect(await send(targetOf(busy))).toMatchObject({ outcome: "failing", answer: expect.stringContaining("451") });
    expect(await send(targetOf(strict))).toMatchObject({ outcome: "refused", answer: expect.stringContaining("550") });
  });

  test("that refuses one recipient delivers to the others, and says whom it refused", async () => {
    const box = await startServer({
      onRcptTo: ({ address }, _session, done) =>
        address.startsWith("ops") ? done(Object.assign(new Error("no such box"), { responseCode: 550 })) : done(),
    });
    expect(await send(targetOf(box))).toMatchObject({ outcome: "delivered", error: expect.stringContaining("ops@example.org") });
    expect(box.mails[0]?.to).toEqual(["olga@example.org"]);
  });

  test("that says nothing, or stops in the middle, is a time-out and keeps no connection", async () => {
    const sockets = new Set<Socket>();
    const silent = await listen(createServer((socket) => sockets.add(socket)));
    expect(await send(targetOf(silent), testMessage(), 300)).toMatchObject({ outcome: "timed-out" });
    const stuck = await startServer({ onData: () => {} });
    expect(await send(targetOf(stuck), testMessage(), 500)).toMatchObject({ outcome: "timed-out" });
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  test("whose name is never resolved is a time-out", async () => {
    const never = (() => {}) as unknown as typeof lookup;
    const sent = await sendMail(targetOf({ port: 25 }), testMessage(), { timeoutMs: 100, resolve: never });
    expect(sent).toMatchObject({ outcome: "timed-out" });
  });

  test("that is not there, or hangs up, is unreachable", async () => {
    const rude = await listen(createServer((socket) => socket.end("421 4.3.2 closing\r\n")));
    expect(await send(targetOf(rude))).toMatchObject({ outcome: "failing", answer: expect.stringContaining("421") });
    const mute = await listen(createServer((socket) => socket.destroy()));
    expect(await send(targetOf(mute))).toMatchObject({ outcome: "unreachable" });
    expect(await send(targetOf({ port: 1 }))).toMatchObject({ outcome: "unreachable" });
    expect(await send(targetOf({ port: 25 }, { host: "169.254.169.254" }))).toMatchObject({ outcome: "blocked" });
    expect(await send(targetOf({ port: 25 }, { host: "no-such-host.invalid" }))).toMatchObject({ outcome: "unreachable" });
  });
});

async function listen(server: Server): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  running.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as { port: number }).port };
}
