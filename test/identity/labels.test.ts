import { expect, test } from 'vitest';
import { parseCgroup } from '../../src/identity/cgroup.ts';
import { compileLabels, type LabelOptions } from '../../src/identity/labels.ts';
import type { RelabelRule } from '../../src/identity/relabel.ts';
import { RELABEL_DEFAULTS } from '../../src/identity/relabel-check.ts';
import { ID, identityOf, POD_UID, WORKLOAD } from './support.ts';

const POD = identityOf({ cgroup: `/kubepods/pod${POD_UID}/crio-${ID}` });

function options(relabel: Partial<RelabelRule>[] = [], labels: Record<string, string> = {}): LabelOptions {
  return { labels, services: [], relabel: relabel.map(rule => ({ source_labels: [], ...RELABEL_DEFAULTS, ...rule })) };
}

test('without configuration: the service', () => {
  expect(compileLabels(options())(identityOf())).toEqual({ service_name: 'app' });
});

test('static labels, and those of Kubernetes, in order', () => {
  const labels = compileLabels(options([], { team: 'red', hostname: 'h1' }))(POD, WORKLOAD);
  expect(JSON.stringify(labels)).toBe(
    '{"container":"cart","hostname":"h1","namespace":"shop","pod":"cart-5d9c-x2x","service_name":"cart","team":"red"}',
  );
});

test('a static label wins, an empty one takes away', () => {
  const labelsOf = compileLabels(options([], { namespace: 'mine', pod: '' }));
  expect(labelsOf(POD, WORKLOAD)).toEqual({ container: 'cart', namespace: 'mine', service_name: 'cart' });
});

test('meta labels are there for relabelling, and gone afterwards', () => {
  const copyAll = { regex: '__(meta_.*)', replacement: '$1', action: 'labelmap' } as const;
  const identity = { ...POD, unit: parseCgroup('0::/system.slice/a.service').unit };
  expect(compileLabels(options([copyAll]))(identity, WORKLOAD)).toEqual({
    container: 'cart',
    namespace: 'shop',
    pod: 'cart-5d9c-x2x',
    service_name: 'cart',
    meta_cgroup: `/kubepods/pod${POD_UID}/crio-${ID}`,
    meta_container_id: ID,
    meta_container_runtime: 'cri-o',
    meta_kubernetes_namespace: 'shop',
    meta_kubernetes_pod_container_name: 'cart',
    meta_kubernetes_pod_label_app_kubernetes_io_name: 'cart-app',
    meta_kubernetes_pod_label_team: 'red',
    meta_kubernetes_pod_name: 'cart-5d9c-x2x',
    meta_kubernetes_pod_node_name: 'node-1',
    meta_kubernetes_pod_uid: POD_UID,
    meta_process_comm: 'worker',
    meta_process_exe: '/usr/bin/app',
    meta_process_pid: '42',
    meta_systemd_unit: 'a.service',
  });
});

test('a pod label as the name of the service', () => {
  const rule = {
    source_labels: ['__meta_kubernetes_pod_label_app_kubernetes_io_name'],
    regex: '(.+)',
    target_label: 'service_name',
  };
  const labelsOf = compileLabels(options([rule]));
  expect(labelsOf(POD, WORKLOAD)?.service_name).toBe('cart-app');
  expect(labelsOf(identityOf())?.service_name).toBe('app');
});

test('dropped', () => {
  const rule = { source_labels: ['__meta_process_exe'], regex: '/usr/bin/.*', action: 'drop' } as const;
  const labelsOf = compileLabels(options([rule]));
  expect([labelsOf(identityOf()), labelsOf(identityOf({ exe: '/bin/x' }))]).toEqual([undefined, { service_name: 'x' }]);
});

test('the name of the service is put back where it is taken away', () => {
  expect(compileLabels(options([{ regex: '.*', action: 'labeldrop' }]))(identityOf())).toEqual({ service_name: 'app' });
});

test('no process id gets through, nor a name that is none', () => {
  const rules: Partial<RelabelRule>[] = [
    { regex: '__meta_process_(pid)', replacement: '$1', action: 'labelmap' },
    { regex: '__meta_process_pi(d)', replacement: 'ti$1', action: 'labelmap' },
    { source_labels: ['__meta_process_pid'], target_label: '__tmp' },
  ];
  const map = { regex: '__meta_(process_pid)', replacement: '$1', action: 'labelmap' } as const;
  expect(compileLabels(options([...rules, { ...map, replacement: '9$1' }]))(identityOf())).toEqual({
    service_name: 'app',
  });
});

test('values are bounded and without controls', () => {
  const rule = { source_labels: ['__meta_process_comm'], target_label: 'comm' };
  const labels = compileLabels(options([rule]))(identityOf({ comm: `a\n\x1b${'é'.repeat(2000)}` }));
  expect(labels?.comm).toBe(`a__${'é'.repeat(497)}`);
});
