import type { Sample, Usage } from "./usage.ts";

/** A sample as Kubernetes' stats/v1alpha1 Summary, which metrics servers read. */
export function statsSummary({ at, startedAt, node, containers }: Sample, nodeName: string): object {
  const time = at.toISOString();
  const pods = Map.groupBy(containers, ({ podUid }) => podUid);
  return {
    node: { nodeName, startTime: startedAt.toISOString(), ...statsOf(node, time) },
    pods: [...pods].map(([uid, members]) => ({
      podRef: { name: members[0]?.pod ?? "", namespace: members[0]?.namespace ?? "", uid },
      startTime: new Date(Math.min(...members.map((member) => member.startedAt.getTime()))).toISOString(),
      containers: members.map((member) => ({
        name: member.name,
        startTime: member.startedAt.toISOString(),
        ...statsOf(member, time),
      })),
    })),
  };
}

function statsOf({ cpuSeconds, nanoCores, workingSetBytes, rssBytes }: Usage, time: string) {
  return {
    cpu: {
      time,
      ...(nanoCores === undefined ? {} : { usageNanoCores: nanoCores }),
      usageCoreNanoSeconds: Math.round(cpuSeconds * 1e9),
    },
    memory: { time, workingSetBytes, rssBytes },
  };
}
