import type { V1Secret } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";

/** What secrets of the types that others read have to hold; of basic-auth, one of both is enough. */
const keysOfTypes: Record<string, string[]> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

/** Source: pkg/apis/core/validation/validation.go, ValidateSecret. */
export function validateSecretType({ type = "", data = {}, metadata }: V1Secret, errors: FieldErrors): void {
  const account = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && !metadata?.annotations?.[account]) {
    errors.required(`metadata.annotations[${account}]`);
  }
  if (type === "kubernetes.io/basic-auth" && data.username === undefined && data.password === undefined) {
    for (const key of ["username", "password"]) errors.required(`data[${key}]`);
  }
  const keys = Object.hasOwn(keysOfTypes, type) ? (keysOfTypes[type] ?? []) : [];
  for (const key of keys) {
    if (data[key] === undefined) errors.required(`data[${key}]`);
    else if (key.startsWith(".docker") && !isJson(data[key])) {
      errors.invalid(`data[${key}]`, "<secret contents redacted>", "invalid character in the JSON of a registry's credentials");
    }
  }
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, "base64").toString());
    return true;
  } catch {
    return false;
  }
}
