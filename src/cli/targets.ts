/** From what the user says to what the kernel filters by. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Targets } from '../capture/options.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import type { RecordFlags } from './record-flags.ts';

/** Thread names are cut to this many bytes by the kernel (TASK_COMM_LEN − 1). */
const MAX_COMM = 15;

/**
 * Whether a process or thread exists, as far as we may know: EPERM means that it does. A process whose first thread
 * has ended looks like a zombie, but counts the threads that run on.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return !/^State:\s+[ZX]/m.test(status) || !/^Threads:\s+1$/m.test(status);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

function noTarget(message: string, hint?: string): ProfilerError {
  return new ProfilerError('no-target', message, { exitCode: ExitCode.noTarget, ...(hint ? { hint } : {}) });
}

/** Where the cgroup v2 hierarchy is mounted. Format: proc(5), /proc/PID/mountinfo. */
function cgroupRoot(): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const mountPoint = before.split(' ')[4];
    if (after.startsWith('cgroup2 ') && mountPoint) return mountPoint;
  }
  throw noTarget('no cgroup v2 hierarchy is mounted.', 'Mount one: mount -t cgroup2 none /sys/fs/cgroup/unified');
}

/** The id of a cgroup is the inode of its directory; its level is the depth below the root. */
function findCgroup(path: string): { id: bigint; level: number } {
  const root = cgroupRoot();
  // The path of its directory, or the name that /proc/PID/cgroup shows: below the root of the hierarchy.
  const isBelowRoot = isAbsolute(path) && !relative(root, path).startsWith('..');
  const directory = isBelowRoot ? resolve(path) : join(root, path);
  const below = relative(root, directory);
  if (below.startsWith('..') || !existsSync(join(directory, 'cgroup.procs'))) {
    throw noTarget(`no such cgroup: "${path}".`, `It has to be a directory below ${root}.`);
  }
  const level = below === '' ? 0 : below.split('/').length;
  return { id: statSync(directory, { bigint: true }).ino, level };
}

function checkComm(comm: string): string {
  const bytes = Buffer.byteLength(comm);
  if (bytes > 0 && bytes <= MAX_COMM) return comm;
  const { read } = new TextEncoder().encodeInto(comm, new Uint8Array(MAX_COMM)); // whole characters
  throw new ProfilerError('comm', `a thread name has 1 to ${MAX_COMM} bytes, "${comm}" has ${bytes}.`, {
    ...(bytes > 0 ? { hint: `The kernel cuts longer names: try "${comm.slice(0, read)}".` } : {}),
    exitCode: ExitCode.usage,
  });
}

/** `extra`: process ids besides those of the flags. */
export function findTargets(flags: RecordFlags, extra: readonly number[]): Targets {
  for (const pid of flags.pid) {
    if (!isAlive(pid)) throw noTarget(`no such process: ${pid}.`, '`ps -e` lists the running ones.');
  }
  for (const tid of flags.tid) if (!existsSync(`/proc/${tid}`)) throw noTarget(`no such thread: ${tid}.`);
  return {
    pids: [...flags.pid, ...extra],
    tids: flags.tid,
    cgroup: flags.cgroup === undefined ? undefined : findCgroup(flags.cgroup),
    comm: flags.comm === undefined ? undefined : checkComm(flags.comm),
    inherit: flags.inherit,
  };
}
