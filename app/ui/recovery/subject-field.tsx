"use client";
import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import { ownSubject } from "#lib/client/recovery-view.ts";
import { Field, Select } from "../field.tsx";

/** Chooses what is backed up or drilled: a service, or Switchyard itself. */
export function SubjectField({
  value,
  onChange,
  errors,
}: {
  value: string;
  onChange: (subject: string) => void;
  errors?: string[];
}) {
  return (
    <Field label="Service" errors={errors}>
      {(ties) => (
        <Select {...ties} value={value} onChange={({ target }) => onChange(target.value)}>
          <option value="">Choose a service</option>
          <SubjectOptions known={value} />
        </Select>
      )}
    </Field>
  );
}

/** The subjects as options of a list; `known` stays among them when its service is gone. */
export function SubjectOptions({ known }: { known?: string }) {
  const services = useQuery(servicesQuery).data?.services ?? [];
  const isThere = !known || known === ownSubject || services.some(({ id }) => id === known);
  return (
    <>
      {!isThere && <option value={known}>{known}</option>}
      {services.map((service) => (
        <option key={service.id} value={service.id}>
          {service.name} ({service.namespace})
        </option>
      ))}
      <option value={ownSubject}>Switchyard itself</option>
    </>
  );
}
