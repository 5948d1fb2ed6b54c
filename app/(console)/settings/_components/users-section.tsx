"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "#lib/client/api.ts";
import { createUser, updateUser, userKeys, usersQuery } from "#lib/client/users.ts";
import {
  type CreateUserInput,
  createUserSchema,
  type Role,
  roles,
  type UserView,
  updateUserSchema,
} from "#lib/domain/users/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { TimeAgo } from "../../../ui/clock.tsx";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input, Select } from "../../../ui/field.tsx";
import { fieldErrors } from "../../../ui/field-errors.ts";
import { FormFooter } from "../../../ui/form-footer.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { useRoleRefusal, useSession } from "../../../ui/session.tsx";

export function UsersSection() {
  const refusal = useRoleRefusal("admin");
  const session = useSession();
  const { data, error, refetch } = useQuery({ ...usersQuery, enabled: refusal === null });
  const [editing, setEditing] = useState<UserView | "new" | null>(null);
  const columns: Column<UserView>[] = [
    {
      id: "name",
      header: "Name",
      essential: true,
      cell: (user) => <span className={user.disabled ? "text-ink-3" : "font-medium"}>{user.name}</span>,
    },
    {
      id: "username",
      header: "Log in as",
      width: "w-48 max-md:w-28",
      essential: true,
      cell: (user) => <span className="font-mono text-xs">{user.username}</span>,
    },
    {
      id: "role",
      header: "Role",
      width: "w-24",
      essential: true,
      cell: (user) => (user.disabled ? <span className="text-ink-3">disabled</span> : user.role),
    },
    {
      id: "last",
      header: "Last login",
      width: "w-28",
      cell: (user) =>
        user.lastLoginAt ? <TimeAgo at={user.lastLoginAt} className="text-ink-2" /> : <span className="text-ink-3">never</span>,
    },
    { id: "made", header: "Made", width: "w-28", cell: (user) => <TimeAgo at={user.createdAt} className="text-ink-2" /> },
  ];
  return (
    <>
      <SectionHeader title="Users" aside={data ? `${data.length}` : null}>
        <Button size="small" disabledReason={refusal} onClick={() => setEditing("new")}>
          <UserPlus aria-hidden="true" /> Add a user
        </Button>
      </SectionHeader>
      {refusal && session ? (
        <Empty title="Only administrators see the users">{refusal}</Empty>
      ) : error && !data ? (
        <ErrorNotice className="m-4" what="The users could not be read" error={error} onRetry={() => refetch()} />
      ) : data ? (
        <DataTable
          label="Users"
          columns={columns}
          rows={data}
          keyOf={(user) => user.id}
          nameOf={(user) => user.username}
          onOpen={setEditing}
          empty={<Empty title="No users" />}
        />
      ) : (
        <TableSkeleton rows={4} columns={5} />
      )}
      {editing && <UserDialog user={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
    </>
  );
}

function UserDialog({ user, onClose }: { user: UserView | null; onClose: () => void }) {
  const queries = useQueryClient();
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const save = useMutation({
    mutationFn: (input: Partial<CreateUserInput> & { disabled?: boolean }) =>
      user ? updateUser(user.id, input) : createUser(input as CreateUserInput),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: userKeys.users });
      onClose();
    },
  });
  const fields = fieldsOf(save.error);
  const shown = { ...fields, ...errors };

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (name: string) => String(data.get(name) ?? "");
    const password = text("password");
    const common = { name: text("name"), role: text("role") as Role };
    const input = user
      ? { ...common, disabled: data.get("disabled") === "on", ...(password ? { password } : {}) }
      : { ...common, username: text("username"), password };
    const found = fieldErrors(user ? updateUserSchema : createUserSchema, input);
    setErrors(found);
    if (Object.keys(found).length === 0) save.mutate(input);
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={user ? user.name : "Add a user"}
      description={user?.username}
      footer={
        <FormFooter onClose={onClose} form="user-form" busy={save.isPending}>
          {user ? `Save ${user.username}` : "Add the user"}
        </FormFooter>
      }
    >
      <form id="user-form" onSubmit={submit} noValidate className="grid gap-3">
        {!user && (
          <Field label="Log in as" errors={shown.username}>
            {(ties) => <Input {...ties} name="username" autoComplete="off" autoCapitalize="none" spellCheck={false} autoFocus />}
          </Field>
        )}
        <Field label="Name" errors={shown.name}>
          {(ties) => <Input {...ties} name="name" autoComplete="off" defaultValue={user?.name} />}
        </Field>
        <Field
          label="Role"
          errors={shown.role}
          hint="Viewers look, operators act on the fleet, administrators also manage people."
        >
          {(ties) => (
            <Select {...ties} name="role" defaultValue={user?.role ?? "viewer"}>
              {roles.map((role) => (
                <option key={role}>{role}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field
          label={user ? "New password" : "Password"}
          errors={shown.password}
          hint={user ? "Leave empty to keep it. A new one ends the person's sessions." : "At least 12 characters."}
        >
          {(ties) => <Input {...ties} name="password" type="password" autoComplete="new-password" />}
        </Field>
        {user && (
          <label className="flex items-center gap-2">
            <input type="checkbox" name="disabled" defaultChecked={user.disabled} className="size-3.5 accent-accent-solid" />{" "}
            Disabled: may not log in
          </label>
        )}
        {save.error && !fields && <ErrorNotice what="Not saved" error={save.error} />}
      </form>
    </Dialog>
  );
}
