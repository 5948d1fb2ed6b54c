import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import MailComposer from "nodemailer/lib/mail-composer/index.js";
import SMTPConnection from "nodemailer/lib/smtp-connection/index.js";
import { resolveHost } from "./address.ts";
import { toHtml, toText } from "./mail.ts";
import { type Message, result, type SendResult } from "./message.ts";
import { describeTrouble } from "./trouble.ts";

export type MailTarget = {
  host: string;
  port: number;
  /** starttls: refused when the server offers none. tls: from the first byte. none: plain, for a server on this host. */
  security: "starttls" | "tls" | "none";
  username: string | null;
  password: string | null;
  from: string;
  to: readonly string[];
};

export type MailOptions = {
  /** For the whole exchange, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Certificates of authorities to trust beside the usual ones, as PEM. */
  ca?: string;
  resolve?: Parameters<typeof resolveHost>[1];
};

/** Hands a mail to a server and says how that ended; never rejects. Its Message-ID stays the same when it is sent again. */
export async function sendMail(target: MailTarget, message: Message, options: MailOptions): Promise<SendResult> {
  const { timeoutMs } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    const address = await beforeAbort(resolveHost(target.host, options.resolve), signal);
    const bytes = await compose(target, message);
    signal.throwIfAborted();
    return await hand(connectionTo(target, address, options), target, bytes, signal);
  } catch (error) {
    return isSmtpError(error) ? judge(error) : describeTrouble(error, timeoutMs);
  }
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function connectionTo({ host, port, security }: MailTarget, address: string, { timeoutMs, ca }: MailOptions): SMTPConnection {
  return new SMTPConnection({
    host: address,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    // The whole exchange has a time-out of its own; these only end what is left over.
    connectionTimeout: timeoutMs * 2,
    greetingTimeout: timeoutMs * 2,
    socketTimeout: timeoutMs * 2,
    tls: { minVersion: "TLSv1.2", ...(isIP(host) ? {} : { servername: host }), ...(ca ? { ca: [...rootCertificates, ca] } : {}) },
  });
}

/** Connects, logs in, sends and says goodbye; the signal cuts the connection at any of these steps. */
function hand(connection: SMTPConnection, target: MailTarget, bytes: Buffer, signal: AbortSignal): Promise<SendResult> {
  const { username, password, from, to } = target;
  return new Promise<SendResult>((resolve, reject) => {
    function end(settle: () => void) {
      signal.removeEventListener("abort", cut);
      settle();
      connection.quit();
      // A server that does not answer QUIT keeps no socket of ours.
      setTimeout(() => connection.close(), 1_000).unref();
    }
    function cut() {
      reject(signal.reason);
      connection.close();
    }
    function fail(error: Error) {
      end(() => reject(error));
    }
    function send() {
      connection.send({ from: addressOf(from), to: to.map(addressOf) }, bytes, (error, info) => {
        if (error) return fail(error);
        end(() => resolve(accepted(info)));
      });
    }
    signal.addEventListener("abort", cut, { once: true });
    connection.on("error", fail);
    connection.on("end", () => reject(new Error("The server closed the connection before it took the mail.")));
    connection.connect((error) => {
      if (error) return fail(error);
      if (username === null) return send();
      connection.login({ user: username, pass: password ?? "" }, (refused) => (refused ? fail(refused) : send()));
    });
  });
}

function accepted({ response, rejected }: SMTPConnection.SentMessageInfo): SendResult {
  const error = rejected.length > 0 ? `Some recipients were refused: ${rejected.join(", ")}.` : null;
  return result("delivered", { answer: shorten(response), error });
}

function compose({ from, to }: MailTarget, message: Message): Promise<Buffer> {
  const domain = addressOf(from).split("@").at(-1) ?? "switchyard";
  const mail = new MailComposer({
    from,
    to: [...to],
    subject: message.title.replace(/\s+/g, " "),
    text: toText(message),
    html: toHtml(message),
    messageId: `<${message.id}@${domain}>`,
    date: message.createdAt,
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return new Promise((resolve, reject) => {
    mail.compile().build((error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

/** "Ops <ops@example.org>" and "ops@example.org" alike. */
function addressOf(text: string): string {
  return /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text;
}

function isSmtpError(error: unknown): error is SMTPConnection.SMTPError {
  return error instanceof Error && ("responseCode" in error || ("code" in error && error.code === "ETLS"));
}

function judge(error: SMTPConnection.SMTPError): SendResult {
  const answer = error.response ? shorten(error.response) : null;
  const code = error.responseCode ?? 0;
  if (error.code === "ETLS") {
    return result("refused", {
      answer,
      error: "The server offers no STARTTLS, or its handshake failed; nothing was sent in plain.",
    });
  }
  if (error.code === "EAUTH") {
    const sentence = "The server refuses the user name or the password.";
    return result(code >= 400 && code < 500 ? "failing" : "refused", { answer, error: sentence });
  }
  if (code >= 400 && code < 500) return result("failing", { answer, error: "The mail server says that it cannot take it now." });
  return result("refused", { answer, error: "The mail server refuses the message, its sender or its recipients." });
}

function shorten(response: string): string {
  return response.replace(/[\p{Cc}\p{Cs}]+/gu, " ").slice(0, 200);
}
