import type { Metadata } from "next";
import { readFirstData } from "../../first-data.ts";
import { NotificationLogPage } from "../_components/notification-log-page.tsx";

export const metadata: Metadata = { title: "Log of messages" };

export default async function Page() {
  await readFirstData("/settings/notifications", []);
  return <NotificationLogPage />;
}
