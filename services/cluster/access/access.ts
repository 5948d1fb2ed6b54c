import type { Logger } from "#lib/runtime/logger.ts";
import type { Cluster } from "../api.ts";
import type { Credentials } from "../pki/credentials.ts";
import { aggregateRoles, followAggregation } from "./aggregation.ts";
import { AuditLog } from "./audit-log.ts";
import { auditedCluster } from "./audited-cluster.ts";
import { Authenticator } from "./authenticator.ts";
import { Authorizer } from "./authorizer.ts";
import { ensureBootstrapRoles } from "./bootstrap.ts";
import { RoleIndex } from "./role-index.ts";
import { ServiceAccountTokens } from "./service-account-tokens.ts";
import { followTokenSecrets } from "./token-secrets.ts";

/** Who may do what in this cluster, and who did. */
export type Access = {
  authenticator: Authenticator;
  authorizer: Authorizer;
  tokens: ServiceAccountTokens;
  audit: AuditLog;
  stop(): Promise<void>;
};

export type AccessOptions = {
  cluster: Cluster;
  credentials: Pick<Credentials, "authority" | "identities" | "serviceAccountKey">;
  directory: string;
  logger: Logger;
  now: () => Date;
};

/** Makes or repairs the roles that every cluster has, and follows the others from then on. */
export async function openAccess({ cluster, credentials, directory, logger, now }: AccessOptions): Promise<Access> {
  const audit = new AuditLog({ directory, logger });
  const index = new RoleIndex(cluster);
  const own = auditedCluster(cluster, audit, "system:apiserver");
  await ensureBootstrapRoles(own);
  await aggregateRoles(own);
  const endAggregation = followAggregation(own, logger);
  const tokens = new ServiceAccountTokens(credentials.serviceAccountKey, cluster, now);
  const endSecrets = followTokenSecrets({ cluster: own, tokens, authority: credentials.authority, logger });
  return {
    authenticator: new Authenticator(credentials.identities, tokens),
    authorizer: new Authorizer(index),
    tokens,
    audit,
    async stop() {
      index.stop();
      endSecrets();
      await endAggregation();
      await audit.stop();
    },
  };
}
