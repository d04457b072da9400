/** Identities for tests. */

import { type Cgroup, parseCgroup } from '../../src/identity/cgroup.ts';
import type { Workload } from '../../src/identity/pods.ts';
import type { Identity } from '../../src/identity/process.ts';

export const ID = 'ab01'.repeat(16);
export const POD_UID = '0a1b2c3d-1111-2222-3333-444455556666';

/** A process in the cgroup of v2 at `cgroup`. */
export function identityOf(given: Partial<Identity> & { cgroup?: string } = {}): Identity {
  const { path, ...described }: Cgroup = parseCgroup(`0::${given.cgroup ?? '/'}\n`);
  const defaults = { pid: 42, comm: 'worker', exe: '/usr/bin/app', kernelThread: false, serviceFromEnv: undefined };
  return { ...defaults, ...described, ...given, cgroup: path };
}

export const WORKLOAD: Workload = {
  namespace: 'shop',
  pod: 'cart-5d9c-x2x',
  container: 'cart',
  node: 'node-1',
  podLabels: { 'app.kubernetes.io/name': 'cart-app', team: 'red' },
};
