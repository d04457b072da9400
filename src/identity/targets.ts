/** Which processes are profiled. */

import type { Workload } from './pods.ts';
import type { Identity } from './process.ts';
import { compileGlob, compileRegex, matchesRegex } from './regex.ts';

/** An empty list allows everything. A process has to be allowed by every list, by one entry of each. */
export interface Targets {
  readonly pids: readonly number[];
  /** Globs of cgroup paths; what lies below is meant too. */
  readonly cgroups: readonly string[];
  /** Globs of container ids or names. */
  readonly containers: readonly string[];
  /** Regular expressions of thread names, and of paths of executables. */
  readonly comm: readonly string[];
  readonly exe: readonly string[];
}

export type Matcher = (identity: Identity, workload?: Workload) => boolean;

/** Of a glob of cgroups, which may begin with a slash or not, and of all that lies below. */
function cgroupRegexes(glob: string): RegExp[] {
  const path = `/${glob.replace(/^\/+|\/+$/g, '')}`;
  return path === '/' ? [compileGlob('/**', true)] : [compileGlob(path, true), compileGlob(`${path}/**`, true)];
}

/**
 * The test for targets, compiled.
 * @throws SyntaxError for an expression that cannot be read
 */
export function compileTargets(targets: Targets): Matcher {
  const pids = new Set(targets.pids);
  const cgroups = targets.cgroups.flatMap(cgroupRegexes);
  const containers = targets.containers.map(glob => compileGlob(glob));
  const comm = targets.comm.map(compileRegex);
  const exe = targets.exe.map(compileRegex);
  const allows = (list: readonly RegExp[], ...values: readonly (string | undefined)[]) =>
    list.length === 0 || list.some(regex => values.some(value => value !== undefined && matchesRegex(regex, value)));
  return (identity, workload) =>
    (pids.size === 0 || pids.has(identity.pid)) &&
    allows(cgroups, identity.cgroup) &&
    allows(containers, identity.container?.id, workload?.container) &&
    allows(comm, identity.comm) &&
    allows(exe, identity.exe);
}
