import { z } from "zod";

export const roles = ["viewer", "operator", "admin"] as const;
export const roleSchema = z.enum(roles);
export type Role = z.infer<typeof roleSchema>;

/** Whether a role includes the rights of another: admin > operator > viewer. */
export function roleIncludes(role: Role, wanted: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(wanted);
}

export const usernameSchema = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._@-]{0,62}$/, "Use letters, digits, dot, dash, underscore or @; up to 63 characters.");
export const passwordSchema = z.string().min(12, "Use at least 12 characters.").max(256, "Use at most 256 characters.");
const nameSchema = z.string().trim().min(1, "Give a name.").max(100, "Use at most 100 characters.");

export const createUserSchema = z.object({
  username: usernameSchema,
  name: nameSchema,
  role: roleSchema,
  password: passwordSchema,
});
export type CreateUserInput = z.infer<typeof createUserSchema>;

export const updateUserSchema = z
  .object({ name: nameSchema, role: roleSchema, disabled: z.boolean(), password: passwordSchema })
  .partial()
  .refine((input) => Object.keys(input).length > 0, "Give at least one thing to change.");
export type UpdateUserInput = z.infer<typeof updateUserSchema>;

export const changePasswordSchema = z.object({ current: z.string().min(1, "Give your present password."), next: passwordSchema });
export type ChangePasswordInput = z.infer<typeof changePasswordSchema>;

export const createTokenSchema = z.object({ name: nameSchema, role: roleSchema, expiresInDays: z.int().min(1).max(365) });
export type CreateTokenInput = z.infer<typeof createTokenSchema>;

/** A person as pages see them. Times are ISO 8601 in UTC. */
export type UserView = {
  id: string;
  username: string;
  name: string;
  role: Role;
  disabled: boolean;
  createdAt: string;
  lastLoginAt: string | null;
};

/** Who may be named as owner, commander or responder. */
export type PersonView = Pick<UserView, "username" | "name" | "role">;

export type TokenView = {
  id: string;
  name: string;
  prefix: string;
  role: Role;
  createdBy: string | null;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  lastUsedAt: string | null;
};

/** The answer to making a token: the only time its text is shown. */
export type CreatedToken = { token: TokenView; secret: string };

/** Who is looking at the page. */
export type SessionView = { id: string; username: string; name: string; role: Role };
