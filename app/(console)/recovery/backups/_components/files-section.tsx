"use client";
import { useState } from "react";
import { countOf } from "#lib/client/numbers.ts";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import { type Column, DataTable } from "../../../../ui/data-table.tsx";
import { Figure } from "../../../../ui/figure.tsx";
import { Identifier } from "../../../../ui/identifier.tsx";
import { Empty } from "../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../ui/page-header.tsx";
import { SearchField } from "../../../../ui/search-field.tsx";

type File = BackupDetail["files"][number];

const columns: Column<File>[] = [
  {
    id: "name",
    header: "File",
    essential: true,
    cell: ({ name }) => (
      <span title={name} className="font-mono text-xs">
        {name}
      </span>
    ),
  },
  {
    id: "bytes",
    header: "Size",
    width: "w-28",
    align: "right",
    essential: true,
    cell: ({ bytes }) => <Figure value={bytes} unit="bytes" />,
  },
  { id: "sha256", header: "SHA-256", width: "w-1/2", cell: ({ sha256 }) => <Identifier name={sha256} /> },
];

/** The files of the archive with the checksums that every proof asks for. */
export function FilesSection({ detail: { files } }: { detail: BackupDetail }) {
  const [text, setText] = useState("");
  if (files.length === 0) return null;
  const found = files.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  return (
    <section aria-labelledby="files">
      <SectionHeader id="files" title="Files" aside={countOf(files.length, "file")}>
        {files.length > 10 && <SearchField label="Filter files" value={text} onChange={setText} />}
      </SectionHeader>
      <DataTable
        label="Files"
        columns={columns}
        rows={found}
        keyOf={({ name }) => name}
        empty={<Empty title="No file is called that" />}
      />
    </section>
  );
}
