"use client";
import { useQuery } from "@tanstack/react-query";
import { type ComponentProps, useId } from "react";
import { peopleQuery } from "#lib/client/users.ts";
import { Input } from "./field.tsx";

/** A field for somebody's user name: those who work here are offered, any other name may be typed. */
export function PersonInput(props: Omit<ComponentProps<typeof Input>, "list" | "autoComplete">) {
  const listId = useId();
  const people = useQuery(peopleQuery).data ?? [];
  return (
    <>
      <Input {...props} list={listId} autoComplete="off" />
      <datalist id={listId}>
        {people.map(({ username, name }) => (
          <option key={username} value={username}>
            {name}
          </option>
        ))}
      </datalist>
    </>
  );
}
