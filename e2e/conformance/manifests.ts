/** A small deployment as YAML; `image` and `replicas` are what the cases change. */
export function deploymentManifest({ name = "web", image = "demo/web:1.0.0", replicas = 2 } = {}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: { app: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: ${image}
          ports: [{ name: http, containerPort: 8080 }]
          env: [{ name: LEVEL, value: info }]
          readinessProbe: { httpGet: { path: /ready, port: http } }
          resources: { requests: { cpu: 10m, memory: 16Mi } }
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: http }]
`;
}

export function configMapManifest(name: string, data: Record<string, string>): string {
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
}
