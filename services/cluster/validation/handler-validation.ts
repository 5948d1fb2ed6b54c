import type { V1HTTPGetAction, V1LifecycleHandler, V1Probe, V1TCPSocketAction } from "@kubernetes/client-node";
import type { FieldErrors } from "./field-errors.ts";
import { portNameProblems } from "./names.ts";
import { notNegative, validatePort } from "./ranges.ts";

type Handler = Pick<V1Probe, "exec" | "httpGet" | "tcpSocket" | "grpc"> & Pick<V1LifecycleHandler, "sleep">;

/** What probes and hooks do. Source: pkg/apis/core/validation/validation.go. */
export function validateProbe(
  probe: V1Probe,
  path: string,
  kind: "livenessProbe" | "readinessProbe" | "startupProbe",
  errors: FieldErrors,
): void {
  validateHandler(probe, path, errors);
  for (const field of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const) {
    notNegative(probe[field], `${path}.${field}`, errors);
  }
  const { successThreshold, terminationGracePeriodSeconds: grace } = probe;
  if (kind !== "readinessProbe" && successThreshold !== undefined && successThreshold !== 1) {
    errors.invalid(`${path}.successThreshold`, successThreshold, "must be 1");
  }
  if (grace === undefined) return;
  const field = `${path}.terminationGracePeriodSeconds`;
  if (kind === "readinessProbe") errors.invalid(field, grace, "must not be set for readinessProbes");
  else if (grace <= 0) errors.invalid(field, grace, "must be greater than 0");
}

export function validateHook(hook: V1LifecycleHandler, path: string, graceSeconds: number, errors: FieldErrors): void {
  validateHandler(hook, path, errors);
  const seconds = hook.sleep?.seconds;
  if (seconds !== undefined && (seconds < 0 || seconds > graceSeconds)) {
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
    errors.invalid(`${path}.sleep`, seconds, detail);
  }
}

function validateHandler(handler: Handler, path: string, errors: FieldErrors): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given = [exec, httpGet, tcpSocket, grpc, sleep].filter((one) => one !== undefined);
  if (given.length === 0) errors.required(path, "must specify a handler type");
  if (given.length > 1) errors.forbidden(path, "may not specify more than 1 handler type");
  if (exec && !exec.command?.length) errors.required(`${path}.exec.command`);
  if (httpGet) validateHttpGet(httpGet, `${path}.httpGet`, errors);
  if (tcpSocket) validateTarget(tcpSocket, `${path}.tcpSocket`, errors);
  if (grpc) validatePort(grpc.port ?? 0, `${path}.grpc.port`, errors);
}

function validateHttpGet(action: V1HTTPGetAction, path: string, errors: FieldErrors): void {
  validateTarget(action, path, errors);
  const { scheme, httpHeaders = [] } = action;
  if (scheme !== undefined && scheme !== "HTTP" && scheme !== "HTTPS") {
    errors.unsupported(`${path}.scheme`, scheme, ["HTTP", "HTTPS"]);
  }
  for (const [index, { name }] of httpHeaders.entries()) {
    if (/^[-A-Za-z0-9]+$/.test(name ?? "")) continue;
    const detail =
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    errors.invalid(`${path}.httpHeaders[${index}].name`, name ?? "", detail);
  }
}

function validateTarget({ port }: Partial<V1TCPSocketAction>, path: string, errors: FieldErrors): void {
  if (port === undefined) errors.required(`${path}.port`);
  else if (typeof port === "number") validatePort(port, `${path}.port`, errors);
  else for (const problem of portNameProblems(port)) errors.invalid(`${path}.port`, port, problem);
}
