import type { Attributes } from "../access/attributes.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { issuer } from "../access/service-account-tokens.ts";
import type { User } from "../pki/identities.ts";
import { refusals } from "../registry/refusals.ts";
import { decode } from "../schema/decode.ts";
import { FieldErrors } from "../validation/field-errors.ts";
import { sendJson } from "./answers.ts";
import { readBody, requireObject } from "./body.ts";
import type { Exchange } from "./exchange.ts";

export type ReviewParts = { authorizer: Authorizer; authenticator: Authenticator };

type Spec = {
  resourceAttributes?: Partial<Record<"namespace" | "verb" | "group" | "version" | "resource" | "subresource" | "name", string>>;
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  groups?: string[];
  uid?: string;
  namespace?: string;
  token?: string;
  audiences?: string[];
};

type Review = {
  kind: string;
  /** Of schema/types.json; absent where there is nothing to read. */
  type?: string;
  answer(spec: Spec, exchange: Exchange, parts: ReviewParts): unknown;
};

const authorization = "authorization.k8s.io";
const authentication = "authentication.k8s.io";

const reviews: Record<string, Review> = {
  [`${authorization}/selfsubjectaccessreviews`]: {
    kind: "SelfSubjectAccessReview",
    type: "V1SelfSubjectAccessReview",
    answer: (spec, { user }, { authorizer }) => access("SelfSubjectAccessReview", spec, user, authorizer),
  },
  [`${authorization}/subjectaccessreviews`]: {
    kind: "SubjectAccessReview",
    type: "V1SubjectAccessReview",
    answer: (spec, _exchange, { authorizer }) => access("SubjectAccessReview", spec, reviewedUser(spec), authorizer),
  },
  [`${authorization}/localsubjectaccessreviews`]: {
    kind: "LocalSubjectAccessReview",
    type: "V1LocalSubjectAccessReview",
    answer(spec, { attributes }, { authorizer }) {
      const errors = new FieldErrors();
      if (spec.nonResourceAttributes) {
        errors.invalid("spec.nonResourceAttributes", spec.nonResourceAttributes, "disallowed on this kind of request");
      }
      const wanted = spec.resourceAttributes?.namespace ?? "";
      if (wanted !== attributes.namespace) {
        errors.invalid("spec.resourceAttributes.namespace", wanted, "must match metadata.namespace");
      }
      const refusal = errors.toStatus(authorization, "LocalSubjectAccessReview", "");
      if (refusal) throw refusal;
      return access("LocalSubjectAccessReview", spec, reviewedUser(spec), authorizer);
    },
  },
  [`${authorization}/selfsubjectrulesreviews`]: {
    kind: "SelfSubjectRulesReview",
    type: "V1SelfSubjectRulesReview",
    answer: ({ namespace }, { user }, { authorizer }) => rules(namespace, user, authorizer),
  },
  [`${authentication}/selfsubjectreviews`]: {
    kind: "SelfSubjectReview",
    answer: (_spec, { user }) => ({ userInfo: userInfo(user) }),
  },
  [`${authentication}/tokenreviews`]: {
    kind: "TokenReview",
    type: "V1TokenReview",
    answer: (spec, _exchange, { authenticator }) => token(spec, authenticator),
  },
};

/** Whether a path asks a question that is answered and never stored. */
export function isReview({ group, version, resource, name }: Attributes): boolean {
  return version === "v1" && name === "" && Object.hasOwn(reviews, `${group}/${resource}`);
}

/** Answers what somebody may do, who he is, or whose a token is. */
export async function answerReview(exchange: Exchange, parts: ReviewParts): Promise<void> {
  const { request, response, attributes } = exchange;
  const review = reviews[`${attributes.group}/${attributes.resource}`];
  const isLocal = attributes.resource === "localsubjectaccessreviews";
  if (!review || isLocal !== (attributes.namespace !== "")) throw refusals.noSuchPath();
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const hasSpec = review.type !== undefined;
  const spec = await readSpec(request, review.type);
  const status = await review.answer(spec, exchange, parts);
  const { token: _secret, ...shown } = spec;
  sendJson(response, 201, {
    kind: review.kind,
    apiVersion: `${attributes.group}/v1`,
    metadata: { creationTimestamp: null, ...(isLocal ? { namespace: attributes.namespace } : {}) },
    ...(hasSpec ? { spec: shown } : {}),
    status,
  });
}

async function readSpec(request: Exchange["request"], type: string | undefined): Promise<Spec> {
  if (type) return (decode(type, await requireObject(request, type)).value.spec ?? {}) as Spec;
  await readBody(request);
  return {};
}

function access(kind: string, spec: Spec, user: User, authorizer: Authorizer) {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors = new FieldErrors();
  if (resourceAttributes && nonResourceAttributes) {
    const detail = "cannot be specified in combination with resourceAttributes";
    errors.invalid("spec.nonResourceAttributes", nonResourceAttributes, detail);
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    errors.invalid(
      "spec.resourceAttributes",
      null,
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
  }
  if (kind !== "SelfSubjectAccessReview" && !spec.user && !spec.groups?.length) {
    errors.invalid("spec.user", "", "at least one of user or group must be specified");
  }
  const refusal = errors.toStatus(authorization, kind, "");
  if (refusal) throw refusal;
  const { allowed, reason } = authorizer.decide(user, attributesOf(spec));
  return { allowed, ...(reason ? { reason } : {}) };
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: Spec): Attributes {
  const { group = "", version = "", resource = "", subresource = "", namespace = "", name = "" } = resourceAttributes ?? {};
  const { verb = "" } = resourceAttributes ?? nonResourceAttributes ?? {};
  const path = nonResourceAttributes?.path ?? "";
  return { verb, path, isResource: resourceAttributes !== undefined, group, version, resource, subresource, namespace, name };
}

function reviewedUser({ user = "", groups = [], uid }: Spec): User {
  return { name: user, groups, uid };
}

function rules(namespace: string | undefined, user: User, authorizer: Authorizer) {
  if (!namespace) throw refusals.badRequest("no namespace on request");
  const { rules: held, problem } = authorizer.rulesFor(user, namespace);
  return {
    resourceRules: held
      .filter(({ resources = [] }) => resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
    nonResourceRules: held
      .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: problem !== "",
    ...(problem ? { evaluationError: problem } : {}),
  };
}

async function token({ token: given, audiences = [] }: Spec, authenticator: Authenticator) {
  if (!given) throw refusals.badRequest("token is required for TokenReview in authentication");
  const wanted = audiences.length > 0 ? audiences : [issuer];
  const verified = await authenticator.review(given, wanted);
  if (!verified) return { user: {}, error: "invalid bearer token" };
  return { authenticated: true, user: userInfo(verified.user), audiences: verified.audiences };
}

function userInfo({ name, uid, groups, extra }: User) {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
