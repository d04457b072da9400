/** Who a process is, as the kernel tells it: what its files are to be compared with. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { systemCode } from '../errors.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** In the innermost pid namespace: what the process itself takes for its id. */
  readonly ownPid: number;
  /** Since boot, in clock ticks: another process with the same pid has another one. */
  readonly startTime: string;
  /** Users whose files it may be told by: its own, root, and the root of its user namespace. Ids as we see them. */
  readonly owners: ReadonlySet<number>;
  /** Whether its root directory is ours. */
  readonly sharesRoot: boolean;
}

/** undefined when the process has ended. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, user = ''] = /^Uid:\t\d+\t(\d+)/m.exec(status) ?? [];
    const ids = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? [];
    return {
      pid,
      ownPid: Number(ids.at(-1) ?? pid),
      startTime: startTime(pid),
      owners: new Set([Number(user), 0, namespaceRoot(pid)]),
      sharesRoot: sharesRoot(pid),
    };
  } catch (error) {
    if (systemCode(error) !== '') return undefined;
    throw error;
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); behind the name, which may hold anything. '' when the process has ended. */
export function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** `INSIDE OUTSIDE LENGTH` for each range of ids (user_namespaces(7)). */
function namespaceRoot(pid: number): number {
  const first = /^\s*0\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/uid_map`, 'utf8'));
  return Number(first?.[1] ?? 0);
}

/** The same directory of the same mounts: a mount namespace may have other things mounted below it. */
function sharesRoot(pid: number): boolean {
  const [root, own] = [statSync(`/proc/${pid}/root/.`), statSync('/')];
  const namespace = (of: number | 'self') => readlinkSync(`/proc/${of}/ns/mnt`);
  return root.dev === own.dev && root.ino === own.ino && namespace(pid) === namespace('self');
}
