import { z } from "zod";

/** The one signature algorithm that the relay accepts and the issuer uses. */
export const tokenAlgorithm = "ES256";

export const permissionSchema = z.enum(["read", "write"]);
export type Permission = z.infer<typeof permissionSchema>;

/** Permissions by document id; "*" stands for every document that has no entry of its own. */
export const documentPermissionsSchema = z.record(z.union([z.guid(), z.literal("*")]), z.array(permissionSchema));
export type DocumentPermissions = z.infer<typeof documentPermissionsSchema>;

/** The claims of a relay token. `exp` is in seconds since 1970 and is required. */
export const relayClaimsSchema = z.object({
  sub: z.string().min(1).max(256),
  exp: z.number(),
  documents: documentPermissionsSchema,
});
export type RelayClaims = z.infer<typeof relayClaimsSchema>;

export function permissionsFor(claims: RelayClaims, documentId: string): Permission[] {
  return claims.documents[documentId] ?? claims.documents["*"] ?? [];
}
