import Link from "next/link";
import { ownSubject, subjectTitle } from "#lib/client/recovery-view.ts";

/** What can be lost and brought back, as the way to its page. */
export function SubjectLink({ subject }: { subject: string }) {
  const href = subject === ownSubject ? "/recovery" : `/fleet/${subject}?tab=recovery`;
  return (
    <Link
      href={href}
      tabIndex={-1}
      title={subject}
      className="name truncate rounded-sm font-medium hover:text-accent hover:underline"
    >
      {subjectTitle(subject)}
    </Link>
  );
}
