/** Who a process is, from its folder in /proc (proc(5)). Everything in there is the target's own: hostile. */
import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { type Cgroup, parseCgroup } from './cgroup.ts';

export interface Identity extends Omit<Cgroup, 'path'> {
  readonly pid: number;
  /** The name of its first thread, at most 15 bytes (of a kernel thread more). */
  readonly comm: string;
  /** Absolute, as the process's mount namespace has it; '' when there is none or it may not be read. */
  readonly exe: string;
  /** Path of its cgroup; `/` when it has none of its own. */
  readonly cgroup: string;
  readonly kernelThread: boolean;
  /** What it calls itself in its environment: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES or DD_SERVICE. */
  readonly serviceFromEnv: string | undefined;
}

/** Of each file. An environment may be larger: what lies behind is not looked at. */
const MAX_BYTES = 64 * 1024;
const MAX_SERVICE = 1024;
const PF_KTHREAD = 0x200000; // include/linux/sched.h

/** One for all files, as one call reads them one after the other. The first byte is a NUL: see {@link variable}. */
const buffer = Buffer.alloc(1 + MAX_BYTES);

/** Reads a file of /proc into `buffer`, from its second byte on. Returns the number of bytes, 0 when it fails. */
function read(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return 0;
  }
  try {
    let size = 0;
    // A read gives at most what is there; most of these files end with the first one.
    for (let count = -1; count !== 0 && size < MAX_BYTES; size += count) {
      count = readSync(fd, buffer, 1 + size, MAX_BYTES - size, null);
    }
    return size;
  } catch {
    return 0;
  } finally {
    closeSync(fd);
  }
}

function readText(path: string): string {
  return buffer.toString('utf8', 1, 1 + read(path));
}

/** The value of a variable among `size` bytes of environment; the first one counts, as for getenv(3). */
function variable(name: string, size: number): string | undefined {
  const bytes = buffer.subarray(0, 1 + size);
  const prefix = `\0${name}=`;
  const at = bytes.indexOf(prefix);
  if (at === -1) return undefined;
  const start = at + prefix.length;
  const end = bytes.indexOf(0, start);
  if (end === -1 || end - start > MAX_SERVICE) return undefined;
  return bytes.toString('utf8', start, end) || undefined;
}

/** `service.name` of `key=value,key=value` with percent-encoded values, as OpenTelemetry defines the variable. */
function resourceService(attributes: string | undefined): string | undefined {
  const [, value] = /(?:^|,)\s*service\.name\s*=\s*([^,]*)/.exec(attributes ?? '') ?? [];
  if (!value) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function readService(folder: string): string | undefined {
  const size = read(`${folder}/environ`);
  const service =
    variable('OTEL_SERVICE_NAME', size) ??
    resourceService(variable('OTEL_RESOURCE_ATTRIBUTES', size)) ??
    variable('DD_SERVICE', size);
  buffer.fill(0, 1, 1 + size); // what else is in an environment is none of our business
  return service;
}

function readExe(folder: string): string {
  try {
    return readlinkSync(`${folder}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

/**
 * Reads who a process is. It is read through one descriptor of its folder, so that all of it is of the same process.
 * @returns undefined when the process is gone
 */
export function readIdentity(pid: number): Identity | undefined {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
  try {
    const folder = `/proc/self/fd/${fd}`;
    const exe = readExe(folder);
    const { path: cgroup, ...described } = parseCgroup(readText(`${folder}/cgroup`));
    const serviceFromEnv = readService(folder);
    // Last: when it can be read, the process was there all the time. 1234 (a name) S 1 1234 1234 0 -1 4194560 …
    const [, comm, flags] = /^\d+ \((.*)\) \S(?: -?\d+){5} (\d+) /s.exec(readText(`${folder}/stat`)) ?? [];
    if (comm === undefined) return undefined;
    const kernelThread = (Number(flags) & PF_KTHREAD) !== 0;
    return { pid, comm, exe, cgroup, ...described, kernelThread, serviceFromEnv };
  } finally {
    closeSync(fd);
  }
}
