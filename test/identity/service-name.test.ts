import { describe, expect, test } from 'vitest';
import type { Identity } from '../../src/identity/process.ts';
import { cleanText, compileServiceName, type ServiceRule } from '../../src/identity/service-name.ts';
import { ID, identityOf, POD_UID, WORKLOAD } from './support.ts';

const nameOf = compileServiceName([]);
const POD_CGROUP = `/kubepods/burstable/pod${POD_UID}/${ID}`;

describe('the first that there is', () => {
  test.each<[Partial<Identity>, string]>([
    [{ kernelThread: true, exe: '', comm: 'kworker/0:1' }, 'kernel'],
    [{ serviceFromEnv: 'billing', cgroup: '/system.slice/nginx.service' }, 'billing'],
    [{ cgroup: '/system.slice/nginx.service' }, 'nginx'],
    [{ cgroup: '/system.slice/my\\x2dapp.service' }, 'my-app'],
    [{ cgroup: '/system.slice/system-postgresql.slice/postgresql@14-main.service' }, 'postgresql'],
    [{ cgroup: '/system.slice/run-u12.scope' }, 'app'],
    [{ cgroup: '/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service' }, 'app'],
    [{ cgroup: '/user.slice/user-1000.slice/session-2.scope', exe: '/usr/bin/bash' }, 'bash'],
    [{ cgroup: `/system.slice/docker-${ID}.scope` }, 'app'],
    [{ cgroup: `/system.slice/web.service/libpod-payload-${ID}` }, 'web'],
    [{ cgroup: '/lxc.payload.shop/x' }, 'shop'],
    [{ cgroup: '/lxc.payload.shop/system.slice/nginx.service' }, 'nginx'],
    [{ exe: '/memfd:runc_cloned:/proc/self/exe', comm: 'runc' }, 'runc'],
    [{ exe: '', comm: 'worker' }, 'worker'],
    [{ exe: '', comm: '' }, 'unknown'],
    [{ exe: '/opt/a b/\x1b[31mred\n' }, '_[31mred_'],
    [{ serviceFromEnv: ' \u200b ', exe: '/bin/x' }, '_'],
    [{ serviceFromEnv: '  ', exe: '/bin/x' }, 'x'],
    [{ serviceFromEnv: 'x'.repeat(1000) }, 'x'.repeat(200)],
  ])('%j → %s', (given, expected) => {
    expect(nameOf(identityOf(given))).toBe(expected);
  });

  test('in Kubernetes its container, when its pod is known', () => {
    const identity = identityOf({ cgroup: POD_CGROUP, exe: '/usr/bin/java' });
    expect([nameOf(identity), nameOf(identity, WORKLOAD)]).toEqual(['java', 'cart']);
    expect(nameOf({ ...identity, serviceFromEnv: 'own' }, WORKLOAD)).toBe('own');
  });
});

describe('rules', () => {
  const rules: ServiceRule[] = [
    { match: { exe: '/usr/lib/jvm/.*', comm: 'kafka.*' }, name: 'kafka' },
    { match: { exe: '/usr/lib/jvm/.*' }, name: 'java' },
    { match: { unit: 'postgresql@.*\\.service' }, name: 'db' },
    { match: { container: 'cart' }, name: 'shopping' },
    { match: { container: `${ID.slice(0, 12)}.*` }, name: 'by id' },
    { match: { cgroup: '/batch/.*' }, name: 'batch' },
    { match: { comm: 'kswapd.*' }, name: 'swapping' },
  ];
  const ruled = compileServiceName(rules);

  test.each<[Partial<Identity>, string]>([
    [{ exe: '/usr/lib/jvm/bin/java', comm: 'kafka-1' }, 'kafka'],
    [{ exe: '/usr/lib/jvm/bin/java', comm: 'x', serviceFromEnv: 'env' }, 'java'],
    [{ cgroup: '/system.slice/postgresql@14-main.service' }, 'db'],
    [{ cgroup: `/docker/${ID}` }, 'by id'],
    [{ cgroup: '/batch/1' }, 'batch'],
    [{ cgroup: '/batch' }, 'app'],
    [{ kernelThread: true, comm: 'kswapd0' }, 'swapping'],
    [{ exe: '/opt/usr/lib/jvm/java' }, 'java'],
  ])('%j → %s', (given, expected) => {
    expect(ruled(identityOf(given))).toBe(expected);
  });

  test("a container's name in Kubernetes", () => {
    expect(ruled(identityOf({ cgroup: POD_CGROUP }), WORKLOAD)).toBe('shopping');
  });
});

test('text is cut without half characters', () => {
  expect(cleanText(`${'a'.repeat(3)}😀`, 4)).toBe('aaa_');
  expect(cleanText('  a\0b\u2028c  ', 10)).toBe('a_b_c');
});
