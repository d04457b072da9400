import { describe, expect, test } from 'vitest';
import { parseCgroup, unescapeUnit } from '../../src/identity/cgroup.ts';
import { random } from '../support/random.ts';
import { ID, POD_UID } from './support.ts';

const UID_ = POD_UID.replaceAll('-', '_');
const OUTER = 'cd23'.repeat(16);

/** What is found at a path, on one line: container, pod, unit. */
function shown(text: string): string {
  const { container, podUid, unit } = parseCgroup(text);
  const id = container?.id === ID ? 'ID' : container?.id === OUTER ? 'OUTER' : container?.id;
  const parts = [
    container && `${container.runtime} ${id}`,
    podUid && `pod ${podUid === POD_UID ? 'UID' : podUid}`,
    unit && `${unit.user ? 'user ' : ''}unit ${unit.name}`,
  ];
  return parts.filter(Boolean).join(', ');
}

test.each<[string, string]>([
  ['/', ''],
  ['/init.scope', 'unit init.scope'],
  ['/system.slice/nginx.service', 'unit nginx.service'],
  ['/system.slice/nginx.service (deleted)', 'unit nginx.service'],
  ['/system.slice/system-postgresql.slice/postgresql@14-main.service', 'unit postgresql@14-main.service'],
  ['/system.slice/my\\x2dapp.service/worker', 'unit my\\x2dapp.service'],
  ['/system.slice/__hidden.service', 'unit _hidden.service'],
  ['/../../system.slice/nginx.service', 'unit nginx.service'],
  ['/user.slice/user-1000.slice/session-2.scope', 'user unit session-2.scope'],
  ['/user.slice/user-1000.slice/user@1000.service/init.scope', 'user unit init.scope'],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service', 'user unit foo.service'],
  // Docker
  [`/system.slice/docker-${ID}.scope`, 'docker ID'],
  [`/docker/${ID}`, 'docker ID'],
  [`/../${ID}`, 'unknown ID'],
  [`/docker/${OUTER}/docker/${ID}`, 'docker ID'],
  [`/system.slice/docker-${ID}.scope/init.scope`, 'docker ID, unit init.scope'],
  [`/system.slice/docker-${ID}.scope/system.slice/nginx.service`, 'docker ID, unit nginx.service'],
  [`/system.slice/docker.service/${ID}`, 'unknown ID'],
  [`/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`, 'docker ID'],
  [`/ecs/0123456789abcdef0123456789abcdef/${ID}`, 'unknown ID'],
  // Kubernetes, driver systemd
  [
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    'containerd ID, pod UID',
  ],
  [`/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope`, 'cri-o ID, pod UID'],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/docker-${ID}.scope`,
    'docker ID, pod UID',
  ],
  [`/kubepods.slice/kubepods-pod${UID_}.slice/crio-conmon-${ID}.scope`, `pod UID, unit crio-conmon-${ID}.scope`],
  [
    `/system.slice/containerd.service/kubepods-besteffort-pod${UID_}.slice:cri-containerd:${ID}`,
    'containerd ID, pod UID',
  ],
  [
    `/docker/${OUTER}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    'containerd ID, pod UID',
  ],
  // Kubernetes, driver cgroupfs
  [`/kubepods/burstable/pod${POD_UID}/${ID}`, 'unknown ID, pod UID'],
  [`/kubepods/pod${POD_UID}/crio-${ID}`, 'cri-o ID, pod UID'],
  [
    `/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/${ID}`,
    'unknown ID, pod 0123456789abcdef0123456789abcdef',
  ],
  [`/kubepods/burstable/pod${POD_UID}`, 'pod UID'],
  [`/elsewhere/pod${POD_UID}`, ''],
  // Podman
  [`/machine.slice/libpod-${ID}.scope/container`, 'podman ID'],
  [`/machine.slice/libpod-conmon-${ID}.scope`, `unit libpod-conmon-${ID}.scope`],
  [`/libpod_parent/libpod-${ID}`, 'podman ID'],
  [`/system.slice/web.service/libpod-payload-${ID}`, 'podman ID, unit web.service'],
  [
    `/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-${ID}`,
    'podman ID, user unit web.service',
  ],
  // lxc, systemd-nspawn, libvirt
  ['/lxc.payload.web/system.slice/nginx.service', 'lxc web, unit nginx.service'],
  ['/lxc/101/ns/init.scope', 'lxc 101, unit init.scope'],
  ['/lxc.monitor.web', ''],
  ['/machine.slice/systemd-nspawn@web.service/payload', 'systemd-nspawn web'],
  ['/machine.slice/systemd-nspawn@web.service/supervisor', 'unit systemd-nspawn@web.service'],
  ['/machine.slice/machine-my\\x2dbox.scope/system.slice/sshd.service', 'systemd-nspawn my-box, unit sshd.service'],
  ['/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt', 'unit machine-qemu\\x2d1\\x2dvm.scope'],
  // what only looks like it
  [`/system.slice/docker-${ID.slice(1)}.scope`, `unit docker-${ID.slice(1)}.scope`],
  [`/constructor-${ID}.scope`, `unit constructor-${ID}.scope`],
])('%s → %s', (path, expected) => {
  expect(shown(`0::${path}\n`)).toBe(expected);
});

