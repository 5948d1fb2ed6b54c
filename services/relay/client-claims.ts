import type { Pool } from "pg";

/** Who wants to write to a document under a client id. */
export type Claim = { documentId: string; clientId: string; actor: string };

type Waiting = { claim: Claim; resolve: (isOwn: boolean) => void; reject: (error: unknown) => void };

const maxClaims = 1000;

/**
 * Binds each client id of a document to the first user who claims it: an operation is known by its client id, so under another's
 * id one could acknowledge what that one has submitted. Claims that come together share one statement.
 */
export class ClientClaims {
  readonly #pool: Pool;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Whether the client id is the actor's, now and from now on. Rejects when PostgreSQL is away. */
  claim(claim: Claim): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ claim, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0, maxClaims);
      try {
        const owners = await this.#owners(taken.map(({ claim }) => claim));
        for (const { claim, resolve } of taken) resolve(owners.get(keyOf(claim)) === claim.actor);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #owners(claims: Claim[]): Promise<Map<string, string>> {
    const documents = claims.map(({ documentId }) => documentId);
    const clients = claims.map(({ clientId }) => clientId);
    // In one order everywhere, so that replicas do not wait for each other in a circle.
    await this.#pool.query({
      name: "claim-clients",
      text: `INSERT INTO document_clients (document_id, client_id, actor_id)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS given (document_id, client_id, actor_id)
        ORDER BY document_id, client_id ON CONFLICT DO NOTHING`,
      values: [documents, clients, claims.map(({ actor }) => actor)],
    });
    // A statement of its own, since the first does not see what another replica has added meanwhile.
    const { rows } = await this.#pool.query<{ document_id: string; client_id: string; actor_id: string }>({
      name: "client-owners",
      text: `SELECT document_id, client_id, actor_id FROM document_clients
        JOIN unnest($1::uuid[], $2::uuid[]) AS given (document_id, client_id) USING (document_id, client_id)`,
      values: [documents, clients],
    });
    return new Map(rows.map((row) => [keyOf({ documentId: row.document_id, clientId: row.client_id }), row.actor_id]));
  }
}

function keyOf({ documentId, clientId }: Omit<Claim, "actor">): string {
  return `${documentId}:${clientId}`;
}
