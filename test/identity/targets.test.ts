import { expect, test } from 'vitest';
import { compileTargets, type Targets } from '../../src/identity/targets.ts';
import { ID, identityOf, WORKLOAD } from './support.ts';

const ALL: Targets = { pids: [], cgroups: [], containers: [], comm: [], exe: [] };
const NGINX = identityOf({ pid: 7, comm: 'nginx', exe: '/usr/sbin/nginx', cgroup: '/system.slice/nginx.service/w' });
const CONTAINED = identityOf({ pid: 8, cgroup: `/docker/${ID}` });
const LXC = identityOf({ pid: 9, cgroup: '/lxc.payload.web/x' });
const KERNEL = identityOf({ pid: 2, comm: 'kthreadd', exe: '', kernelThread: true });

/** The pids of what is profiled, of all of the above; CONTAINED is in a pod. */
function matched(given: Partial<Targets>): number[] {
  const matches = compileTargets({ ...ALL, ...given });
  return [NGINX, CONTAINED, LXC, KERNEL]
    .filter(identity => matches(identity, identity === CONTAINED ? WORKLOAD : undefined))
    .map(({ pid }) => pid);
}

test.each<[Partial<Targets>, number[]]>([
  [{}, [7, 8, 9, 2]],
  [{ pids: [2, 7] }, [7, 2]],
  [{ cgroups: ['system.slice/nginx.service'] }, [7]],
  [{ cgroups: ['/system.slice/*.service/'] }, [7]],
  [{ cgroups: ['system.slice'] }, [7]],
  [{ cgroups: ['/system'] }, []],
  [{ cgroups: ['/*/nginx.service'] }, [7]],
  [{ cgroups: ['/*'] }, [7, 8, 9, 2]],
  [{ cgroups: ['/'] }, [7, 8, 9, 2]],
  [{ cgroups: ['nginx.service'] }, []],
  [{ cgroups: ['**/nginx.service', 'docker'] }, [7, 8]],
  [{ containers: ['ab01*'] }, [8]],
  [{ containers: ['web', 'nothing'] }, [9]],
  [{ containers: ['cart'] }, [8]],
  [{ containers: ['*'] }, [8, 9]],
  [{ comm: ['ng.*'] }, [7]],
  [{ comm: ['ng'] }, []],
  [{ exe: ['.*/nginx', '/usr/bin/.*'] }, [7, 8, 9]],
  [{ exe: ['/usr/.*'], containers: ['*'] }, [8, 9]],
  [{ exe: ['/usr/.*'], containers: ['*'], pids: [7] }, []],
])('%j → %j', (given, expected) => {
  expect(matched(given)).toEqual(expected);
});
