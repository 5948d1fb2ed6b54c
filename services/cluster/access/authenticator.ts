import type { Identities, User } from "../pki/identities.ts";
import { issuer, type ServiceAccountTokens, type VerifiedToken } from "./service-account-tokens.ts";

/** Finds the user of a bearer token: one of the kubeconfigs' tokens, or a service account's. */
export class Authenticator {
  readonly #identities: Identities;
  readonly #tokens: ServiceAccountTokens;

  constructor(identities: Identities, tokens: ServiceAccountTokens) {
    this.#identities = identities;
    this.#tokens = tokens;
  }

  async findUser(token: string): Promise<User | undefined> {
    return (await this.review(token, [issuer]))?.user;
  }

  /** As findUser, for an audience other than the API. The kubeconfigs' tokens are good for any. */
  async review(token: string, audiences: readonly string[]): Promise<VerifiedToken | undefined> {
    if (token.split(".").length === 3) return this.#tokens.verify(token, audiences);
    const user = this.#identities.find(token);
    return user && { user, audiences: [...audiences] };
  }
}
