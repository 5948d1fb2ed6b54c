"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { createToken, revokeToken, tokensQuery, userKeys } from "#lib/client/users.ts";
import {
  type CreatedToken,
  createTokenSchema,
  type Role,
  roleIncludes,
  roles,
  type TokenView,
} from "#lib/domain/users/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useSession } from "../../../ui/session.tsx";

const isUsable = (token: TokenView) => token.revokedAt === null && Date.parse(token.expiresAt) > Date.now();

export function TokensSection() {
  const { data, error, refetch } = useQuery(tokensQuery);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  const columns: Column<TokenView>[] = [
    {
      id: "name",
      header: "Name",
      essential: true,
      cell: (token) => <span className={isUsable(token) ? "font-medium" : "text-ink-3 line-through"}>{token.name}</span>,
    },
    {
      id: "prefix",
      header: "Begins with",
      width: "w-36",
      cell: (token) => <span className="font-mono text-xs text-ink-2">{token.prefix}…</span>,
    },
    { id: "role", header: "Role", width: "w-20", essential: true, cell: (token) => token.role },
    { id: "by", header: "Made by", width: "w-28", cell: (token) => <span className="text-ink-2">{token.createdBy ?? "–"}</span> },
    {
      id: "used",
      header: "Last used",
      width: "w-24",
      cell: (token) =>
        token.lastUsedAt ? <TimeAgo at={token.lastUsedAt} className="text-ink-2" /> : <span className="text-ink-3">never</span>,
    },
    {
      id: "expires",
      header: "Expires",
      width: "w-24",
      cell: (token) =>
        token.revokedAt ? <span className="text-ink-3">revoked</span> : <TimeAgo at={token.expiresAt} className="text-ink-2" />,
    },
    {
      id: "act",
      header: "",
      width: "w-24",
      align: "right",
      essential: true,
      cell: (token) =>
        isUsable(token) && (
          <Button size="small" aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>
            Revoke
          </Button>
        ),
    },
  ];
  return (
    <>
      <SectionHeader title="API tokens" aside="For scripts, chat bots and Prometheus: sent as “Authorization: Bearer …”">
        <Button size="small" onClick={() => setMaking(true)}>
          <KeyRound aria-hidden="true" /> Make a token
        </Button>
      </SectionHeader>
      {error && !data ? (
        <ErrorNotice className="m-4" what="The tokens could not be read" error={error} onRetry={() => refetch()} />
      ) : data ? (
        <DataTable
          label="API tokens"
          columns={columns}
          rows={data}
          keyOf={(token) => token.id}
          nameOf={(token) => token.name}
          empty={
            <Empty title="No tokens yet">A token lets a script do what its role may. “Make a token” shows its text once.</Empty>
          }
        />
      ) : (
        <TableSkeleton rows={3} columns={6} />
      )}
      {isMaking && <MakeDialog onClose={() => setMaking(false)} />}
      {revoking && <RevokeDialog token={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function MakeDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const session = useSession();
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const [made, setMade] = useState<CreatedToken | null>(null);
  const make = useMutation({
    mutationFn: createToken,
    onSuccess: (created) => {
      setMade(created);
      void queries.invalidateQueries({ queryKey: userKeys.tokens });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const input = {
      name: String(data.get("name")),
      role: String(data.get("role")) as Role,
      expiresInDays: Number(data.get("days")),
    };
    const found = fieldErrors(createTokenSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) make.mutate(input);
  };
  if (made) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`Token ${made.token.name}`}
        footer={
          <Button look="primary" onClick={onClose}>
            I have kept it
          </Button>
        }
      >
        <p className="mb-2 text-ink-2">This is the only time that its text is shown. Keep it where secrets are kept.</p>
        <div className="flex items-center gap-2 rounded-md border bg-sunken px-3 py-2">
          <code className="min-w-0 flex-1 break-all text-xs" data-testid="token-secret">
            {made.secret}
          </code>
          <CopyButton text={made.secret} label="Copy the token" className="size-7 justify-center" />
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Make a token"
      footer={
        <FormFooter onClose={onClose} form="token-form" busy={make.isPending}>
          Make the token
        </FormFooter>
      }
    >
      <form id="token-form" onSubmit={submit} noValidate className="grid gap-3">
        <Field label="Name" errors={errors.name} hint="What it is for, e.g. deploy script.">
          {(ties) => <Input {...ties} name="name" autoComplete="off" autoFocus />}
        </Field>
        <Field label="Role" errors={errors.role}>
          {(ties) => (
            <Select {...ties} name="role" defaultValue="viewer">
              {roles
                .filter((role) => session && roleIncludes(session.role, role))
                .map((role) => (
                  <option key={role}>{role}</option>
                ))}
            </Select>
          )}
        </Field>
        <Field label="Expires" errors={errors.expiresInDays}>
          {(ties) => (
            <Select {...ties} name="days" defaultValue="90">
              {[7, 30, 90, 180, 365].map((days) => (
                <option key={days} value={days}>
                  in {days} days
                </option>
              ))}
            </Select>
          )}
        </Field>
        {make.error && <ErrorNotice what="No token was made" error={make.error} />}
      </form>
    </Dialog>
  );
}

function RevokeDialog({ token, onClose }: { token: TokenView; onClose: () => void }) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeToken(token.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: userKeys.tokens });
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Revoke ${token.name}`}
      description="What uses it is refused from then on. It cannot be brought back."
      footer={
        <>
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button look="danger" busy={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke {token.name}
          </Button>
        </>
      }
    >
      {revoke.error ? (
        <ErrorNotice what="Not revoked" error={revoke.error} />
      ) : (
        <p className="text-ink-2">
          {token.lastUsedAt ? (
            <>
              Last used <TimeAgo at={token.lastUsedAt} />.
            </>
          ) : (
            "It was never used."
          )}
        </p>
      )}
    </Dialog>
  );
}
