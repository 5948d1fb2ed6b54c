/** A namespace with a service that has one of everything, and things of others beside it, for tests. */
export function serviceWithAll(namespace: string, certificate: { certificate: string; key: string }): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: relay, namespace: ${namespace} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: relay-config, namespace: ${namespace}, labels: { part: config } }
data: { limits.yaml: "connections: 10000\\n" }
---
apiVersion: v1
kind: Secret
metadata: { name: relay-secrets, namespace: ${namespace} }
stringData: { database-url: "postgresql://relay:hunter2@postgres:5432/relay", redis-url: "redis://:hunter3@redis:6379" }
---
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: { name: relay-tls, namespace: ${namespace} }
data: { tls.crt: ${base64(certificate.certificate)}, tls.key: ${base64(certificate.key)} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: of-another-service, namespace: ${namespace} }
data: { a: b }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: relay-spool, namespace: ${namespace} }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: v1
kind: Service
metadata: { name: relay, namespace: ${namespace} }
spec: { selector: { app: relay }, ports: [{ name: websocket, port: 8081, targetPort: 8081 }] }
---
apiVersion: v1
kind: Service
metadata: { name: relay-instances, namespace: ${namespace} }
spec: { clusterIP: None, selector: { app: relay }, ports: [{ port: 8081 }] }
---
apiVersion: v1
kind: Service
metadata: { name: postgres, namespace: ${namespace} }
spec: { selector: { app: postgres }, ports: [{ port: 5432 }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: relay, namespace: ${namespace} }
spec: { podSelector: { matchLabels: { app: relay } }, policyTypes: [Ingress], ingress: [{}] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: relay, namespace: ${namespace} }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: relay } } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: relay, namespace: ${namespace} }
spec:
  minReplicas: 3
  maxReplicas: 20
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: relay }
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: relay
  namespace: ${namespace}
  labels: { switchyard.dev/kind: relay }
  annotations: { switchyard.dev/owner: collaboration, switchyard.dev/depends-on: postgres }
spec:
  replicas: 3
  selector: { matchLabels: { app: relay } }
  template:
    metadata: { labels: { app: relay, switchyard.dev/kind: relay } }
    spec:
      serviceAccountName: relay
      containers:
        - name: relay
          image: switchyard/relay:2.0.0
          env:
            - { name: DATABASE_URL, valueFrom: { secretKeyRef: { name: relay-secrets, key: database-url } } }
            - { name: REDIS_URL, valueFrom: { secretKeyRef: { name: relay-secrets, key: redis-url } } }
            - { name: LICENCE, valueFrom: { secretKeyRef: { name: relay-licence, key: key, optional: true } } }
          volumeMounts: [{ name: config, mountPath: /etc/relay }, { name: spool, mountPath: /spool }, { name: tls, mountPath: /tls }]
      volumes:
        - { name: config, configMap: { name: relay-config } }
        - { name: tls, secret: { secretName: relay-tls } }
        - { name: spool, persistentVolumeClaim: { claimName: relay-spool } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: postgres, namespace: ${namespace}, labels: { switchyard.dev/kind: database } }
spec:
  replicas: 1
  serviceName: postgres
  selector: { matchLabels: { app: postgres } }
  template:
    metadata: { labels: { app: postgres } }
    spec: { containers: [{ name: postgres, image: "postgres:15" }] }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;
}
