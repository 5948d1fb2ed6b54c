import type { AlertmanagerSilence, SilenceInput } from "#lib/alertmanager/schemas.ts";
import { DomainError } from "../errors.ts";
import { formatMatchers } from "./matchers.ts";
import { readSilences, type SourceMembers } from "./silences-members.ts";

/** What fetch says when no byte of the request went out. */
const notConnected = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

/**
 * Makes or changes a silence once in a cluster; resolves to its id. Alertmanager makes another silence for each request, so the
 * next member is asked only when this one heard nothing. One that heard it and did not answer well may have made it: then it is
 * looked for, and where it is not found the error says that it may be there. Throws alertmanager-unavailable or -refused.
 */
export async function putSilenceOnce(source: SourceMembers, wanted: SilenceInput): Promise<string> {
  let failure = new DomainError("alertmanager-unavailable", `The source ${source.source} has no Alertmanager to ask.`);
  for (const client of source.clients) {
    try {
      return await client.putSilence(wanted);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === "alertmanager-unavailable")) throw error;
      failure = error;
      if (!heardNothing(error)) return await findMade(source, wanted, error);
    }
  }
  throw failure;
}

function heardNothing(error: DomainError): boolean {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && notConnected.includes(String(cause.code))) return true;
  }
  return false;
}

async function findMade(source: SourceMembers, wanted: SilenceInput, failure: DomainError): Promise<string> {
  const { silences } = await readSilences([source]);
  const made = silences.find(({ silence }) => silence.status.state !== "expired" && isWanted(silence, wanted));
  if (made) return made.silence.id;
  const message = `${failure.message} It may have taken the silence all the same: look at the silences before you try again.`;
  throw new DomainError("alertmanager-unavailable", message, {}, { cause: failure });
}

function isWanted(silence: AlertmanagerSilence, { matchers, endsAt, createdBy, comment }: SilenceInput): boolean {
  const sorted = (each: SilenceInput["matchers"]) =>
    each
      .map((matcher) => formatMatchers([matcher]))
      .toSorted()
      .join();
  return (
    silence.createdBy === createdBy &&
    silence.comment === comment &&
    Date.parse(silence.endsAt) === Date.parse(endsAt) &&
    sorted(silence.matchers) === sorted(matchers)
  );
}
