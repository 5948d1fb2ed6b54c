"use client";
import { signIn } from "next-auth/react";
import { type FormEvent, useState, useSyncExternalStore } from "react";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Mark } from "../../ui/mark.tsx";

export function LoginForm({ callbackUrl }: { callbackUrl: string }) {
  const isReady = useSyncExternalStore(
    noChanges,
    () => true,
    () => false,
  );
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    const answer = await signIn("credentials", {
      username: String(form.get("username") ?? ""),
      password: String(form.get("password") ?? ""),
      redirect: false,
    }).catch(() => undefined);
    if (answer?.ok && !answer.error) {
      window.location.assign(callbackUrl);
      return;
    }
    setBusy(false);
    setProblem(sentenceOf(answer?.error));
  };

  return (
    <div className="rounded-xl border bg-raised p-6">
      <div className="mb-5 flex items-center gap-2.5">
        <Mark className="size-6" />
        <h1 className="text-lg font-semibold tracking-[-0.01em]">Switchyard</h1>
      </div>
      {/* Not to be sent before the script has loaded, and never with the password in the address. */}
      <form onSubmit={submit} method="post" className="grid gap-4" aria-label="Log in">
        <Field label="Name">
          {(ties) => (
            <Input
              {...ties}
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              autoFocus
              className="h-9"
            />
          )}
        </Field>
        <Field label="Password">
          {(ties) => <Input {...ties} name="password" type="password" autoComplete="current-password" required className="h-9" />}
        </Field>
        <p role="alert" className={problem ? "text-bad" : "sr-only"}>
          {problem}
        </p>
        <Button type="submit" look="primary" size="large" busy={busy} disabled={!isReady}>
          Log in
        </Button>
      </form>
      <p className="mt-5 border-t pt-4 text-xs text-ink-3">
        The first start prints the administrator's password. Other people's accounts are made in Settings.
      </p>
    </div>
  );
}

const noChanges = () => () => {};

function sentenceOf(error: string | null | undefined): string {
  if (!error) return "Switchyard did not answer. Check the network and whether its web process runs.";
  if (error === "CredentialsSignin") return "Name or password is wrong.";
  return /\s/.test(error) ? error : "The login failed. Load the page again; if it stays, look at the web process's log.";
}
