"use client";
import { AreaHeader, type AreaPageProps } from "../../../ui/area-header.tsx";

const places = [
  { href: "/recovery", label: "Coverage" },
  { href: "/recovery/backups", label: "Backups" },
  { href: "/recovery/restores", label: "Restores" },
  { href: "/recovery/drills", label: "Drills" },
];

export const RecoveryHeader = (page: AreaPageProps) => <AreaHeader title="Recovery" places={places} {...page} />;
