"use client";
import { ScanSearch } from "lucide-react";
import { contentsWords } from "#lib/client/recovery-view.ts";
import type { Contents } from "#lib/domain/recovery/backups/schemas.ts";
import { Button } from "../../../../ui/button.tsx";
import { Check } from "../../../../ui/check.tsx";
import { Field, Input } from "../../../../ui/field.tsx";
import { NumberInput } from "../../../../ui/number-inputs.tsx";

type Properties = {
  contents: Contents;
  /** What was found by itself now; null when nobody could look. */
  found: Contents | null;
  /** Switchyard's own database needs no address. */
  isOwn: boolean;
  onChange: (contents: Contents) => void;
  errors: Record<string, string[]>;
};

const emptyAddress = { secret: "", key: "" };
const mono = { spellCheck: false, autoComplete: "off", className: "font-mono text-xs" } as const;

/** What goes into each backup; what was found by itself stands beside it. */
export function ContentsFields({ contents, found, isOwn, onChange, errors }: Properties) {
  const change = (part: Partial<Contents>) => onChange({ ...contents, ...part });
  return (
    <div className="grid gap-3">
      <Found contents={contents} found={found && withArchiveOf(found, contents)} onTake={onChange} />
      <Check
        checked={contents.postgres !== null}
        onChange={(isOn) => change({ postgres: isOn ? { address: isOwn ? null : emptyAddress, tables: null } : null })}
        label="PostgreSQL"
      />
      {contents.postgres && (
        <PostgresFields
          postgres={contents.postgres}
          isOwn={isOwn}
          onChange={(postgres) => change({ postgres })}
          errors={errors}
        />
      )}
      {!isOwn && (
        <>
          <Check
            checked={contents.redis !== null}
            onChange={(isOn) => change({ redis: isOn ? { url: "redis://", address: null } : null })}
            label="Redis"
          />
          {contents.redis && <RedisFields redis={contents.redis} onChange={(redis) => change({ redis })} errors={errors} />}
          <Check
            checked={contents.objects}
            onChange={(objects) => change({ objects })}
            label="Kubernetes objects: its own and what they name, ConfigMaps, Secrets and certificates among them"
          />
          <Check
            checked={contents.logHours !== null}
            onChange={(isOn) => change({ logHours: isOn ? 24 : null })}
            label="Logs of its instances"
          />
          {contents.logHours !== null && (
            <Indented>
              <Field label="Of the last hours" errors={errors["contents.logHours"]}>
                {(ties) => (
                  <NumberInput
                    {...ties}
                    className="w-24"
                    value={contents.logHours}
                    onChange={(logHours) => change({ logHours: logHours ?? Number.NaN })}
                  />
                )}
              </Field>
            </Indented>
          )}
        </>
      )}
    </div>
  );
}

/** Where the WAL goes is found by nobody: what was typed stays. */
function withArchiveOf(found: Contents, { postgres }: Contents): Contents {
  if (!found.postgres || postgres?.walArchive === undefined) return found;
  return { ...found, postgres: { ...found.postgres, walArchive: postgres.walArchive } };
}

const Indented = ({ children }: { children: React.ReactNode }) => (
  <div className="grid items-start gap-3 pl-6 sm:grid-cols-2">{children}</div>
);

function Found({ contents, found, onTake }: { contents: Contents; found: Contents | null; onTake: (found: Contents) => void }) {
  if (found === null) return null;
  const words = contentsWords(found);
  const isSame = JSON.stringify(found) === JSON.stringify(contents);
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-2">
      <span>
        <ScanSearch aria-hidden="true" className="mr-1.5 inline size-3.5 text-ink-3" />
        Found by itself: {words.length > 0 ? words.join(", ") : "nothing"}
        {isSame && ", as below"}.
      </span>
      {!isSame && (
        <Button size="small" onClick={() => onTake(found)}>
          Take what was found
        </Button>
      )}
    </p>
  );
}

