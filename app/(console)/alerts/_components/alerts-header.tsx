"use client";
import { AreaHeader, type AreaPageProps } from "../../../ui/area-header.tsx";

const places = [
  { href: "/alerts", label: "Live" },
  { href: "/alerts/history", label: "History" },
  { href: "/alerts/silences", label: "Silences" },
  { href: "/alerts/rules", label: "Rules" },
];

export const AlertsHeader = (page: AreaPageProps) => <AreaHeader title="Alerts" places={places} {...page} />;
