"use client";
import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import { ChoiceFilter } from "./choice.tsx";

/** The services to choose from, each with its words; `known` stays among them when its service is gone. */
export function useServiceOptions(known?: string | null): [id: string, words: string][] {
  const services = useQuery(servicesQuery).data?.services ?? [];
  const options = services.map(({ id, name, namespace }): [string, string] => [id, `${name} (${namespace})`]);
  return !known || services.some(({ id }) => id === known) ? options : [[known, known], ...options];
}

type ServiceFilterProps = {
  value: string | null | undefined;
  onChange: (service: string | null) => void;
  "data-filter"?: boolean;
};

export function ServiceFilter({ value, ...rest }: ServiceFilterProps) {
  return <ChoiceFilter {...rest} label="Service" every="Every service" value={value} options={useServiceOptions(value)} />;
}
