import Link from "next/link";
import { Empty } from "./ui/notices.tsx";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <Empty title="There is no such page">
        <Link href="/" className="text-accent hover:underline">
          To the overview
        </Link>
      </Empty>
    </main>
  );
}
