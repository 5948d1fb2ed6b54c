import { describe, expect, it } from "vitest";
import { attributesOf, forbidden } from "./attributes.ts";

function read(method: string, target: string) {
  const { verb, group, resource, subresource, namespace, name, isResource } = attributesOf(method, new URL(target, "https://x"));
  return isResource ? [verb, group, resource, subresource, namespace, name].join("|") : `${verb} path`;
}

describe("what a request asks for", () => {
  it("is told by its method and path", () => {
    expect(read("GET", "/api/v1/pods")).toBe("list||pods|||");
    expect(read("GET", "/api/v1/pods?watch=true")).toBe("watch||pods|||");
    expect(read("GET", "/api/v1/pods?watch=false")).toBe("list||pods|||");
    expect(read("GET", "/api/v1/namespaces/a/pods/x")).toBe("get||pods||a|x");
    expect(read("GET", "/api/v1/namespaces/a/pods/x/log")).toBe("get||pods|log|a|x");
    expect(read("PUT", "/apis/apps/v1/namespaces/a/deployments/x/scale")).toBe("update|apps|deployments|scale|a|x");
    expect(read("PATCH", "/apis/apps/v1/namespaces/a/deployments/x")).toBe("patch|apps|deployments||a|x");
    expect(read("DELETE", "/api/v1/namespaces/a/configmaps")).toBe("deletecollection||configmaps||a|");
    expect(read("DELETE", "/api/v1/namespaces/a/configmaps/x")).toBe("delete||configmaps||a|x");
    expect(read("POST", "/apis/custom.example/v2/namespaces/a/things")).toBe("create|custom.example|things||a|");
  });

  it("has a namespace when it is one, so that a role in it may let people read it", () => {
    expect(read("GET", "/api/v1/namespaces/a")).toBe("get||namespaces||a|a");
    expect(read("PUT", "/api/v1/namespaces/a/finalize")).toBe("update||namespaces|finalize|a|a");
    expect(read("GET", "/api/v1/namespaces")).toBe("list||namespaces|||");
  });

  it("names the object of a list that asks for one name", () => {
    expect(read("GET", "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dx")).toBe("list||secrets||a|x");
    expect(read("GET", "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name!%3Dx")).toBe("list||secrets||a|");
  });

  it("is a creation for exec, attach and port-forward, whatever the method", () => {
    for (const subresource of ["exec", "attach", "portforward"]) {
      expect(read("GET", `/api/v1/namespaces/a/pods/x/${subresource}`)).toBe(`create||pods|${subresource}|a|x`);
    }
  });

  it("is a path outside of the resources", () => {
    expect(read("GET", "/api")).toBe("get path");
    expect(read("GET", "/apis/apps/v1")).toBe("get path");
    expect(read("POST", "/openapi/v2")).toBe("post path");
  });
});

describe("a refusal", () => {
  const user = { name: "system:serviceaccount:a:b", groups: [] };
  const message = (method: string, target: string, reason = "") =>
    forbidden(user, attributesOf(method, new URL(target, "https://x")), reason).message;

  it("speaks Kubernetes' words", () => {
    expect(message("GET", "/apis/apps/v1/namespaces/c/deployments")).toBe(
      'deployments.apps is forbidden: User "system:serviceaccount:a:b" cannot list resource "deployments" in API group "apps" in the namespace "c"',
    );
    expect(message("GET", "/api/v1/nodes/n")).toBe(
      'nodes "n" is forbidden: User "system:serviceaccount:a:b" cannot get resource "nodes" in API group "" at the cluster scope',
    );
    expect(message("POST", "/api/v1/namespaces/c/pods/p/exec", 'RBAC: role.rbac.authorization.k8s.io "r" not found')).toBe(
      'pods "p" is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods/exec" in API group "" in the namespace "c": RBAC: role.rbac.authorization.k8s.io "r" not found',
    );
    expect(message("GET", "/metrics")).toBe('forbidden: User "system:serviceaccount:a:b" cannot get path "/metrics"');
  });
});
