/** From who a process is to the labels of its series. */

import type { Workload } from './pods.ts';
import type { Identity } from './process.ts';
import { compileRelabel, LABEL_NAME, type LabelMap, type RelabelRule } from './relabel.ts';
import { cleanText, compileServiceName, type ServiceRule } from './service-name.ts';

export interface LabelOptions {
  /** Labels of every series. An empty value takes away a label that would be there. */
  readonly labels: Readonly<Record<string, string>>;
  readonly services: readonly ServiceRule[];
  readonly relabel: readonly RelabelRule[];
}

/** Never labels of a series: each process would be one, and backends keep series for long. */
export const PER_PROCESS: readonly string[] = ['pid', 'tid'];

/** In UTF-16 units; Pyroscope takes 2048 bytes. */
const MAX_VALUE = 500;

/** What relabelling can choose from besides the visible labels. It is gone afterwards. */
function metaLabels(identity: Identity, workload: Workload | undefined): [string, string | undefined][] {
  const pod = Object.entries(workload?.podLabels ?? {}).map(([name, value]): [string, string] => [
    `__meta_kubernetes_pod_label_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`,
    value,
  ]);
  return [
    ['__meta_process_pid', String(identity.pid)],
    ['__meta_process_comm', identity.comm],
    ['__meta_process_exe', identity.exe],
    ['__meta_cgroup', identity.cgroup],
    ['__meta_container_id', identity.container?.id],
    ['__meta_container_runtime', identity.container?.runtime],
    ['__meta_systemd_unit', identity.unit?.name],
    ['__meta_kubernetes_pod_uid', identity.podUid],
    ['__meta_kubernetes_namespace', workload?.namespace],
    ['__meta_kubernetes_pod_name', workload?.pod],
    ['__meta_kubernetes_pod_container_name', workload?.container],
    ['__meta_kubernetes_pod_node_name', workload?.node],
    ...pod,
  ];
}

function isVisible(name: string): boolean {
  return LABEL_NAME.test(name) && !name.startsWith('__') && !PER_PROCESS.includes(name);
}

/**
 * The function from a process to the labels of its series, in order of their names; undefined where relabelling drops
 * it. `service_name` is always there.
 * @throws SyntaxError for an expression that cannot be read
 */
export function compileLabels(
  options: LabelOptions,
): (identity: Identity, workload?: Workload) => Readonly<Record<string, string>> | undefined {
  const serviceName = compileServiceName(options.services);
  const relabel = compileRelabel(options.relabel);
  return (identity, workload) => {
    const service = serviceName(identity, workload);
    const labels: LabelMap = new Map();
    const all: [string, string | undefined][] = [
      ['service_name', service],
      ['namespace', workload?.namespace],
      ['pod', workload?.pod],
      ['container', workload?.container],
      ...Object.entries(options.labels),
      ...metaLabels(identity, workload),
    ];
    for (const [name, value] of all) {
      if (value) labels.set(name, value);
      else if (value === '') labels.delete(name);
    }
    if (!relabel(labels)) return undefined;
    const visible = [...labels]
      .filter(([name]) => isVisible(name))
      .map(([name, value]): [string, string] => [name, cleanText(value, MAX_VALUE)])
      .filter(([name, value]) => value !== '' && name !== 'service_name');
    const name = cleanText(labels.get('service_name') ?? '', MAX_VALUE) || service;
    return Object.fromEntries([...visible, ['service_name', name]].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
  };
}
