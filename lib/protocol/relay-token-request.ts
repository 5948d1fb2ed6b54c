import { z } from "zod";
import { documentPermissionsSchema } from "./relay-token.ts";

/** The longest life of a token, in seconds. */
export const maxTokenSeconds = 3600;

/** The body of POST /token at the issuer. */
export const tokenRequestSchema = z.strictObject({
  subject: z.string().min(1).max(256),
  documents: documentPermissionsSchema,
  ttlSeconds: z.int().min(1).max(maxTokenSeconds).default(3600),
});
export type TokenRequest = z.input<typeof tokenRequestSchema>;

/** The issuer's answer, in the words of RFC 6749. */
export const tokenResponseSchema = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.number(),
});

export type TokenRequestOptions = {
  issuerUrl: string;
  clientSecret: string;
  request: TokenRequest;
  /** Of the trace that the request is part of. */
  traceparent?: string;
};

/** Asks the issuer for a token. Throws an Error when it is away or refuses. */
export async function requestToken(options: TokenRequestOptions): Promise<string> {
  const { traceparent } = options;
  const response = await fetch(new URL("/token", options.issuerUrl), {
    method: "POST",
    headers: {
      authorization: `Bearer ${options.clientSecret}`,
      "content-type": "application/json",
      ...(traceparent && { traceparent }),
    },
    body: JSON.stringify(options.request),
    signal: AbortSignal.timeout(5000),
  });
  if (!response.ok) throw new Error(`the issuer answers ${response.status}`);
  return tokenResponseSchema.parse(await response.json()).access_token;
}
