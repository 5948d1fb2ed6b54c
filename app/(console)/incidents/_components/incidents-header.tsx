"use client";
import { AreaHeader, type AreaPageProps } from "../../../ui/area-header.tsx";

const places = [
  { href: "/incidents", label: "Incidents" },
  { href: "/incidents/trends", label: "Trends" },
  { href: "/postmortems", label: "Postmortems" },
  { href: "/action-items", label: "Action items" },
  { href: "/runbooks", label: "Runbooks" },
];

export const IncidentsHeader = (page: AreaPageProps) => <AreaHeader title="Incidents" places={places} {...page} />;
