import { refusals } from "../registry/refusals.ts";
import { decode } from "../schema/decode.ts";
import { sendJson } from "./answers.ts";
import { requireObject } from "./body.ts";
import type { Exchange } from "./exchange.ts";

const kinds: Record<string, { kind: string; type: string }> = {
  selfsubjectaccessreviews: { kind: "SelfSubjectAccessReview", type: "V1SelfSubjectAccessReview" },
  selfsubjectrulesreviews: { kind: "SelfSubjectRulesReview", type: "V1SelfSubjectRulesReview" },
};

const everything = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }];

/** Whether the caller may do something. Any valid token may do anything until roles are evaluated. */
export async function answerReview({ request, response }: Exchange, resource: string): Promise<void> {
  const review = Object.hasOwn(kinds, resource) ? kinds[resource] : undefined;
  if (!review) throw refusals.noSuchPath();
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const { spec = {} } = decode(review.type, await requireObject(request, review.type)).value;
  const status =
    review.kind === "SelfSubjectAccessReview"
      ? { allowed: true, reason: "every valid token may do everything" }
      : {
          resourceRules: everything,
          nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
          incomplete: false,
        };
  sendJson(response, 201, {
    kind: review.kind,
    apiVersion: "authorization.k8s.io/v1",
    metadata: { creationTimestamp: null },
    spec,
    status,
  });
}
