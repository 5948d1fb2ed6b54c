import type { Metadata } from "next";
import { readFirstData } from "../first-data.ts";
import { PostmortemsPage } from "./_components/postmortems-page.tsx";

export const metadata: Metadata = { title: "Postmortems" };

export default async function Page() {
  await readFirstData("/postmortems", []);
  return <PostmortemsPage />;
}
