/** Pods as Kubernetes describes them (core/v1 Pod, PodList), and which process belongs to which. */
import { z } from 'zod';
import type { Identity } from './process.ts';

/** What Kubernetes knows of the container that a process runs in. */
export interface Workload {
  readonly namespace: string;
  readonly pod: string;
  /** Name of the container in its pod. */
  readonly container: string | undefined;
  /** '' when unknown. */
  readonly node: string;
  readonly podLabels: Readonly<Record<string, string>>;
}

export interface Pod extends Omit<Workload, 'container'> {
  readonly uid: string;
  /** Names of containers by the id that their runtime has given them. */
  readonly containers: ReadonlyMap<string, string>;
  /** Its containers, but not those that only prepare. */
  readonly containerNames: readonly string[];
}

const MAX_PODS = 10_000;
const MAX_LABELS = 100;
/** kubelet calls a static pod by a hash of its file; the pod that it shows to the others has another id. */
const CONFIG_HASH = 'kubernetes.io/config.hash';

const text = z.string().max(1024);
const texts = z.record(text, text).catch({});
const statuses = z.array(z.object({ name: text, containerID: text.catch('') })).catch([]);
const podShape = z.object({
  metadata: z.object({
    uid: text.optional(),
    name: text,
    namespace: text.catch('default'),
    labels: texts,
    annotations: z.object({ [CONFIG_HASH]: text.optional() }).catch({}),
  }),
  spec: z
    .object({ nodeName: text.catch(''), containers: z.array(z.object({ name: text })).catch([]) })
    .catch({ nodeName: '', containers: [] }),
  status: z
    .object({ containerStatuses: statuses, initContainerStatuses: statuses, ephemeralContainerStatuses: statuses })
    .catch({ containerStatuses: [], initContainerStatuses: [], ephemeralContainerStatuses: [] }),
});
const listShape = z.object({ items: z.array(z.unknown()) });

function readPod(value: unknown): Pod | undefined {
  const { data } = podShape.safeParse(value);
  const uid = data?.metadata.annotations[CONFIG_HASH] ?? data?.metadata.uid;
  if (!data || !uid) return undefined;
  const { metadata, spec, status } = data;
  const containers = new Map<string, string>();
  for (const list of Object.values(status)) {
    // containerd://0123…
    for (const { name, containerID } of list) containers.set(containerID.replace(/^.*:\/\//, ''), name);
  }
  return {
    uid: uid.toLowerCase(),
    namespace: metadata.namespace,
    pod: metadata.name,
    node: spec.nodeName,
    podLabels: Object.fromEntries(Object.entries(metadata.labels).slice(0, MAX_LABELS)),
    containers,
    containerNames: spec.containers.map(({ name }) => name),
  };
}

/** The pods of a Pod or a PodList; what has no id or no name is left out. */
export function readPods(value: unknown): Pod[] {
  const list = listShape.safeParse(value);
  const items = list.success ? list.data.items.slice(0, MAX_PODS) : [value];
  return items.map(readPod).filter(pod => pod !== undefined);
}

/** What a pod says of a process of it. */
export function workloadOf(pod: Pod, identity: Identity): Workload {
  const { namespace, pod: name, node, podLabels, containers, containerNames } = pod;
  const only = containerNames.length === 1 && containers.size === 0 ? containerNames[0] : undefined;
  return { namespace, pod: name, node, podLabels, container: containers.get(identity.container?.id ?? '') ?? only };
}