function PostgresFields({
  postgres,
  isOwn,
  onChange,
  errors,
}: {
  postgres: NonNullable<Contents["postgres"]>;
  isOwn: boolean;
  onChange: (postgres: NonNullable<Contents["postgres"]>) => void;
  errors: Record<string, string[]>;
}) {
  const address = postgres.address ?? emptyAddress;
  return (
    <Indented>
      {!isOwn && (
        <SecretFields
          address={address}
          onChange={(next) => onChange({ ...postgres, address: next })}
          errors={errors}
          path="contents.postgres.address"
        />
      )}
      <Field label="Tables" errors={errors["contents.postgres.tables"]} hint="Their names with commas between them; empty: all.">
        {(ties) => (
          <Input
            {...ties}
            {...mono}
            defaultValue={postgres.tables?.join(", ") ?? ""}
            onChange={({ target }) => {
              const tables = target.value.split(",").flatMap((name) => name.trim() || []);
              onChange({ ...postgres, tables: tables.length > 0 ? tables : null });
            }}
          />
        )}
      </Field>
      {!isOwn && (
        <Field
          label="WAL archive"
          errors={errors["contents.postgres.walArchive"]}
          hint="Where the server's archive_command puts its WAL, for restores to any instant: file:///path, or s3://bucket/prefix?endpoint=…&region=…. Each backup then holds a base backup of the whole server, too. Empty: none."
        >
          {(ties) => (
            <Input
              {...ties}
              {...mono}
              placeholder="file:///path"
              value={postgres.walArchive ?? ""}
              onChange={({ target }) => onChange({ ...postgres, walArchive: target.value.trim() || undefined })}
            />
          )}
        </Field>
      )}
    </Indented>
  );
}

function RedisFields({
  redis,
  onChange,
  errors,
}: {
  redis: NonNullable<Contents["redis"]>;
  onChange: (redis: NonNullable<Contents["redis"]>) => void;
  errors: Record<string, string[]>;
}) {
  const isSecret = redis.address !== null;
  return (
    <Indented>
      <fieldset className="flex gap-4 sm:col-span-2">
        <legend className="sr-only">Its address</legend>
        {[false, true].map((inSecret) => (
          <label key={String(inSecret)} className="flex items-center gap-2">
            <input
              type="radio"
              name="redis-address"
              checked={isSecret === inSecret}
              onChange={() => onChange(inSecret ? { url: null, address: emptyAddress } : { url: "redis://", address: null })}
              className="accent-(--accent-solid)"
            />
            {inSecret ? "Address with a password, in a Secret" : "Address"}
          </label>
        ))}
      </fieldset>
      {redis.address ? (
        <SecretFields
          address={redis.address}
          onChange={(address) => onChange({ url: null, address })}
          errors={errors}
          path="contents.redis.address"
        />
      ) : (
        <Field label="Redis address" errors={errors["contents.redis.url"] ?? errors["contents.redis"]}>
          {(ties) => (
            <Input
              {...ties}
              {...mono}
              placeholder="redis://redis:6379"
              value={redis.url ?? ""}
              onChange={({ target }) => onChange({ url: target.value.trim(), address: null })}
            />
          )}
        </Field>
      )}
    </Indented>
  );
}

/** A Secret and the key in it that holds an address with its password: the plan knows only where it stands. */
function SecretFields({
  address,
  onChange,
  errors,
  path,
}: {
  address: typeof emptyAddress;
  onChange: (address: typeof emptyAddress) => void;
  errors: Record<string, string[]>;
  path: string;
}) {
  return (
    <>
      <Field label="Secret" errors={errors[`${path}.secret`]} hint="In the service's namespace.">
        {(ties) => (
          <Input
            {...ties}
            {...mono}
            value={address.secret}
            onChange={({ target }) => onChange({ ...address, secret: target.value.trim() })}
          />
        )}
      </Field>
      <Field label="Key in it" errors={errors[`${path}.key`]}>
        {(ties) => (
          <Input
            {...ties}
            {...mono}
            value={address.key}
            onChange={({ target }) => onChange({ ...address, key: target.value.trim() })}
          />
        )}
      </Field>
    </>
  );
}