describe('of several hierarchies', () => {
  const v1 = (path: string) =>
    ['12:cpuset:/', `5:cpu,cpuacct:${path}`, `4:memory:${path}`, `1:name=systemd:${path}`].join('\n');

  test('v1', () => {
    expect(parseCgroup(v1(`/docker/${ID}`))).toEqual({
      path: `/docker/${ID}`,
      container: { id: ID, runtime: 'docker' },
      podUid: undefined,
      unit: undefined,
    });
  });

  test('hybrid: v2 knows the unit, and its path is the one that is shown', () => {
    const text = `${v1('/system.slice/cron.service')}\n0::/system.slice/cron.service/inner\n`;
    expect(parseCgroup(text)).toMatchObject({
      path: '/system.slice/cron.service/inner',
      unit: { name: 'cron.service', user: false },
    });
  });

  test('a container counts wherever it is seen, and systemd before the others', () => {
    const text = `4:memory:/docker/${ID}\n1:name=systemd:/system.slice/docker.service\n0::/\n`;
    expect(shown(text)).toBe('docker ID');
    expect(parseCgroup(text).path).toBe('/system.slice/docker.service');
  });

  test('colons in a path belong to it', () => {
    expect(parseCgroup('0::/a:b:c\n').path).toBe('/a:b:c');
  });
});

test('what does not parse is left out', () => {
  const nothing = { path: '/', container: undefined, podUid: undefined, unit: undefined };
  for (const text of ['', '\n\n', 'x', '0:', '0::', '0::relative', ':::/a', '-1::/a']) {
    expect(parseCgroup(text), text).toEqual(nothing);
  }
});

test('any text gives a path, and names that are part of the text', () => {
  const below = random(4);
  const pieces = [
    '/',
    ':',
    '0::',
    '\n',
    ID,
    'docker-',
    '.scope',
    'kubepods',
    '-pod',
    UID_,
    '.slice',
    '..',
    '\\x2d',
    '_',
  ];
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: below(20) }, () => pieces[below(pieces.length)]).join('');
    const { path, container, podUid, unit } = parseCgroup(`0::/${text}`);
    expect(path.startsWith('/')).toBe(true);
    if (container) expect(unescapeUnit(text)).toContain(unescapeUnit(container.id));
    if (podUid !== undefined) expect(text.replaceAll('_', '-')).toContain(podUid);
    if (unit) expect(text).toContain(unit.name);
  }
});

test('a path of 1 MiB takes no longer than its bounds allow', () => {
  const { path } = parseCgroup(`0::${'/a'.repeat(2 ** 19)}\n`);
  expect(path.length).toBeLessThanOrEqual(8192);
});

test.each([
  ['nginx', 'nginx'],
  ['my\\x2dapp', 'my-app'],
  ['caf\\xc3\\xa9', 'café'],
  ['\\xzz', '\\xzz'],
])('unit name %s → %s', (escaped, name) => {
  expect(unescapeUnit(escaped)).toBe(name);
});
